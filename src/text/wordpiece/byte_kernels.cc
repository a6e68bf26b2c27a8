#include "text/wordpiece/byte_kernels.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101U;
constexpr std::uint64_t kHighBits = 0x80 * kOnes;

/// In the high bit of each byte of `low7`, which has none: whether the byte is from `first` to `last`.
constexpr std::uint64_t InRange(std::uint64_t low7, char first, char last) {
  const std::uint64_t from = low7 + (0x80U - static_cast<std::uint64_t>(first)) * kOnes;
  const std::uint64_t beyond = low7 + (0x7FU - static_cast<std::uint64_t>(last)) * kOnes;
  return from & ~beyond & kHighBits;
}

/// The high bits of eight bytes as the low eight bits.
constexpr std::uint64_t Gather(std::uint64_t high_bits) { return ((high_bits >> 7U) * 0x0102040810204080U) >> 56U; }

void Classify(const char* text, std::size_t blocks, char case_bit, char* folded, std::uint64_t* words, std::uint64_t* alone) {
  for (std::size_t block = 0; block < blocks; ++block) {
    words[block] = 0;
    alone[block] = 0;
    for (unsigned part = 0; part < 8; ++part) {
      const std::size_t offset = block * kBlockBytes + part * std::size_t{8};
      std::uint64_t bytes;
      std::memcpy(&bytes, text + offset, sizeof(bytes));
      const std::uint64_t low7 = bytes & ~kHighBits;
      const std::uint64_t ascii = ~bytes & kHighBits;
      const std::uint64_t capital = InRange(low7, 'A', 'Z') & ascii;
      const std::uint64_t letter = InRange(low7 | 0x20 * kOnes, 'a', 'z') | InRange(low7, '0', '9');
      const std::uint64_t space = InRange(low7, '\t', '\n') | InRange(low7, '\r', '\r') | InRange(low7, ' ', ' ');
      const std::uint64_t visible = InRange(low7, '!', '~');
      const std::uint64_t not_simple = ~(ascii & (space | visible)) & kHighBits;
      words[block] |= Gather((letter & ascii) | not_simple) << (8 * part);
      alone[block] |= Gather(visible & ~letter & ascii) << (8 * part);
      const std::uint64_t fold = (capital >> 7U) * static_cast<unsigned char>(case_bit);
      const std::uint64_t fill = ((not_simple & ascii) >> 7U) * 0xFF;
      bytes |= fold | fill;
      std::memcpy(folded + offset, &bytes, sizeof(bytes));
    }
  }
}

std::uint16_t* ListBits(const std::uint64_t* bits, std::size_t blocks, std::uint16_t* positions) {
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::uint64_t left = bits[block]; left != 0; left &= left - 1) {
      *positions++ = static_cast<std::uint16_t>(block * kBlockBytes + static_cast<unsigned>(std::countr_zero(left)));
    }
  }
  return positions;
}

std::size_t CountBits(const std::uint64_t* bits, std::size_t blocks) {
  std::size_t count = 0;
  for (std::size_t block = 0; block < blocks; ++block) count += static_cast<unsigned>(std::popcount(bits[block]));
  return count;
}

std::vector<const ByteKernels*> FastestFirst() {
  std::vector<const ByteKernels*> kernels;
#if defined(__x86_64__)
  const bool avx2 =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("popcnt") != 0;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vbmi2") != 0;
  if (avx512) kernels.push_back(&kAvx512Kernels);
  if (avx2) kernels.push_back(&kAvx2Kernels);
#endif
  kernels.push_back(&kPortableKernels);
  return kernels;
}

const ByteKernels& Choose() {
  const std::vector<const ByteKernels*> kernels = FastestFirst();
  const char* wanted = std::getenv("RAGPIPE_INSTRUCTIONS");
  for (const ByteKernels* candidate : kernels) {
    if (wanted != nullptr && std::string_view(wanted) == candidate->name) return *candidate;
  }
  return *kernels.front();
}

}  // namespace

const ByteKernels kPortableKernels{"portable", Classify, ListBits, CountBits};

const ByteKernels& BestByteKernels() {
  static const ByteKernels& best = Choose();
  return best;
}

}  // namespace ragpipe::text::internal
