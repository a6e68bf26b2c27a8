#include "text/bpe/range_counter.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ragpipe::text::internal {

namespace {

// std::popcount() is a call where not all processors have an instruction for it (Warren, Hacker's Delight, section 5-1).
std::uint64_t CountBits(std::uint64_t x) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  x -= x >> 1 & kOnes * 0x55;
  x = (x & kOnes * 0x33) + (x >> 2 & kOnes * 0x33);
  return ((x + (x >> 4)) & kOnes * 0x0F) * kOnes >> 56;
}

}  // namespace

BpeRangeCounter::BpeRangeCounter(const BpeRules& rules, ScratchPool& scratches, std::string_view text, PieceMap map)
    : rules_(rules),
      scratches_(scratches),
      text_(text),
      map_(std::move(map)),
      blocks_(std::make_unique_for_overwrite<Block[]>(map_.starts.size() + 1)) {
  std::uint64_t tokens = 0;
  std::size_t extra = 0;
  for (std::size_t block = 0; block < map_.starts.size(); ++block) {
    blocks_[block] = {tokens, extra};
    tokens += CountBits(map_.starts[block]);
    const std::size_t end = (block + 1) * 64;
    for (; extra < map_.extras.size() && map_.extras[extra].begin < end; ++extra) tokens += map_.extras[extra].tokens - 1;
  }
  blocks_[map_.starts.size()] = {tokens, extra};
}

// The end of the range if no piece begins there.
std::size_t BpeRangeCounter::FirstStartIn(ByteRange range) const {
  std::size_t word = range.begin / 64;
  std::uint64_t bits = map_.starts[word] >> range.begin % 64 << range.begin % 64;
  while (bits == 0) {
    if (++word * 64 >= range.end) return range.end;
    bits = map_.starts[word];
  }
  return std::min(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)), range.end);
}

std::size_t BpeRangeCounter::LastStartBefore(std::size_t at) const {
  std::size_t word = (at - 1) / 64;
  std::uint64_t bits = map_.starts[word] << (63 - (at - 1) % 64) >> (63 - (at - 1) % 64);
  while (bits == 0) bits = map_.starts[--word];  // a piece begins at 0
  return word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(bits));
}

