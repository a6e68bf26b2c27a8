#include "text/chunking/hash.h"

#include <algorithm>

namespace ragpipe::text::internal {
namespace {

// Little endian, whatever the machine; compilers make one load of it.
std::uint64_t Load(const char* bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
  x = (x ^ x >> 27) * 0x94D049BB133111EBU;
  return x ^ x >> 31;
}

}  // namespace

std::uint64_t HashAround(std::string_view text, std::size_t offset) {
  constexpr std::size_t kBytes = 2 * kHashedBytes;
  const std::size_t before = std::min(offset, kHashedBytes);
  const std::size_t after = std::min(text.size() - offset, kHashedBytes);
  char copy[kBytes] = {};
  const bool whole = before + after == kBytes;
  if (!whole) text.copy(copy + kHashedBytes - before, before + after, offset - before);
  const char* const bytes = whole ? text.data() + (offset - kHashedBytes) : copy;
  std::uint64_t hash = before << 8 | after;
  for (std::size_t i = 0; i < kBytes; i += 8) hash = (hash ^ Load(bytes + i)) * 0x9E3779B97F4A7C15U + (hash >> 29);
  return Mix(hash);
}

}  // namespace ragpipe::text::internal
