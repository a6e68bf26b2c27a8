#include "text/wordpiece/ranges.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {
namespace {

using Kind = BertCharacters::Kind;

constexpr std::size_t kLongWordBytes = 256;
constexpr std::size_t kBits = 64;

bool GetBit(const std::vector<std::uint64_t>& bits, std::size_t i) { return (bits[i / kBits] >> (i % kBits) & 1U) != 0; }

std::uint64_t Below(std::size_t bit) { return (std::uint64_t{1} << bit) - 1; }

/// Calls `change` with every number of bits that the range has a part in, and a mask of that part.
template <class Change>
void ForEachPart(ByteRange range, const Change& change) {
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = std::min(range.end, (begin / kBits + 1) * kBits);
    const std::uint64_t upper = end % kBits == 0 ? 0 : ~std::uint64_t{0} << (end % kBits);
    change(begin / kBits, ~Below(begin % kBits) & ~upper);
    begin = end;
  }
}

std::size_t CountBits(std::uint64_t bits) { return static_cast<std::size_t>(std::popcount(bits)); }

}  // namespace

WordPieceRangeCounter::WordPieceRangeCounter(const Tokenizer& tokenizer, const WordRules& rules, std::string_view text)
    : tokenizer_(tokenizer), rules_(rules), text_(text), begins_(text.size() / kBits + 1), covered_(text.size() / kBits + 1) {}

void WordPieceRangeCounter::AddWindow(const WordWindow& window) {
  const std::size_t first = window.base() / kBits;
  for (std::size_t block = 0; block < window.blocks(); ++block) {
    begins_[first + block] |= window.begin_bits(block);
    covered_[first + block] |= window.covered_bits(block);
  }
}

void WordPieceRangeCounter::BeginRun(ByteRange piece) {
  ForEachPart(piece, [this](std::size_t i, std::uint64_t mask) {
    begins_[i] &= ~mask;
    covered_[i] &= ~mask;
  });
}

void WordPieceRangeCounter::AddRunWord(const WordRun::Word& word, WordTokens tokens) {
  SetWord(word.source);
  AddTokens(word.source, tokens.count);
}

void WordPieceRangeCounter::AddAdded(std::uint32_t /*id*/, ByteRange source) {
  SetWord(source);
  AddTokens(source, 1);
}

void WordPieceRangeCounter::SetWord(ByteRange word) {
  begins_[word.begin / kBits] |= std::uint64_t{1} << (word.begin % kBits);
  ForEachPart(word, [this](std::size_t i, std::uint64_t mask) { covered_[i] |= mask; });
}

void WordPieceRangeCounter::AddTokens(ByteRange word, std::size_t count) {
  if (count > 1) {
    extras_.push_back({static_cast<std::uint32_t>(word.begin), extra_});
    extra_ += static_cast<std::uint32_t>(count - 1);
  }
  if (word.size() > kLongWordBytes) AddLongWord(word);
}

void WordPieceRangeCounter::Finish() {
  extras_.push_back({static_cast<std::uint32_t>(text_.size()), extra_});
  spans_.reserve(text_.size() / kSpanBytes + 1);
  Span span{0, 0};
  for (std::size_t i = 0; i < begins_.size(); ++i) {
    if (i % (kSpanBytes / kBits) == 0) {
      while (extras_[span.first_extra].begin < i * kBits) ++span.first_extra;
      spans_.push_back(span);
    }
    span.words_before += static_cast<std::uint32_t>(CountBits(begins_[i]));
  }
}

std::size_t WordPieceRangeCounter::CountBefore(std::size_t offset) const {
  const Span& span = spans_[offset / kSpanBytes];
  std::size_t count = span.words_before;
  for (std::size_t i = offset / kSpanBytes * (kSpanBytes / kBits); i < offset / kBits; ++i) count += CountBits(begins_[i]);
  count += CountBits(begins_[offset / kBits] & Below(offset % kBits));
  const Extra* extra = &extras_[span.first_extra];
  while (extra->begin < offset) ++extra;  // ends at the last entry, which begins where the text ends
  return count + extra->before;
}

