#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe/pair_table.h"
#include "text/bpe/token_table.h"

namespace ragpipe::text::internal {

/// The vocabulary of a byte-level BPE and its encoding of a single piece, exactly as merging the pair of lowest rank again and
/// again would give it (Sennrich, Haddow and Birch 2016, arXiv:1508.07909), in time linear in the piece.
///
/// A symbol is a token by its rank: what is merged earlier is smaller. The bytes come first.
///
/// The method: a sequence of tokens is the encoding if and only if each pair of neighbours is the encoding of its own
/// text, because merging never looks further than a pair. So the longest token that goes with the one before is taken, and
/// taken back if nothing goes with it (van Antwerpen and Neubeck 2024, "So many tokens, so little time", the crate `bpe`).
class BpeVocabulary {
 public:
  using Symbol = std::uint32_t;
  static constexpr Symbol kNone = ~Symbol{0};
  static_assert(kNone == TokenTable::kAbsent);

  /// Of one symbol of two or more bytes: the last merge that makes it. Unreachable ones, which no merging makes, have none.
  struct Parts {
    Symbol left = kNone;
    Symbol right = kNone;
  };

  /// What the encoding of a piece needs besides: kept from piece to piece.
  struct Workspace {
    std::vector<Symbol> symbols;           // the result
    std::vector<std::uint64_t> dead_ends;  // a bit for each position from which the piece cannot be finished
  };

  /// `tokens` by rising rank, fewer than 2^20, all distinct, the 256 bytes among them (anywhere). Merges follow from the
  /// tokens: two neighbours whose concatenation is a token are a merge of its rank, as in tiktoken.
  static BpeVocabulary FromRankedTokens(const std::vector<std::string_view>& tokens);

  /// A token that tokens before it cannot be merged into, but tokens after it can; kNone in a vocabulary that was made by
  /// merging. Where there is one, Encode() gives another encoding than merging would.
  Symbol FindOutOfOrder() const;

  std::size_t size() const { return offsets_.size() - 1; }
  std::string_view BytesOf(Symbol symbol) const {
    return std::string_view(bytes_).substr(offsets_[symbol], offsets_[symbol + 1] - offsets_[symbol]);
  }

  /// The tokens of at most TokenKey::kMaxBytes bytes.
  const TokenTable& table() const { return table_; }

  /// The token that is all of `piece`, or kNone.
  Symbol Find(std::string_view piece) const;

  /// Writes the encoding of `piece`, which is not empty, to `workspace.symbols`.
  void Encode(std::string_view piece, Workspace& workspace) const;

  /// What two bytes, or two symbols, are merged into; kNone if they are not.
  Symbol PairOfBytes(const char* two) const {
    std::uint16_t index;
    std::memcpy(&index, two, 2);
    return byte_pairs_[index];
  }
  Symbol PairOf(Symbol left, Symbol right) const {
    const PairTable::Key key = PairTable::KeyOf(left, right);
    for (std::size_t line = pairs_.LineOf(key);; line = pairs_.NextLine(line)) {
      const std::uint64_t* entries = pairs_.EntriesAt(line);
      for (std::size_t i = 0; i < PairTable::kEntriesPerLine; ++i) {
        if (PairTable::KeyIn(entries[i]) == key) return PairTable::MergedIn(entries[i]);
      }
      if (!PairTable::IsFull(entries)) return kNone;
    }
  }
  const PairTable& pairs() const { return pairs_; }

  /// Whether the two are what merging makes of their text.
  bool EncodesAsPair(Symbol left, Symbol right) const;

  Symbol SymbolOfByte(char byte) const { return byte_symbols_[static_cast<unsigned char>(byte)]; }
  std::size_t LengthOf(Symbol symbol) const { return offsets_[symbol + 1] - offsets_[symbol]; }

 private:
  explicit BpeVocabulary(const std::vector<std::string_view>& tokens);

  void FindParts();
  std::size_t MergeLong(std::string_view token, Symbol* symbols) const;
  void FindLengths();
  void InsertPair(Symbol left, Symbol right, Symbol merged);
  Symbol LongestAt(const char* begin, const char* end) const;
  Symbol LongestPrefixOf(Symbol symbol) const;
  bool IsReachable(Symbol symbol) const { return parts_[symbol].left != kNone || LengthOf(symbol) == 1; }

  // Which lengths (bit n = n bytes, bit 0 = more than TokenKey::kMaxBytes) tokens have that begin with these bytes.
  static constexpr std::size_t kPrefixHashBits = 16;
  static std::size_t HashOf3(const char* p);
  std::vector<std::uint16_t> lengths_by_2_;
  std::vector<std::uint16_t> lengths_by_3_;

  std::string bytes_;
  std::vector<std::uint32_t> offsets_;
  Symbol byte_symbols_[256];
  TokenTable table_;
  // Longer ones by their first TokenKey::kMaxBytes bytes, whose value in `long_prefixes_` is where they begin in
  // `long_tokens_`: the longest first, and after the last one of length 0.
  struct LongToken {
    std::uint32_t length = 0;
    Symbol symbol = kNone;
  };
  void AddLongTokens(std::vector<Symbol> symbols);
  const LongToken* LongTokensFrom(const char* p) const;
  TokenTable long_prefixes_;
  std::vector<LongToken> long_tokens_;
  std::vector<Parts> parts_;
  Table<Symbol> byte_pairs_{std::size_t{1} << 16};
  PairTable pairs_;
};

}  // namespace ragpipe::text::internal