std::size_t BpeRangeCounter::TokensBefore(std::size_t start) const {
  const Block* const block = &blocks_[start / 64];
  std::size_t tokens = block->tokens;
  if (start % 64 == 0) return tokens;
  tokens += CountBits(map_.starts[start / 64] << (64 - start % 64));
  for (std::size_t i = block->extra; i < block[1].extra && map_.extras[i].begin < start; ++i)
    tokens += map_.extras[i].tokens - 1;
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
  const std::string_view piece = text_.substr(range.begin, range.size());
  if (piece.size() == 1 || rules_.vocabulary->Find(piece) != BpeVocabulary::kNone) return 1;
  const ScratchPool::Lease scratch = scratches_.Take();
  return kernels_.count_piece(*rules_.vocabulary, *scratch, piece);
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

// In every grammar, a space and the word after it are one piece, which ends where the word alone does.
bool BpeRangeCounter::BeginsWordAfterSpace(std::size_t at) const {
  const auto letter = static_cast<unsigned char>(text_[at] | 0x20);
  return letter >= 'a' && letter <= 'z' && at > 0 && text_[at - 1] == ' ' && IsStart(at - 1);
}

BpeRangeCounter::Inner BpeRangeCounter::FindInner(ByteRange range) const {
  std::size_t begin = range.begin;
  if (!IsStart(begin) && BeginsWordAfterSpace(begin)) {
    begin = FirstStartIn({begin, range.end});
    if (begin < range.end) return {begin, InnerEnd(begin, range.end), /*head_is_piece=*/true};
    begin = range.begin;
  }
  int pieces = 0;
  for (; begin < range.end && !IsStart(begin); ++pieces) begin = PieceEndAt(begin, range.end);
  if (begin >= range.end) return {range.end, range.end, pieces == 1};
  return {begin, InnerEnd(begin, range.end), pieces == 1};
}

// A piece begins at `begin` < `end`.
std::size_t BpeRangeCounter::InnerEnd(std::size_t begin, std::size_t end) const {
  // Line ends after a visible character are a piece, with punctuation before them or without, whatever follows; but for kGpt2,
  // only one is.
  auto is_visible = [this, begin](std::size_t at) {
    return at >= begin && at < text_.size() && text_[at] > ' ' && text_[at] < 0x7F;
  };
  if (text_[end - 1] == ' ' && is_visible(end - 2) && IsStart(end - 1)) return end - 1;
  std::size_t visible_end = end;
  const std::size_t max_newlines = rules_.grammar == PieceGrammar::kGpt2 ? 1 : 4;
  while (visible_end > begin && end - visible_end < max_newlines && text_[visible_end - 1] == '\n') --visible_end;
  if (is_visible(visible_end - 1) && IsStart(end)) return end;
  const std::size_t space = WhiteSpaceBegin(begin, end);
  const std::size_t inner_end = space == end ? end : FirstStartIn({space, end});
  return inner_end == end && !IsStart(end) ? LastStartBefore(end) : inner_end;
}

// Of a range that is cut into pieces anew.
std::size_t BpeRangeCounter::CountPieces(ByteRange range) const {
  std::size_t tokens = 0;
  while (range.begin < range.end) {
    if (range.size() == 1) return tokens + 1;
    const std::size_t next = PieceEndAt(range.begin, range.end);
    tokens += CountPiece({range.begin, next});
    range.begin = next;
  }
  return tokens;
}

std::size_t BpeRangeCounter::CountAround(ByteRange range, const Inner& inner) const {
  const ByteRange head{range.begin, inner.begin};
  std::size_t tokens = inner.head_is_piece ? CountPiece(head) : CountPieces(head);
  if (inner.begin < inner.end) tokens += TokensBefore(inner.end) - TokensBefore(inner.begin);
  return tokens + CountPieces({inner.end, range.end});
}

std::size_t BpeRangeCounter::Count(ByteRange range) const {
  range.end = std::min(range.end, text_.size());
  if (range.size() == 1) return 1;
  return CountAround(range, FindInner(range));
}

// What is cut anew has no more tokens than bytes. A piece that a range begins in is taken to belong to it, all of it, and not
// one that it ends in.
TokenEstimate BpeRangeCounter::Estimate(ByteRange range) const {
  constexpr std::size_t kFewBytes = 16;
  range.end = std::min(range.end, text_.size());
  if (range.size() <= 1) return {range.size(), range.size(), range.size()};
  const Inner inner = FindInner(range);
  // A part of a word: tokens of random characters have about two bytes.
  if (inner.begin >= range.end && range.size() <= kFewBytes) return {(range.size() + 1) / 2, 1, range.size()};
  const std::size_t head = inner.begin - range.begin;
  const std::size_t tail = range.end - inner.end;
  if (inner.begin >= range.end || head + tail > kFewBytes) {
    const std::size_t tokens = CountAround(range, inner);
    return {tokens, tokens, tokens};
  }
  const std::size_t before = TokensBefore(inner.begin);
  const std::size_t until = TokensBefore(inner.end);
  const std::size_t last = tail == 0 || IsStart(range.end) ? range.end : LastStartBefore(range.end);
  const std::size_t of_tail = tail == 0 || last <= inner.end ? 0 : std::min(tail, TokensBefore(last) - until);
  const std::size_t of_head = head == 0 ? 0 : std::min(head, before - TokensBefore(LastStartBefore(range.begin)));
  const std::size_t tokens = until - before;
  return {tokens + of_head + of_tail, tokens + (head == 0 ? 0 : 1) + (tail == 0 ? 0 : 1), tokens + head + tail};
}

std::size_t BpeRangeCounter::GuessSuffixBytes(ByteRange range, std::size_t tokens) const {
  range.end = std::min(range.end, text_.size());
  if (range.size() == 0) return 0;
  const std::size_t last = LastStartBefore(range.end);
  const std::size_t all = TokensBefore(last) + 1;
  if (all <= tokens) return range.size();
  const std::size_t before = all - tokens;
  const Block* const first_block = &blocks_[range.begin / 64];
  const Block* const end_block = &blocks_[last / 64] + 1;
  auto has_no_more = [before](const Block& block) { return block.tokens <= before; };
  const Block* const after = std::partition_point(first_block + 1, end_block, has_no_more);
  const auto block = static_cast<std::size_t>(after - blocks_.get()) - 1;
  std::size_t start = FirstStartIn({block * 64, last});
  while (start < last && TokensBefore(start) < before) start = FirstStartIn({start + 1, last});
  return range.end - std::clamp(start, range.begin, range.end);
}

}  // namespace ragpipe::text::internal
