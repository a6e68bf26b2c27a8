#include "sqlite/current.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <system_error>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

constexpr std::string_view kHeader = "ragpipe generations 1\n";
constexpr std::string_view kPrefix = "generation-";
constexpr std::string_view kSuffix = ".sqlite";

std::string LastError() { return std::system_category().message(errno); }

class File {
 public:
  File(const std::string& path, int flags) : file_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (file_ >= 0) close(file_);
  }
  bool is_open() const { return file_ >= 0; }
  int number() const { return file_; }

 private:
  int file_;
};

bool WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::optional<std::uint64_t> ParseNumber(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0) return std::nullopt;
  return number;
}

}  // namespace

std::string CurrentPath(const std::string& folder) { return folder + "/CURRENT"; }

std::string GenerationPath(const std::string& folder, std::uint64_t generation) {
  return fmt::format("{}/{}{:06}{}", folder, kPrefix, generation, kSuffix);
}

std::optional<std::uint64_t> GenerationOf(std::string_view file_name) {
  if (!file_name.starts_with(kPrefix)) return std::nullopt;
  file_name.remove_prefix(kPrefix.size());
  const std::size_t dot = file_name.find(kSuffix);
  return dot == std::string_view::npos ? std::nullopt : ParseNumber(file_name.substr(0, dot));
}

std::string FormatCurrent(const Current& current) {
  std::string text(kHeader);
  text += fmt::format("live {}\n", current.live);
  if (current.candidate.has_value()) text += fmt::format("candidate {}\n", *current.candidate);
  if (current.previous.has_value()) text += fmt::format("previous {}\n", *current.previous);
  text += fmt::format("newest {}\n", current.newest);
  return text;
}

// One way to write each state: so what was read is what FormatCurrent() makes of it, or the text is damaged.
std::optional<Current> ParseCurrent(std::string_view text) {
  Current current;
  std::string_view rest = text;
  if (!rest.starts_with(kHeader)) return std::nullopt;
  rest.remove_prefix(kHeader.size());
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    const std::size_t end = rest.find('\n');
    if (space == std::string_view::npos || end == std::string_view::npos || space > end) return std::nullopt;
    const std::string_view key = rest.substr(0, space);
    const std::optional<std::uint64_t> number = ParseNumber(rest.substr(space + 1, end - space - 1));
    if (!number.has_value()) return std::nullopt;
    if (key == "live") current.live = *number;
    if (key == "candidate") current.candidate = number;
    if (key == "previous") current.previous = number;
    if (key == "newest") current.newest = *number;
    rest.remove_prefix(end + 1);
  }
  if (current.live == 0 || current.newest == 0 || FormatCurrent(current) != text) return std::nullopt;
  return current;
}

absl::StatusOr<Current> ReadCurrent(const std::string& folder) {
  const std::string path = CurrentPath(folder);
  const File file(path, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return absl::NotFoundError(fmt::format("'{}' does not exist: no index was ever made there", path));
    return absl::FailedPreconditionError(fmt::format("'{}' cannot be opened: {}", path, LastError()));
  }
  std::array<char, 512> bytes{};  // more than any state needs
  ssize_t size = -1;
  do {
    size = read(file.number(), bytes.data(), bytes.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return absl::UnavailableError(fmt::format("'{}' cannot be read: {}", path, LastError()));
  const std::optional<Current> current = ParseCurrent({bytes.data(), static_cast<std::size_t>(size)});
  if (current.has_value()) return *current;
  return absl::DataLossError(fmt::format("'{}' is damaged. It names the live generation: restore it from a copy", path));
}

absl::Status WriteCurrent(const std::string& folder, const Current& current) {
  const std::string path = CurrentPath(folder);
  const std::string next = path + "-next";
  {
    const File file(next, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open() || !WriteAll(file.number(), FormatCurrent(current)) || fsync(file.number()) != 0) {
      return absl::FailedPreconditionError(fmt::format("'{}' cannot be written: {}", next, LastError()));
    }
  }
  if (std::rename(next.c_str(), path.c_str()) != 0) {
    return absl::FailedPreconditionError(fmt::format("'{}' cannot be replaced: {}", path, LastError()));
  }
  const File directory(folder, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || fsync(directory.number()) != 0) {
    return absl::FailedPreconditionError(fmt::format("'{}' cannot be synced: {}", folder, LastError()));
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::sqlite
