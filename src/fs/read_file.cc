#include "fs/read_file.h"

#include <absl/status/status.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "core/status_macros.h"
#include "fs/file_version.h"
#include "fs/printable_path.h"
#include "fs/unique_fd.h"

namespace ragpipe::fs {
namespace {

constexpr int kAttempts = 3;

absl::Status ReadError(std::string_view path, int error) {
  const std::string message =
      fmt::format("'{}' cannot be read: {}", PrintablePath(path), std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:  // a symbolic link is there now
    case ENXIO:  // a socket is there now
    case EISDIR:
      return absl::NotFoundError(message);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::ResourceExhaustedError(message);
    case ESTALE:
    case ETIMEDOUT:
      return absl::UnavailableError(message);
    case EACCES:
    case EPERM:
      return absl::InvalidArgumentError(message);
    default:
      return absl::DataLossError(message);
  }
}

absl::StatusOr<UniqueFd> OpenBelow(int root, std::string_view path, bool follow_symlinks) {
  // O_NONBLOCK: a pipe that took the file's place must not hold us.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow_symlinks ? 0 : O_NOFOLLOW);
  UniqueFd fd;
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    const std::string part(rest.substr(0, slash));
    // A directory on the way need not be readable, only passable.
    const int opened = openat(fd.ok() ? fd.get() : root, part.c_str(), is_last ? flags : flags | O_DIRECTORY | O_PATH);
    if (opened < 0) {
      if (errno == EINTR) continue;
      return ReadError(path, errno);
    }
    fd = UniqueFd(opened);
    if (is_last) return fd;
    rest.remove_prefix(slash + 1);
  }
}

/// Up to the end of the file or one byte more than `expected`.
absl::Status ReadAll(int fd, std::string_view path, std::size_t expected, std::string& bytes) {
  bytes.resize(expected + 1);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(fd, bytes.data() + size, bytes.size() - size);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      return ReadError(path, errno);
    }
    size += static_cast<std::size_t>(count);
  }
  bytes.resize(size);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FileContent> ReadFileAt(int root, std::string_view path, const ReadFileOptions& options) {
  FileContent content;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    RAGPIPE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenBelow(root, path, options.follow_symlinks));
    content.read_at = options.clock->Now();
    const QuietStat before = StatWhenQuiet(fd.get());
    if (!before.ok) return ReadError(path, errno);
    content.stat = before.stat;
    if (!S_ISREG(content.stat.st_mode)) {
      return absl::NotFoundError(fmt::format("'{}' is no regular file any more", PrintablePath(path)));
    }
    const auto size = static_cast<std::size_t>(content.stat.st_size);
    if (size > options.max_bytes) {
      return absl::OutOfRangeError(fmt::format("'{}' has {} bytes; at most {} are read. Raise max_file_bytes or exclude it",
                                               PrintablePath(path), size, options.max_bytes));
    }
    if (!before.quiet) continue;
    RAGPIPE_RETURN_IF_ERROR(ReadAll(fd.get(), path, size, content.bytes));
    struct stat after {};
    if (fstat(fd.get(), &after) != 0) return ReadError(path, errno);
    if (content.bytes.size() == size && !WasWritten(content.stat, after)) return content;
  }
  return absl::DataLossError(
      fmt::format("'{}' was written to while it was read, {} times; the next run tries again", PrintablePath(path), kAttempts));
}

}  // namespace ragpipe::fs
