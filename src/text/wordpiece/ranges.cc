#include "text/wordpiece/ranges.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace ragpipe::text::internal {
namespace {

using Kind = BertCharacters::Kind;

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kLongWordBytes = 256;

}  // namespace

WordPieceRangeCounter::WordPieceRangeCounter(const Tokenizer& tokenizer, const WordRules& rules, std::string_view text)
    : tokenizer_(tokenizer), rules_(rules), text_(text) {
  words_.reserve(text.size() / 4);
  first_in_block_.reserve(text.size() / kBlockBytes + 1);
}

void WordPieceRangeCounter::Add(ByteRange word, std::size_t tokens) {
  while (first_in_block_.size() * kBlockBytes <= word.begin)
    first_in_block_.push_back(static_cast<std::uint32_t>(words_.size()));
  words_.push_back(
      {static_cast<std::uint32_t>(word.begin), static_cast<std::uint32_t>(word.end), static_cast<std::uint32_t>(tokens_)});
  tokens_ += tokens;
  if (word.size() > kLongWordBytes) long_words_.push_back(ReadLongWord(word));
}

void WordPieceRangeCounter::Finish() {
  first_in_block_.resize(text_.size() / kBlockBytes + 1, static_cast<std::uint32_t>(words_.size()));
  const auto end = static_cast<std::uint32_t>(text_.size());
  words_.push_back({end, end, static_cast<std::uint32_t>(tokens_)});
}

std::size_t WordPieceRangeCounter::FindFirstFrom(std::size_t offset) const {
  std::size_t word = first_in_block_[offset / kBlockBytes];
  while (words_[word].begin < offset) ++word;  // ends at the last entry, which begins where the text ends
  return word;
}

std::size_t WordPieceRangeCounter::Count(ByteRange range) const {
  range.end = std::min(range.end, text_.size());
  if (range.begin >= range.end) return 0;
  std::size_t first = FindFirstFrom(range.begin);
  const std::size_t last = FindFirstFrom(range.end);
  std::size_t count = 0;
  if (first > 0 && words_[first - 1].end > range.begin) {
    count += CountPart({range.begin, std::min<std::size_t>(words_[first - 1].end, range.end)});
  }
  if (last == first) return count;
  const Entry& divided = words_[last - 1];
  if (divided.end <= range.end) return count + words_[last].tokens_before - words_[first].tokens_before;
  return count + divided.tokens_before - words_[first].tokens_before + CountPart({divided.begin, range.end});
}

std::size_t WordPieceRangeCounter::CountPart(ByteRange part) const {
  if (part.size() > kLongWordBytes) {
    const auto after = std::upper_bound(long_words_.begin(), long_words_.end(), part.begin,
                                        [](std::size_t offset, const LongWord& word) { return offset < word.begin; });
    return CountPartOfLongWord(*std::prev(after), part);
  }
  return tokenizer_.Count(text_.substr(part.begin, part.size()));
}

std::size_t WordPieceRangeCounter::CountPartOfLongWord(const LongWord& word, ByteRange part) const {
  const auto first = std::lower_bound(word.characters.begin(), word.characters.end(), part.begin);
  const auto last = std::lower_bound(first, word.characters.end(), part.end);
  // Of two neighbours in the list at least one stays in the normalised word, so that more than these are an unknown word.
  if (static_cast<std::size_t>(last - first) > 2 * rules_.max_characters + 2) return 1;
  std::string kept;
  for (auto it = first; it != last; ++it) kept += text_.substr(*it, DecodeUtf8(text_, *it).length);
  return tokenizer_.Count(kept);
}

WordPieceRangeCounter::LongWord WordPieceRangeCounter::ReadLongWord(ByteRange word) const {
  LongWord read{static_cast<std::uint32_t>(word.begin), {}};
  bool after_dropped_starter = false;
  for (std::size_t i = word.begin; i < word.end;) {
    const DecodedCharacter decoded = DecodeUtf8(text_, i);
    const Kind kind = rules_.characters->Find(decoded.character).kind;
    const bool dropped_starter = kind == Kind::kDroppedStarter;
    if (kind != Kind::kDropped && !(dropped_starter && after_dropped_starter)) {
      read.characters.push_back(static_cast<std::uint32_t>(i));
      after_dropped_starter = dropped_starter;
    }
    i += decoded.length;
  }
  return read;
}

}  // namespace ragpipe::text::internal
