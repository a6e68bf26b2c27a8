#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "text/bpe/char_classes.h"
#include "text/bpe/pair_table.h"
#include "text/bpe/piece_cache.h"
#include "text/bpe/piece_kernels.h"
#include "text/bpe/piece_rule.h"
#include "text/bpe/piece_walk.h"
#include "text/bpe/token_key.h"
#include "text/bpe/token_table.h"
#include "text/bpe/vocabulary.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif

namespace ragpipe::text::internal {
namespace avx2 {
namespace {

constexpr bool kHasWideRegisters = false;

#include "text/bpe/piece_walk.inc"

inline BlockClasses ClassifyBlock(const char* p) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  auto bits = [](__m256i a, __m256i b) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(a)) |
           std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(b))} << 32;
  };
  auto in_range = [&](char first, unsigned char size) {
    const __m256i start = _mm256_set1_epi8(first);
    const __m256i last = _mm256_set1_epi8(static_cast<char>(size - 1));
    auto inside = [&](__m256i v) {  // unsigned "at most last"
      const __m256i shifted = _mm256_sub_epi8(v, start);
      return _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, last), shifted);
    };
    return bits(inside(low), inside(high));
  };
  auto is = [&](char c) {
    const __m256i wanted = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
  };
  BlockClasses block;
  block.upper = in_range('A', 26);
  block.lower = in_range('a', 26);
  block.number = in_range('0', 10);
  block.blank = is(' ');
  block.newline = is('\n') | is('\r');
  block.space = (in_range('\t', 5) & ~block.newline) | block.blank;
  block.apostrophe = is('\'');
  block.slash = is('/');
  block.above_ascii = bits(low, high);
  block.continuation = in_range(static_cast<char>(0x80), 0x40);
  return block;
}

inline unsigned MatchPairs(const std::uint64_t* entries, PairTable::Key key) {
  const __m256i wanted = _mm256_set1_epi64x(static_cast<long long>(key));
  auto match = [&](std::size_t i) {
    const __m256i keys =
        _mm256_srli_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(entries + i)), PairTable::kSymbolBits);
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(keys, wanted))));
  };
  return match(0) | match(4) << 4;
}

inline unsigned MatchLine(const TokenKey* line, TokenKey key) {
  const __m256i wanted = _mm256_set_epi64x(static_cast<long long>(key.high), static_cast<long long>(key.low),
                                           static_cast<long long>(key.high), static_cast<long long>(key.low));
  const __m256i compared =
      _mm256_set_epi64x(static_cast<long long>(~TokenKey::kValueBits), -1, static_cast<long long>(~TokenKey::kValueBits), -1);
  auto halves = [&](std::size_t i) {
    const __m256i keys = _mm256_and_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(line + i)), compared);
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(keys, wanted))));
  };
  const unsigned all = halves(0) | halves(2) << 4;
  return _pext_u32(all & all >> 1, 0x55);
}

}  // namespace
}  // namespace avx2

const BpeKernels kAvx2BpeKernels = {avx2::CountTokens, avx2::EncodeSymbols, avx2::MapPieces,
                                    avx2::MergePiece,  avx2::CountPiece,    "avx2"};

}  // namespace ragpipe::text::internal

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
