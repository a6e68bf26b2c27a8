#include "text/chunking/overlap.h"

#include <algorithm>

#include "core/utf8.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/limits.h"

namespace ragpipe::text::internal {
namespace {

// Where words, or lines, begin in a range of a text.
class UnitFinder {
 public:
  UnitFinder(std::string_view text, ByteRange range, OverlapUnit unit) : text_(text), range_(range), unit_(unit) {}

  // The first at or after `offset`; the end of the range where there is none.
  std::size_t From(std::size_t offset) const {
    while (offset < range_.end && !IsBegin(offset)) ++offset;
    return std::min(offset, range_.end);
  }

  // The last before `offset`, or kNone.
  std::size_t Before(std::size_t offset) const {
    while (offset > range_.begin) {
      if (IsBegin(--offset)) return offset;
    }
    return kNone;
  }

  static constexpr std::size_t kNone = SIZE_MAX;

 private:
  bool IsBegin(std::size_t offset) const {
    if (!ragpipe::internal::IsCodePointBoundary(text_, offset)) return false;
    if (unit_ == OverlapUnit::kWords) return IsWordStart(text_, offset);
    return offset == 0 || text_[offset - 1] == '\n' || (text_[offset - 1] == '\r' && text_.substr(offset, 1) != "\n");
  }

  std::string_view text_;
  ByteRange range_;
  OverlapUnit unit_;
};

}  // namespace

// Counts fall as the beginning moves to the end, nearly always: a bisection that begins with its likely result.
Overlap FindOverlap(std::string_view text, const RangeCounter& counter, ByteRange previous, std::size_t limit,
                    OverlapUnit unit) {
  const std::size_t end = previous.end;
  const UnitFinder units(text, previous, unit);
  std::size_t tokens = 0;  // of what begins at `inside`
  auto fits = [&](std::size_t begin) {
    const TokenEstimate estimate = counter.Estimate({begin, end});
    if (!Fits(counter, {begin, end}, estimate, limit)) return false;
    tokens = estimate.tokens;
    return true;
  };
  std::size_t inside = units.From(end - std::min(counter.GuessSuffixBytes(previous, limit), previous.size()));
  std::size_t outside = UnitFinder::kNone;  // too early
  for (std::size_t step = 1; inside < end && !fits(inside); step *= 4) {
    outside = inside;
    inside = units.From(inside + std::min(step, end - inside));
  }
  for (std::size_t step = 1; outside == UnitFinder::kNone; step *= 4) {
    std::size_t before = units.Before(inside - std::min(step - 1, inside - previous.begin));
    if (before == UnitFinder::kNone) before = units.From(previous.begin);
    if (before >= inside) break;
    if (fits(before)) {
      inside = before;
    } else if (step == 1) {
      return {end - inside, tokens};  // nothing is between them
    } else {
      outside = before;
    }
  }
  while (outside != UnitFinder::kNone) {
    std::size_t middle = units.From(outside + 1 + (inside - outside) / 2);
    if (middle >= inside) middle = units.Before(inside);
    if (middle == outside) break;
    (fits(middle) ? inside : outside) = middle;
  }
  return {end - inside, tokens};
}

Frame OverlapFraming::FrameAt(std::size_t begin, std::uint32_t /*tag*/, std::size_t room, const Chunk* previous) {
  Frame frame;
  const std::size_t limit = std::min(overlap_tokens_, room);
  if (limit == 0 || previous == nullptr) return frame;
  const Overlap overlap = FindOverlap(text_, counter_, {previous->range.begin, begin}, limit, OverlapUnit::kWords);
  frame.overlap = overlap.bytes;
  frame.tokens = overlap.tokens;
  return frame;
}

}  // namespace ragpipe::text::internal
