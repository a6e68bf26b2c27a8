#include "text/chunking/packing.h"

#include <algorithm>
#include <utility>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kHashedBytes = 24;  // on each side of a boundary

}  // namespace

void Packer::Add(const Atom& atom) {
  waiting_.push_back(atom);
  anchors_.Add(atom.tokens, atom.level < Level::kSentence ? 0 : RankOf(atom));
  while (anchors_.ready()) ReleaseFirst();
}

void Packer::EndGroup() {
  const std::deque<Atom>& last = waiting_.empty() ? pending_ : waiting_;
  if (!last.empty() && last.back().level != Level::kForced) Flush();
}

std::vector<Chunk> Packer::Finish() {
  Flush();
  return std::move(chunks_);
}

void Packer::ReleaseFirst() {
  pending_.push_back(waiting_.front());
  pending_tokens_ += waiting_.front().tokens;
  waiting_.pop_front();
  if (anchors_.Take()) {
    while (!pending_.empty()) EmitChunk(/*last_of_group=*/true);
  }
  // A third more than fits is kept, so that the end of a group is known early enough to leave no small rest.
  while (pending_tokens_ > max_tokens_ + max_tokens_ / 3 && pending_.size() > 1) EmitChunk(/*last_of_group=*/false);
}

void Packer::Flush() {
  while (!waiting_.empty()) ReleaseFirst();
  while (!pending_.empty()) EmitChunk(/*last_of_group=*/true);
  anchors_.Restart();
}

void Packer::EmitChunk(bool last_of_group) {
  const Atom& first = pending_.front();
  Frame frame = framing_.FrameAt(begin_, first.tag, max_tokens_ - first.tokens, chunks_.empty() ? nullptr : &chunks_.back());

  std::size_t limit = max_tokens_ - std::min(frame.tokens, max_tokens_);
  std::size_t count = 0;
  std::size_t tokens = 0;
  if (last_of_group && pending_tokens_ <= limit + limit / 3) {  // the sum may be more than the whole
    count = pending_.size();
    tokens = Measure(frame, pending_.back().end);
  }
  if (count == 0 || tokens > max_tokens_) {
    count = ChooseCut(limit, last_of_group);
    tokens = Measure(frame, pending_[count - 1].end);
  }
  while (tokens > max_tokens_) {  // the whole is more than the sum
    if (count > 1) {
      limit -= std::min(limit, std::max(tokens - max_tokens_, limit / 8 + 1));
      count = ChooseCut(limit, /*last_of_group=*/false);
    } else {
      frame.context.clear();
      frame.overlap = 0;
    }
    tokens = Measure(frame, pending_[count - 1].end);
  }

  Chunk chunk;
  chunk.range = {begin_, pending_[count - 1].end};
  chunk.overlap = frame.overlap;
  chunk.context = std::move(frame.context);
  chunk.headings = std::move(frame.headings);
  chunk.tokens = tokens;
  begin_ = chunk.range.end;
  chunks_.push_back(std::move(chunk));
  for (; count > 0; --count) {
    pending_tokens_ -= pending_.front().tokens;
    pending_.pop_front();
  }
}

std::size_t Packer::ChooseCut(std::size_t limit, bool last_of_group) const {
  std::size_t low = limit - limit / 3;
  std::size_t high = limit;
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
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Atom& atom = pending_[i];
    sum += atom.tokens;
    if (sum > limit) break;
    last = i + 1;
    if (atom.level == Level::kForced) continue;
    last_good = i + 1;
    if (sum < low || sum > high || atom.level < best_level) continue;
    const std::uint64_t rank = RankOf(atom);
    if (rank >= best_rank) {
      best = i + 1;
      best_level = atom.level;
      best_rank = rank;
    }
  }
  if (best != 0) return best;
  return last_good != 0 ? last_good : last;
}

std::size_t Packer::Measure(const Frame& frame, std::size_t end) const {
  if (frame.context.empty()) return counter_.Count({begin_ - frame.overlap, end});
  std::string embedded = frame.context;
  embedded += text_.substr(begin_, end - begin_);
  return tokenizer_.Count(embedded);
}

std::uint64_t Packer::RankOf(const Atom& atom) const {
  const std::size_t begin = atom.end < kHashedBytes ? 0 : atom.end - kHashedBytes;
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a: the same on every platform
  for (const char c : text_.substr(begin, atom.end - begin + kHashedBytes)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return static_cast<std::uint64_t>(atom.level) << 56 | hash >> 8;
}

}  // namespace ragpipe::text::internal
