#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ragpipe::text::internal {

/// The first byte at or after `offset` that is one of `sought` or, with kAboveAscii, not ASCII; text.size() where there is
/// none. Looks at sixteen bytes at once.
template <bool kAboveAscii, char... sought>
std::size_t FindByte(std::string_view text, std::size_t offset) {
  typedef signed char Block __attribute__((vector_size(16)));
  for (; offset + sizeof(Block) <= text.size(); offset += sizeof(Block)) {
    Block block;
    std::memcpy(&block, text.data() + offset, sizeof(block));
    Block found = ((block == static_cast<signed char>(sought)) | ...);
    if constexpr (kAboveAscii) found |= block < 0;
    std::uint64_t halves[2];
    std::memcpy(halves, &found, sizeof(halves));
    if (halves[0] != 0) return offset + static_cast<std::size_t>(std::countr_zero(halves[0])) / 8;
    if (halves[1] != 0) return offset + 8 + static_cast<std::size_t>(std::countr_zero(halves[1])) / 8;
  }
  auto is_sought = [](char c) { return ((c == sought) || ...) || (kAboveAscii && static_cast<signed char>(c) < 0); };
  while (offset < text.size() && !is_sought(text[offset])) ++offset;
  return offset;
}

}  // namespace ragpipe::text::internal
