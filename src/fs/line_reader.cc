#include "fs/line_reader.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "core/status_macros.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

/// Appends up to `size` bytes at `offset` of the file; the number read, 0 at the end.
absl::StatusOr<std::size_t> AppendAt(int fd, std::uint64_t offset, std::size_t size, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + size);
  ssize_t count = -1;
  do {
    count = pread(fd, out.data() + before, size, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  const int error = errno;
  out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) {
    return absl::DataLossError(
        fmt::format("the file cannot be read at offset {}: {}", offset, std::generic_category().message(error)));
  }
  return static_cast<std::size_t>(count);
}

}  // namespace

absl::StatusOr<std::string> ReadAt(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::size_t count, AppendAt(fd, offset + bytes.size(), size - bytes.size(), bytes));
    if (count == 0) break;
  }
  return bytes;
}

LineReader::LineReader(int fd, std::uint64_t begin, std::uint64_t end, std::size_t max_line_bytes)
    : fd_(fd), end_(end), max_line_bytes_(max_line_bytes), read_to_(begin) {}

absl::StatusOr<bool> LineReader::ReadBlock() {
  // What was handed out goes first, so that the buffer holds one line and one block.
  buffer_.erase(0, line_);
  scanned_ -= line_;
  line_ = 0;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, end_ - std::min(end_, read_to_)));
  if (size == 0) return false;
  RAGPIPE_ASSIGN_OR_RETURN(const std::size_t count, AppendAt(fd_, read_to_, size, buffer_));
  read_to_ += count;
  return count != 0;
}

absl::StatusOr<LineReader::Result> LineReader::Next(Line& line) {
  if (ended_) return Result::kEnd;
  std::size_t newline = buffer_.find('\n', scanned_);
  if (newline == std::string::npos) {
    scanned_ = buffer_.size();
    RAGPIPE_ASSIGN_OR_RETURN(const bool more, ReadBlock());
    if (more) {
      newline = buffer_.find('\n', scanned_);
      if (newline == std::string::npos) {
        scanned_ = buffer_.size();
        if (dropped_ != 0 || scanned_ > max_line_bytes_) {
          dropped_ += scanned_;
          buffer_.clear();
          scanned_ = 0;
        }
        return Result::kPart;
      }
    } else {
      ended_ = true;
      newline = buffer_.size();
      if (newline == 0 && dropped_ == 0) return Result::kEnd;
    }
  }
  const std::size_t size = newline - line_;
  line.has_newline = !ended_;
  line.is_too_long = dropped_ != 0 || size > max_line_bytes_;
  line.bytes = line.is_too_long ? std::string_view() : std::string_view(buffer_).substr(line_, size);
  line.begin = read_to_ - (buffer_.size() - line_) - dropped_;
  line.end = line.begin + dropped_ + size + (line.has_newline ? 1 : 0);
  line_ = std::min(newline + 1, buffer_.size());
  scanned_ = line_;
  dropped_ = 0;
  return Result::kLine;
}

}  // namespace ragpipe::fs
