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
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"))), \
                                 apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")
#endif

namespace ragpipe::text::internal {
namespace avx512 {
namespace {

constexpr bool kHasWideRegisters = true;

#include "text/bpe/piece_walk.inc"

inline BlockClasses ClassifyBlock(const char* p) {
  const __m512i bytes = _mm512_loadu_si512(p);
  auto in_range = [](__m512i v, char first, unsigned char size) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(first)), _mm512_set1_epi8(static_cast<char>(size)));
  };
  auto is = [bytes](char c) { return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c)); };
  BlockClasses block;
  block.upper = in_range(bytes, 'A', 26);
  block.lower = in_range(bytes, 'a', 26);
  block.number = in_range(bytes, '0', 10);
  block.blank = is(' ');
  block.newline = is('\n') | is('\r');
  block.space = (in_range(bytes, '\t', 5) & ~block.newline) | block.blank;
  block.apostrophe = is('\'');
  block.slash = is('/');
  block.above_ascii = _mm512_movepi8_mask(bytes);
  block.continuation = in_range(bytes, static_cast<char>(0x80), 0x40);
  return block;
}

inline unsigned MatchPairs(const std::uint64_t* entries, PairTable::Key key) {
  const __m512i keys = _mm512_maskz_srli_epi64(0xFF, _mm512_load_si512(entries), PairTable::kSymbolBits);
  return _mm512_cmpeq_epi64_mask(keys, _mm512_set1_epi64(static_cast<long long>(key)));
}

inline unsigned MatchLine(const TokenKey* line, TokenKey key) {
  const __m512i keys = _mm512_load_si512(line);
  const __m512i wanted =
      _mm512_maskz_broadcast_i64x2(0xFF, _mm_set_epi64x(static_cast<long long>(key.high), static_cast<long long>(key.low)));
  const __m512i compared =
      _mm512_maskz_broadcast_i64x2(0xFF, _mm_set_epi64x(static_cast<long long>(~TokenKey::kValueBits), -1));
  const unsigned halves = _mm512_testn_epi64_mask(_mm512_xor_si512(keys, wanted), compared);
  return _pext_u32(halves & halves >> 1, 0x55);
}

}  // namespace
}  // namespace avx512

const BpeKernels kAvx512BpeKernels = {avx512::CountTokens, avx512::EncodeSymbols, avx512::MapPieces,
                                      avx512::MergePiece,  avx512::CountPiece,    "avx512"};

}  // namespace ragpipe::text::internal

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