std::size_t WordPieceRangeCounter::Count(ByteRange range) const {
  range.end = std::min(range.end, text_.size());
  if (range.begin >= range.end) return 0;
  auto divides_word = [this](std::size_t offset) { return GetBit(covered_, offset) && !GetBit(begins_, offset); };
  std::size_t count = 0;
  if (divides_word(range.begin)) {
    const std::size_t end = std::min(FindEnd(range.begin), range.end);
    count += CountPart({range.begin, end});
    if (end == range.end) return count;
    range.begin = end;
  }
  if (divides_word(range.end)) {
    const std::size_t begin = FindBegin(range.end);
    count += CountPart({begin, range.end});
    range.end = begin;
  }
  return count + CountBefore(range.end) - CountBefore(range.begin);
}

std::size_t WordPieceRangeCounter::FindBegin(std::size_t inside) const {
  std::size_t i = inside / kBits;
  std::uint64_t bits = begins_[i] & Below(inside % kBits);
  for (std::size_t read = 0; bits == 0; ++read) {
    if (read > kLongWordBytes / kBits) return FindLongWord(inside)->begin;
    bits = begins_[--i];
  }
  return i * kBits + static_cast<std::size_t>(std::bit_width(bits)) - 1;
}

std::size_t WordPieceRangeCounter::FindEnd(std::size_t inside) const {
  std::size_t i = inside / kBits;
  auto stops = [this](std::size_t k) { return begins_[k] | ~covered_[k]; };
  std::uint64_t bits = stops(i) & ~Below(inside % kBits);
  for (std::size_t read = 0; bits == 0; ++read) {
    if (read > kLongWordBytes / kBits) return FindLongWord(inside)->end;
    if (++i == begins_.size()) return text_.size();
    bits = stops(i);
  }
  return i * kBits + static_cast<std::size_t>(std::countr_zero(bits));
}

const WordPieceRangeCounter::LongWord* WordPieceRangeCounter::FindLongWord(std::size_t inside) const {
  const auto after = std::upper_bound(long_words_.begin(), long_words_.end(), inside,
                                      [](std::size_t offset, const LongWord& word) { return offset < word.begin; });
  return &*std::prev(after);
}

std::size_t WordPieceRangeCounter::CountPart(ByteRange part) const {
  if (part.size() > kLongWordBytes) return CountPartOfLongWord(*FindLongWord(part.begin), part);
  return tokenizer_.Count(text_.substr(part.begin, part.size()));
}

std::size_t WordPieceRangeCounter::CountPartOfLongWord(const LongWord& word, ByteRange part) const {
  if (word.characters.empty()) {
    if (part.size() / 4 > rules_.max_characters) return 1;
    return tokenizer_.Count(text_.substr(part.begin, part.size()));
  }
  const auto first = std::lower_bound(word.characters.begin(), word.characters.end(), part.begin);
  const auto last = std::lower_bound(first, word.characters.end(), part.end);
  // Of two neighbours in the list at least one stays in the normalised word, so that more than these are an unknown word.
  if (static_cast<std::size_t>(last - first) > 2 * rules_.max_characters + 2) return 1;
  std::string kept;
  for (auto it = first; it != last; ++it) kept += text_.substr(*it, DecodeUtf8(text_, *it).length);
  return tokenizer_.Count(kept);
}

void WordPieceRangeCounter::AddLongWord(ByteRange word) {
  LongWord read{static_cast<std::uint32_t>(word.begin), static_cast<std::uint32_t>(word.end), {}};
  bool any_dropped = false;
  auto for_each_kind = [&](const auto& visit) {
    for (std::size_t i = word.begin; i < word.end;) {
      const DecodedCharacter decoded = DecodeUtf8(text_, i);
      visit(i, rules_.characters->Find(decoded.character).kind);
      i += decoded.length;
    }
  };
  for_each_kind([&](std::size_t /*offset*/, Kind kind) {
    any_dropped = any_dropped || kind == Kind::kDropped || kind == Kind::kDroppedStarter;
  });
  if (any_dropped) {
    bool after_dropped_starter = false;
    for_each_kind([&](std::size_t offset, Kind kind) {
      const bool dropped_starter = kind == Kind::kDroppedStarter;
      if (kind == Kind::kDropped || (dropped_starter && after_dropped_starter)) return;
      read.characters.push_back(static_cast<std::uint32_t>(offset));
      after_dropped_starter = dropped_starter;
    });
  }
  long_words_.push_back(std::move(read));
}

}  // namespace ragpipe::text::internal
