#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ragpipe::fs {

/// Reads the lines of a file block by block. Holds one block and the longest line that is allowed.
class LineReader {
 public:
  struct Line {
    std::string_view bytes;    ///< without its newline; empty when it is too long; valid until the next call
    std::uint64_t begin = 0;   ///< offset in the file
    std::uint64_t end = 0;     ///< offset after the newline
    bool has_newline = false;  ///< false only for what follows the last newline
    bool is_too_long = false;
  };

  enum class Result {
    kLine,
    kPart,  ///< some of a long line was read; call again
    kEnd,
  };

  /// Of the bytes [begin, end) of the open file `fd`, or what is there of them.
  LineReader(int fd, std::uint64_t begin, std::uint64_t end, std::size_t max_line_bytes);

  /// Errors: kDataLoss when the file cannot be read.
  absl::StatusOr<Result> Next(Line& line);

 private:
  absl::StatusOr<bool> ReadBlock();

  const int fd_;
  const std::uint64_t end_;
  const std::size_t max_line_bytes_;
  std::uint64_t read_to_;  // in the file: what follows `buffer_`
  std::string buffer_;
  std::size_t line_ = 0;       // in `buffer_`: where the line begins
  std::size_t scanned_ = 0;    // in `buffer_`: no newline between `line_` and here
  std::uint64_t dropped_ = 0;  // bytes of a line that is too long
  bool ended_ = false;
};

/// Up to `size` bytes at `offset`; fewer at the end of the file only.
absl::StatusOr<std::string> ReadAt(int fd, std::uint64_t offset, std::size_t size);

}  // namespace ragpipe::fs
