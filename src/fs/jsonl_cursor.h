#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ragpipe/cursor.h"

namespace ragpipe::fs {

/// How much of its beginning tells one file from another.
inline constexpr std::size_t kMaxHeadBytes = 4096;

/// How far a log was read.
struct JsonlCursor {
  std::uint64_t offset = 0;
  std::uint64_t lines = 0;  ///< newlines before the offset
  std::string head_hash;    ///< HeadHash() of the first HeadBytes() bytes of the file

  /// Only what lies before the offset counts, so that a file shorter than the head may grow.
  std::size_t HeadBytes() const { return offset < kMaxHeadBytes ? static_cast<std::size_t>(offset) : kMaxHeadBytes; }
};

std::string HeadHash(std::string_view head);

/// "1:offset:lines:hash".
Cursor EncodeCursor(const JsonlCursor& cursor);
std::optional<JsonlCursor> DecodeCursor(const Cursor& cursor);

}  // namespace ragpipe::fs
