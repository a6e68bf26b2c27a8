#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/wordpiece/normalizer.h"
#include "text/wordpiece/word_run.h"
#include "text/wordpiece/word_table.h"
#include "text/wordpiece/word_walk.h"
#include "text/wordpiece/word_window.h"

namespace ragpipe::text::internal {

/// Counts by sums over words. What becomes of a character does not depend on its neighbours, so the words of a part of the text
/// are the words of the text, cut at both ends: only the words that the ends divide are counted anew.
///
/// For each byte of the text a bit says whether a word begins there, and another whether a word covers it. Most words are one
/// token; the others are listed. No two words share a byte: a character that becomes several letters is never divided.
class WordPieceRangeCounter final : public RangeCounter {
 public:
  static constexpr std::size_t kMaxTextBytes = UINT32_MAX;

  WordPieceRangeCounter(const Tokenizer& tokenizer, const WordRules& rules, std::string_view text);

  // An output of WordWalk; then Finish().
  static constexpr bool kTakesIds = false;
  static constexpr bool kTakesRanges = false;
  bool full() const { return false; }
  void AddWindow(const WordWindow& window);
  void AddWhole(const WordWindow& /*window*/, const WordTable& /*table*/, std::size_t /*first*/,
                std::span<const std::uint32_t> /*slots*/) {}
  void AddWord(const WordWindow& window, std::size_t piece, WordTokens tokens) {
    AddTokens({window.begin(piece), window.end(piece)}, tokens.count);
  }
  void BeginRun(ByteRange piece);
  void AddRunWord(const WordRun::Word& word, WordTokens tokens);
  void AddAdded(std::uint32_t id, ByteRange source);

  void Finish();

  std::size_t Count(ByteRange range) const override;

 private:
  // A word of several tokens.
  struct Extra {
    std::uint32_t begin;
    std::uint32_t before;  // tokens that are not the first of their word, in all words before
  };

  static constexpr std::size_t kSpanBytes = 256;
  struct Span {
    std::uint32_t words_before;
    std::uint32_t first_extra;
  };

  // A word too long to be read again for every range.
  struct LongWord {
    std::uint32_t begin;
    std::uint32_t end;
    std::vector<std::uint32_t> characters;  // where those are that matter to a count, if not all do
  };

  void AddTokens(ByteRange word, std::size_t count);
  void SetWord(ByteRange word);
  void AddLongWord(ByteRange word);

  std::size_t CountBefore(std::size_t offset) const;
  std::size_t FindBegin(std::size_t inside) const;
  std::size_t FindEnd(std::size_t inside) const;
  const LongWord* FindLongWord(std::size_t inside) const;
  std::size_t CountPart(ByteRange part) const;
  std::size_t CountPartOfLongWord(const LongWord& word, ByteRange part) const;

  const Tokenizer& tokenizer_;
  WordRules rules_;
  std::string_view text_;
  std::vector<std::uint64_t> begins_;
  std::vector<std::uint64_t> covered_;
  std::vector<Extra> extras_;
  std::vector<Span> spans_;
  std::vector<LongWord> long_words_;
  std::uint32_t extra_ = 0;
};

}  // namespace ragpipe::text::internal
