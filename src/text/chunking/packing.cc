#include "text/chunking/packing.h"

#include <algorithm>
#include <utility>

#include "text/chunking/hash.h"
#include "text/chunking/seams.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kEndless = SIZE_MAX / 4;  // sums of it do not overflow

Limits WithoutOverflow(Limits limits) {
  limits.max_tokens = std::min(limits.max_tokens, kEndless);
  limits.max_bytes = std::min(limits.max_bytes, kEndless);
  return limits;
}

// Where the tokens of `context` and of the text from `begin` on may be counted apart (Tokenizer::is_additive_at_lines()): at
// the front, or after one of the first lines. The end of the text where they may not.
std::size_t FindSeam(std::string_view context, std::string_view text, std::size_t begin) {
  constexpr int kLines = 4;
  std::size_t at = begin;
  for (int line = 0; line < kLines && at < text.size(); ++line) {
    const std::string_view before = at == begin ? context : text.substr(begin, at - begin);
    if (IsTokenSeam(before, text.substr(at))) return at;
    at = LineEnd(text, at);
  }
  return text.size();
}

}  // namespace

Packer::Packer(std::string_view text, const Tokenizer& tokenizer, const RangeCounter& counter, const Limits& limits,
               Framing& framing)
    : text_(text),
      tokenizer_(tokenizer),
      counter_(counter),
      limits_(WithoutOverflow(limits)),
      framing_(framing),
      additive_at_lines_(tokenizer.is_additive_at_lines()),
      anchors_(limits_.max_tokens / 2) {
  constexpr std::size_t kBytesPerToken = 3;
  const std::size_t likely_chunks = text.size() / kBytesPerToken / limits_.max_tokens + 1;
  chunks_.reserve(likely_chunks);
  ends_.reserve(likely_chunks);
}

void Packer::BeginAt(std::size_t begin, const Chunk* before) {
  begin_ = begin;
  before_ = before;
}

void Packer::Add(const Atom& atom) {
  const bool ranked = atom.level >= Level::kWeakSentence && limits_.fill == Fill::kBalanced;
  const std::uint64_t rank = ranked ? RankOf(atom) : 0;
  atoms_.push_back({atom, rank});
  anchors_.Add(atom.tokens, rank);
  while (anchors_.ready()) ReleaseFirst();
}

void Packer::EndGroup() {
  if (!atoms_.empty() && atoms_.back().atom.level != Level::kForced) Flush();
}

// A chunk joins its neighbours when the one after it is complete, and again only while it is too small.
Packer::Certain Packer::FindCertain(Level at_least, absl::FunctionRef<bool(std::size_t offset)> allowed) const {
  for (std::size_t count = chunks_.size(); count-- > 1;) {
    const End& end = ends_[count - 1];
    const bool is_settled = count + 2 <= chunks_.size() && chunks_[count].tokens >= limits_.min_tokens;
    if (!is_settled || !end.begins_anew || end.is_behind_join || end.level < at_least) continue;
    if (allowed(chunks_[count - 1].range.end)) return {count, end.level};
  }
  return {};
}

std::vector<Chunk> Packer::Finish() {
  Flush();
  if (!chunks_.empty()) JoinIfSmall(chunks_.size() - 1);
  return std::move(chunks_);
}

void Packer::ReleaseFirst() {
  pending_tokens_ += atoms_[released_].atom.tokens;
  ++released_;
  if (anchors_.Take()) EmitGroup();
  // A third more than fits is kept, so that the end of a group is known early enough to leave no small rest.
  const std::size_t tokens = limits_.max_tokens + limits_.max_tokens / 3;
  const std::size_t bytes = limits_.max_bytes + limits_.max_bytes / 3;
  while (released_ > 1 && (pending_tokens_ > tokens || pending_bytes() > bytes)) EmitChunk(/*last_of_group=*/false);
}

void Packer::Flush() {
  while (released_ < atoms_.size()) ReleaseFirst();
  EmitGroup();
  anchors_.Restart();
}

void Packer::EmitGroup() {
  while (released_ > 0) EmitChunk(/*last_of_group=*/true);
  if (!ends_.empty()) ends_.back().begins_anew = true;
}

void Packer::EmitChunk(bool last_of_group) {
  const Atom& first = atoms_.front().atom;
  const Chunk* const previous = chunks_.empty() ? before_ : &chunks_.back();
  Frame frame;
  if (framing_.max_tokens() > 0) frame = framing_.FrameAt(begin_, first.tag, RoomBeside({begin_, first.end}), previous);
  auto measure = [this, &frame](std::size_t atoms) {
    return Measure(frame.context, frame.context_tokens, {begin_ - frame.overlap, atoms_[atoms - 1].atom.end});
  };

  std::size_t limit = limits_.max_tokens - std::min(frame.tokens, limits_.max_tokens);
  std::size_t count = 0;
  std::size_t tokens = 0;
  if (last_of_group && pending_tokens_ <= limit + limit / 3 && pending_bytes() <= limits_.max_bytes) {
    count = released_;  // the sum may be more than the whole
    tokens = measure(count);
  }
  if (count == 0 || tokens > limits_.max_tokens) {
    count = ChooseCut(limit, last_of_group);
    tokens = measure(count);
  }
  for (std::size_t step = 1; tokens > limits_.max_tokens; step *= 2) {  // the whole is more than the sum
    if (count > 1) {
      limit = std::min(limit - std::min(limit, step), limit * limits_.max_tokens / tokens);
      count = limit == 0 ? 1 : ChooseCut(limit, /*last_of_group=*/false);
    } else {
      frame.context.clear();
      frame.overlap = 0;
    }
    tokens = measure(count);
  }

  Chunk chunk;
  chunk.range = {begin_, atoms_[count - 1].atom.end};
  chunk.overlap = frame.overlap;
  chunk.context = std::move(frame.context);
  chunk.headings = std::move(frame.headings);
  chunk.tokens = tokens;
  chunk.tokens_are_estimated = !tokenizer_.is_exact();
  begin_ = chunk.range.end;
  chunks_.push_back(std::move(chunk));
  ends_.push_back({.level = atoms_[count - 1].atom.level, .begins_anew = limits_.fill == Fill::kGreedy});
  for (std::size_t i = 0; i < count; ++i) pending_tokens_ -= atoms_[i].atom.tokens;
  atoms_.pop_front(count);
  released_ -= count;
  if (chunks_.size() > 1) JoinIfSmall(chunks_.size() - 2);
}

