#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ragpipe/export.h"

namespace ragpipe::internal {

/// The length of the well-formed sequence that `text` begins with; 0 when it is ill-formed (Unicode 15, table 3-7).
inline std::size_t Utf8SequenceLength(std::string_view text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto in = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  auto tail = [&](std::size_t i) { return in(i, 0x80, 0xBF); };
  const unsigned lead = byte(0);
  if (text.empty()) return 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead == 0xE0) return in(1, 0xA0, 0xBF) && tail(2) ? 3 : 0;
  if (lead == 0xED) return in(1, 0x80, 0x9F) && tail(2) ? 3 : 0;
  if (lead >= 0xE1 && lead <= 0xEF) return tail(1) && tail(2) ? 3 : 0;
  if (lead == 0xF0) return in(1, 0x90, 0xBF) && tail(2) && tail(3) ? 4 : 0;
  if (lead >= 0xF1 && lead <= 0xF3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  if (lead == 0xF4) return in(1, 0x80, 0x8F) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

/// The offset of the first byte that is not part of well-formed UTF-8, or npos.
RAGPIPE_EXPORT std::size_t FindInvalidUtf8(std::string_view text);

/// Whether a cut at `offset` does not divide a code point of valid UTF-8.
inline bool IsCodePointBoundary(std::string_view text, std::size_t offset) {
  return offset >= text.size() || (static_cast<unsigned char>(text[offset]) & 0xC0U) != 0x80U;
}

/// A text for a message, in one line: bytes that are not UTF-8 and control characters become \xNN, and of a text that then is
/// longer than `max_bytes` there is the beginning and "...".
RAGPIPE_EXPORT std::string Printable(std::string_view text, std::size_t max_bytes = std::string_view::npos);

}  // namespace ragpipe::internal
