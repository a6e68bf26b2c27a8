#include "text/wordpiece/byte_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// Nothing in here runs before the machine was asked whether it can: see BestByteKernels().
#define RAGPIPE_TARGET_AVX2 __attribute__((target("avx2,bmi,popcnt")))
#define RAGPIPE_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,popcnt")))

namespace ragpipe::text::internal {
namespace {

RAGPIPE_TARGET_AVX2 inline __m256i InRange(__m256i bytes, char first, char last) {
  const __m256i distance = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));  // from `first`, as an unsigned byte
  return _mm256_cmpeq_epi8(_mm256_min_epu8(distance, _mm256_set1_epi8(static_cast<char>(last - first))), distance);
}

RAGPIPE_TARGET_AVX2 inline std::uint64_t Bits(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         (std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32U);
}

RAGPIPE_TARGET_AVX2 void ClassifyAvx2(const char* text, std::size_t blocks, char case_bit, char* folded, std::uint64_t* words,
                                      std::uint64_t* alone) {
  for (std::size_t block = 0; block < blocks; ++block) {
    __m256i word[2];
    __m256i mark[2];
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t offset = block * kBlockBytes + half * sizeof(__m256i);
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + offset));
      const __m256i capital = InRange(bytes, 'A', 'Z');
      const __m256i letter =
          _mm256_or_si256(InRange(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), 'a', 'z'), InRange(bytes, '0', '9'));
      const __m256i space =
          _mm256_or_si256(_mm256_or_si256(InRange(bytes, '\t', '\n'), _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\r'))),
                          _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')));
      const __m256i visible = InRange(bytes, '!', '~');
      const __m256i not_simple = _mm256_xor_si256(_mm256_or_si256(space, visible), _mm256_set1_epi8('\xFF'));
      word[half] = _mm256_or_si256(letter, not_simple);
      mark[half] = _mm256_andnot_si256(letter, visible);
      const __m256i control = _mm256_andnot_si256(_mm256_cmpgt_epi8(_mm256_setzero_si256(), bytes), not_simple);
      const __m256i fold = _mm256_and_si256(capital, _mm256_set1_epi8(case_bit));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(folded + offset), _mm256_or_si256(_mm256_or_si256(bytes, fold), control));
    }
    words[block] = Bits(word[0], word[1]);
    alone[block] = Bits(mark[0], mark[1]);
  }
}

RAGPIPE_TARGET_AVX2 std::uint16_t* ListBitsAvx2(const std::uint64_t* bits, std::size_t blocks, std::uint16_t* positions) {
  constexpr int kStep = 8;  // written at once, whether they are there or not
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint64_t left = bits[block];
    const auto count = static_cast<int>(_mm_popcnt_u64(left));
    for (int written = 0; written < count; written += kStep) {
      for (int i = 0; i < kStep; ++i) {
        positions[written + i] = static_cast<std::uint16_t>(block * kBlockBytes + _tzcnt_u64(left));
        left = _blsr_u64(left);
      }
    }
    positions += count;
  }
  return positions;
}

__attribute__((target("popcnt"))) std::size_t CountBitsPopcnt(const std::uint64_t* bits, std::size_t blocks) {
  std::size_t count = 0;
  for (std::size_t block = 0; block < blocks; ++block) count += static_cast<std::size_t>(_mm_popcnt_u64(bits[block]));
  return count;
}

RAGPIPE_TARGET_AVX512 inline __mmask64 InRange(__m512i bytes, char first, char last) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
                                _mm512_set1_epi8(static_cast<char>(last - first)));
}

RAGPIPE_TARGET_AVX512 void ClassifyAvx512(const char* text, std::size_t blocks, char case_bit, char* folded,
                                          std::uint64_t* words, std::uint64_t* alone) {
  for (std::size_t block = 0; block < blocks; ++block) {
    const __m512i bytes = _mm512_loadu_si512(text + block * kBlockBytes);
    const __mmask64 capital = InRange(bytes, 'A', 'Z');
    const __mmask64 letter = InRange(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), 'a', 'z') | InRange(bytes, '0', '9');
    const __mmask64 space = InRange(bytes, '\t', '\n') | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r')) |
                            _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' '));
    const __mmask64 visible = InRange(bytes, '!', '~');
    const __mmask64 not_simple = ~(space | visible);
    const __mmask64 control = not_simple & ~_mm512_movepi8_mask(bytes);
    words[block] = letter | not_simple;
    alone[block] = visible & ~letter;
    const __m512i lower = _mm512_mask_add_epi8(bytes, capital, bytes, _mm512_set1_epi8(case_bit));
    _mm512_storeu_si512(folded + block * kBlockBytes, _mm512_mask_mov_epi8(lower, control, _mm512_set1_epi8(kControl)));
  }
}

RAGPIPE_TARGET_AVX512 std::uint16_t* ListBitsAvx512(const std::uint64_t* bits, std::size_t blocks, std::uint16_t* positions) {
  alignas(64) static constexpr std::uint8_t kIndices[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                            16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                                            32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                                            48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  const __m512i indices = _mm512_load_si512(kIndices);
  for (std::size_t block = 0; block < blocks; ++block) {
    const __m512i base = _mm512_set1_epi16(static_cast<short>(block * kBlockBytes));
    const __m512i packed = _mm512_maskz_compress_epi8(bits[block], indices);
    const auto count = static_cast<std::size_t>(_mm_popcnt_u64(bits[block]));
    const __m256i first_half = _mm512_maskz_extracti64x4_epi64(0xF, packed, 0);  // g++ 12 warns of the cast
    _mm512_storeu_si512(positions, _mm512_add_epi16(base, _mm512_cvtepu8_epi16(first_half)));
    if (count > 32) {
      const __m256i second_half = _mm512_maskz_extracti64x4_epi64(0xF, packed, 1);
      _mm512_storeu_si512(positions + 32, _mm512_add_epi16(base, _mm512_cvtepu8_epi16(second_half)));
    }
    positions += count;
  }
  return positions;
}

}  // namespace

const ByteKernels kAvx2Kernels{"avx2", ClassifyAvx2, ListBitsAvx2, CountBitsPopcnt};
const ByteKernels kAvx512Kernels{"avx512", ClassifyAvx512, ListBitsAvx512, CountBitsPopcnt};

}  // namespace ragpipe::text::internal

#endif
