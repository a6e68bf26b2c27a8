#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {

/// Counts by prefix sums over words. What becomes of a character does not depend on its neighbours, so the words of a part of
/// the text are the words of the text, cut at both ends: only the words that the ends divide are counted anew.
class WordPieceRangeCounter final : public RangeCounter {
 public:
  static constexpr std::size_t kMaxTextBytes = UINT32_MAX;

  WordPieceRangeCounter(const Tokenizer& tokenizer, const WordRules& rules, std::string_view text);

  /// Words in order, each with its tokens; then Finish().
  void Add(ByteRange word, std::size_t tokens);
  void Finish();

  std::size_t Count(ByteRange range) const override;

 private:
  struct Entry {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t tokens_before;
  };

  // A word too long to be read again for every range: where its characters are that matter to a count.
  struct LongWord {
    std::uint32_t begin;
    std::vector<std::uint32_t> characters;
  };

  std::size_t FindFirstFrom(std::size_t offset) const;
  std::size_t CountPart(ByteRange part) const;
  std::size_t CountPartOfLongWord(const LongWord& word, ByteRange part) const;
  LongWord ReadLongWord(ByteRange word) const;

  const Tokenizer& tokenizer_;
  WordRules rules_;
  std::string_view text_;
  std::vector<Entry> words_;
  std::vector<LongWord> long_words_;
  std::vector<std::uint32_t> first_in_block_;  // for every kBlockBytes of the text: the first word that begins there or later
  std::size_t tokens_ = 0;
};

}  // namespace ragpipe::text::internal
