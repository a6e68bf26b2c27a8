#include "sqlite/writer_lock.h"

#include <absl/status/status.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace ragpipe::sqlite {
namespace {

std::string ReadHolder(int file) {
  std::array<char, 32> bytes{};
  const ssize_t size = pread(file, bytes.data(), bytes.size(), 0);
  const std::string_view text(bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  return digits.empty() ? "unknown" : std::string(digits);
}

}  // namespace

absl::StatusOr<WriterLock> WriterLock::Acquire(const std::string& path) {
  const std::string name = path + "-lock";
  const int file = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    return absl::FailedPreconditionError(fmt::format("'{}' cannot be opened: {}. A store needs a folder it may write to", name,
                                                     std::system_category().message(errno)));
  }
  WriterLock lock(file);
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(
          fmt::format("'{}' is being written by another store, in process {}. Close that one first, or search with OpenIndex()",
                      path, ReadHolder(file)));
    }
    return absl::FailedPreconditionError(fmt::format("'{}' cannot be locked: {}", name, std::system_category().message(errno)));
  }
  const std::string holder = fmt::format("{}\n", getpid());
  if (ftruncate(file, 0) != 0 || pwrite(file, holder.data(), holder.size(), 0) < 0) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' cannot be written: {}", name, std::system_category().message(errno)));
  }
  return lock;
}

WriterLock::WriterLock(WriterLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

// The file stays: whoever removed it could remove the one that the next writer has just locked.
WriterLock::~WriterLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace ragpipe::sqlite