// The tokens that a frame may have, as exactly as it matters.
std::size_t Packer::RoomBeside(ByteRange range) const {
  std::size_t tokens = counter_.Estimate(range).at_most;
  const std::size_t cap = limits_.max_tokens;
  if (tokens > cap || framing_.max_tokens() > cap - tokens) tokens = counter_.Count(range);
  return cap - std::min(tokens, cap);
}

std::size_t Packer::ChooseCut(std::size_t limit, bool last_of_group) const {
  std::size_t low = limit - limit / 3;
  std::size_t high = limit;
  const std::size_t low_bytes = limits_.max_bytes - limits_.max_bytes / 3;
  if (last_of_group && pending_tokens_ <= limit + limit / 3) {  // two chunks are left: share
    low = pending_tokens_ / 3;
    high = std::min(limit, pending_tokens_ - low);
  }
  std::size_t best = 0;
  Level best_level = Level::kForced;
  std::uint64_t best_rank = 0;
  std::size_t last_good = 0;
  std::size_t last = 1;  // one atom fits, whatever the limit: the caller gives up the frame for it
  std::size_t sum = 0;
  for (std::size_t i = 0; i < released_; ++i) {
    const auto& [atom, known_rank] = atoms_[i];
    const std::size_t bytes = atom.end - begin_;
    sum += atom.tokens;
    if (sum > limit || bytes > limits_.max_bytes) break;
    last = i + 1;
    if (atom.level == Level::kForced) continue;
    last_good = i + 1;
    if (limits_.fill == Fill::kGreedy || (sum < low && bytes < low_bytes) || sum > high || atom.level < best_level) continue;
    const std::uint64_t rank = known_rank != 0 ? known_rank : RankOf(atom);
    if (rank >= best_rank) {
      best = i + 1;
      best_level = atom.level;
      best_rank = rank;
    }
  }
  if (best != 0) return best;
  return last_good != 0 ? last_good : last;
}

// `chunk` and its neighbours are complete.
void Packer::JoinIfSmall(std::size_t chunk) {
  const std::size_t tokens = chunks_[chunk].tokens;
  const bool has_left = chunk > 0;
  const bool has_right = chunk + 1 < chunks_.size();
  if (tokens < limits_.min_tokens) {
    const bool left_first = has_left && (!has_right || ends_[chunk - 1].level <= ends_[chunk].level);
    if (left_first && Join(chunk - 1)) return;
    if (has_right && Join(chunk)) return;
    if (has_left && !left_first) Join(chunk - 1);
  } else if (has_left && has_right && ends_[chunk].level == Level::kForced && tokens <= limits_.max_tokens / 8) {
    Join(chunk - 1);
  }
}

// Makes one of two neighbours, if it fits.
bool Packer::Join(std::size_t first) {
  Chunk& left = chunks_[first];
  const std::size_t end = chunks_[first + 1].range.end;
  if (end - left.range.begin > limits_.max_bytes) return false;
  const std::size_t tokens = Measure(left.context, std::nullopt, {left.range.begin - left.overlap, end});
  if (tokens > limits_.max_tokens) return false;
  left.range.end = end;
  left.tokens = tokens;
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  ends_.erase(ends_.begin() + static_cast<std::ptrdiff_t>(first));
  ends_[first].is_behind_join = limits_.overlap_tokens > 0 && first + 1 < chunks_.size();
  return true;
}

std::size_t Packer::Measure(std::string_view context, std::optional<std::size_t> context_tokens, ByteRange range) const {
  if (context.empty()) return counter_.Count(range);
  const std::size_t seam = additive_at_lines_ ? FindSeam(context, text_.substr(0, range.end), range.begin) : range.end;
  if (seam == range.begin && context_tokens) return *context_tokens + counter_.Count(range);
  std::string embedded(context);
  embedded += text_.substr(range.begin, seam - range.begin);
  return tokenizer_.Count(embedded) + (seam < range.end ? counter_.Count({seam, range.end}) : 0);
}

std::uint64_t Packer::RankOf(const Atom& atom) const {
  return static_cast<std::uint64_t>(atom.level) << 56 | HashAround(text_, atom.end) >> 8;
}

}  // namespace ragpipe::text::internal
