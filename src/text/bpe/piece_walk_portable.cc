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

namespace ragpipe::text::internal {
namespace portable {
namespace {

constexpr bool kHasWideRegisters = false;

#include "text/bpe/piece_walk.inc"

enum : std::uint8_t {
  kOtherByte,
  kUpperByte,
  kLowerByte,
  kNumberByte,
  kBlankByte,
  kSpaceByte,
  kNewlineByte,
  kLeadByte,
  kContinuationByte
};

constexpr auto kBytes = [] {
  struct Bytes {
    std::uint8_t of[256];
  } bytes{};
  for (unsigned b = 0; b < 256; ++b) {
    bytes.of[b] = b >= 0xC0                ? kLeadByte
                  : b >= 0x80              ? kContinuationByte
                  : b >= 'A' && b <= 'Z'   ? kUpperByte
                  : b >= 'a' && b <= 'z'   ? kLowerByte
                  : b >= '0' && b <= '9'   ? kNumberByte
                  : b == ' '               ? kBlankByte
                  : b == '\n' || b == '\r' ? kNewlineByte
                  : b >= '\t' && b <= '\r' ? kSpaceByte
                                           : kOtherByte;
  }
  return bytes;
}();

inline BlockClasses ClassifyBlock(const char* p) {
  std::uint64_t sets[9] = {};
  std::uint64_t apostrophe = 0;
  std::uint64_t slash = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    sets[kBytes.of[static_cast<unsigned char>(p[i])]] |= std::uint64_t{1} << i;
    apostrophe |= std::uint64_t{p[i] == '\''} << i;
    slash |= std::uint64_t{p[i] == '/'} << i;
  }
  return {sets[kUpperByte],
          sets[kLowerByte],
          sets[kNumberByte],
          sets[kBlankByte],
          sets[kSpaceByte] | sets[kBlankByte],
          sets[kNewlineByte],
          apostrophe,
          slash,
          sets[kLeadByte] | sets[kContinuationByte],
          sets[kContinuationByte]};
}

inline unsigned MatchPairs(const std::uint64_t* entries, PairTable::Key key) {
  unsigned match = 0;
  for (unsigned i = 0; i < PairTable::kEntriesPerLine; ++i)
    match |= static_cast<unsigned>(PairTable::KeyIn(entries[i]) == key) << i;
  return match;
}

inline unsigned MatchLine(const TokenKey* line, TokenKey key) {
  unsigned match = 0;
  for (unsigned i = 0; i < TokenTable::kKeysPerLine; ++i) match |= static_cast<unsigned>(line[i].Matches(key)) << i;
  return match;
}

}  // namespace
}  // namespace portable

const BpeKernels kPortableBpeKernels = {portable::CountTokens, portable::EncodeSymbols, portable::MapPieces,
                                        portable::MergePiece,  portable::CountPiece,    "portable"};

}  // namespace ragpipe::text::internal
