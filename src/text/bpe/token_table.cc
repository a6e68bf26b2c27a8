#include "text/bpe/token_table.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <bit>
#include <cstring>
#include <new>

namespace ragpipe::text::internal {

void* AllocateTable(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  constexpr std::size_t kLine = 64;
  const std::size_t alignment = bytes >= kHugePage / 2 ? kHugePage : kLine;
  const std::size_t rounded = (bytes + kLine - 1) / kLine * kLine;
  void* memory = std::aligned_alloc(alignment, (rounded + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // before the first touch; a refusal costs only speed
#endif
  std::memset(memory, 0, rounded);
  return memory;
}

TokenTable::TokenTable(std::size_t max_keys)
    : lines_(std::bit_ceil(max_keys / 2 + 2)),
      shift_(64 - static_cast<unsigned>(std::bit_width(lines_ - 1))),
      keys_(lines_ * kKeysPerLine) {}

void TokenTable::Insert(TokenKey key, std::uint32_t value) {
  for (std::size_t line = LineOf(Hash(key));; line = (line + 1) & (lines_ - 1)) {
    for (std::size_t slot = line * kKeysPerLine; slot < (line + 1) * kKeysPerLine; ++slot) {
      if (!keys_[slot].is_empty() && !keys_[slot].Matches(key)) continue;
      keys_[slot] = key.With(value);
      return;
    }
  }
}

}  // namespace ragpipe::text::internal
