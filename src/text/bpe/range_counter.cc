#include "text/bpe/range_counter.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ragpipe::text::internal {

BpeRangeCounter::BpeRangeCounter(const BpeRules& rules, std::string_view text, PieceMap map)
    : rules_(rules), text_(text), map_(std::move(map)) {
  const std::size_t blocks = map_.starts.size() / kBlockWords + 1;
  map_.starts.resize(blocks * kBlockWords);
  blocks_.reserve(blocks);
  std::uint64_t tokens = 0;
  std::size_t extra = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    blocks_.push_back({tokens, extra});
    for (std::size_t i = 0; i < kBlockWords; ++i) {
      tokens += static_cast<std::uint64_t>(std::popcount(map_.starts[block * kBlockWords + i]));
    }
    const std::size_t end = (block + 1) * kBlockWords * 64;
    for (; extra < map_.extras.size() && map_.extras[extra].begin < end; ++extra) tokens += map_.extras[extra].tokens - 1;
  }
}

std::size_t BpeRangeCounter::FirstStartFrom(std::size_t at) const {
  std::size_t word = at / 64;
  std::uint64_t bits = map_.starts[word] >> at % 64 << at % 64;
  while (bits == 0) {
    if (++word == map_.starts.size()) return text_.size();
    bits = map_.starts[word];
  }
  return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

std::size_t BpeRangeCounter::LastStartBefore(std::size_t at) const {
  std::size_t word = (at - 1) / 64;
  std::uint64_t bits = map_.starts[word] << (63 - (at - 1) % 64) >> (63 - (at - 1) % 64);
  while (bits == 0) bits = map_.starts[--word];  // a piece begins at 0
  return word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(bits));
}

std::size_t BpeRangeCounter::TokensBefore(std::size_t start) const {
  const std::size_t block = start / (kBlockWords * 64);
  std::size_t tokens = blocks_[block].tokens;
  std::size_t word = block * kBlockWords;
  for (; word < start / 64; ++word) tokens += static_cast<std::size_t>(std::popcount(map_.starts[word]));
  if (start % 64 != 0) tokens += static_cast<std::size_t>(std::popcount(map_.starts[word] << (64 - start % 64)));
  for (std::size_t i = blocks_[block].extra; i < map_.extras.size() && map_.extras[i].begin < start; ++i) {
    tokens += map_.extras[i].tokens - 1;
  }
  return tokens;
}

std::size_t BpeRangeCounter::PieceEndAt(std::size_t at, std::size_t end) const {
  const std::string_view part = text_.substr(at, end - at);
  switch (rules_.grammar) {
    case PieceGrammar::kGpt2:
      return at + PieceEnd<PieceGrammar::kGpt2>(*rules_.classes, part, 0);
    case PieceGrammar::kCl100k:
      return at + PieceEnd<PieceGrammar::kCl100k>(*rules_.classes, part, 0);
    case PieceGrammar::kQwen:
      return at + PieceEnd<PieceGrammar::kQwen>(*rules_.classes, part, 0);
    case PieceGrammar::kO200k:
      return at + PieceEnd<PieceGrammar::kO200k>(*rules_.classes, part, 0);
  }
  return end;
}

std::size_t BpeRangeCounter::CountPiece(ByteRange range) const {
  return kernels_.count_piece(*rules_.vocabulary, text_.substr(range.begin, range.size()));
}

std::size_t BpeRangeCounter::WhiteSpaceBegin(std::size_t from, std::size_t end) const {
  while (end > from) {
    std::size_t begin = end - 1;
    while (begin > from && (static_cast<unsigned char>(text_[begin]) & 0xC0U) == 0x80U) --begin;
    const CharClass c = rules_.classes->Of(DecodeValid(text_.data() + begin).character);
    if (c != CharClass::kSpace && c != CharClass::kNewline) break;
    end = begin;
  }
  return end;
}

std::size_t BpeRangeCounter::Count(ByteRange range) const {
  const std::size_t end = std::min(range.end, text_.size());
  std::size_t begin = range.begin;
  std::size_t tokens = 0;
  while (begin < end && !IsStart(begin)) {
    const std::size_t next = PieceEndAt(begin, end);
    tokens += CountPiece({begin, next});
    begin = next;
  }
  if (begin >= end) return tokens;

  const std::size_t space = WhiteSpaceBegin(begin, end);
  std::size_t divided = space == end ? end : std::min(FirstStartFrom(space), end);
  if (divided == end && !IsStart(end)) divided = LastStartBefore(end);
  tokens += TokensBefore(divided) - TokensBefore(begin);
  while (divided < end) {
    const std::size_t next = PieceEndAt(divided, end);
    tokens += CountPiece({divided, next});
    divided = next;
  }
  return tokens;
}

}  // namespace ragpipe::text::internal
