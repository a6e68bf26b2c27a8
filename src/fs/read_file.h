#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "ragpipe/clock.h"

namespace ragpipe::fs {

struct ReadFileOptions {
  bool follow_symlinks = false;
  std::size_t max_bytes = 0;
  Clock* clock = nullptr;  ///< not null
};

struct FileContent {
  std::string bytes;
  struct stat stat {};  ///< of exactly these bytes
  absl::Time read_at;   ///< before the stat
};

/// Reads the regular file at `path` below the open directory `root`. Each part of the path is opened by itself, so that a
/// symbolic link in any place is refused (unless they are followed) and no path is too long.
/// Errors: kNotFound = there is no regular file; kOutOfRange = larger than max_bytes, and then not read; kDataLoss = written to
/// during each of several attempts, or damaged; kInvalidArgument = may not be read; kResourceExhausted, kUnavailable = try
/// again.
absl::StatusOr<FileContent> ReadFileAt(int root, std::string_view path, const ReadFileOptions& options);

}  // namespace ragpipe::fs
