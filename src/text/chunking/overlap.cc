#include "text/chunking/overlap.h"

#include <algorithm>

#include "core/utf8.h"
#include "text/chunking/boundaries.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kBytesPerToken = 5;  // where the search begins
constexpr std::size_t kNear = 8;           // bytes: near enough to look for a unit

bool BeginsUnit(std::string_view text, std::size_t offset, OverlapUnit unit) {
  if (unit == OverlapUnit::kWords) return IsWordStart(text, offset);
  return offset == 0 || text[offset - 1] == '\n' || (text[offset - 1] == '\r' && text.substr(offset, 1) != "\n");
}

}  // namespace

Overlap FindOverlap(std::string_view text, const RangeCounter& counter, ByteRange previous, std::size_t limit,
                    OverlapUnit unit) {
  const std::size_t end = previous.end;
  auto code_point_from = [&text, end](std::size_t offset) {
    while (offset < end && !ragpipe::internal::IsCodePointBoundary(text, offset)) ++offset;
    return offset;
  };
  // Counts fall as the beginning moves to the end, nearly always: `outside` is too early, `inside` is not.
  std::size_t inside = end;
  std::size_t outside = previous.begin;
  for (std::size_t width = std::min(limit, previous.size()) * kBytesPerToken; width < previous.size(); width *= 2) {
    const std::size_t begin = code_point_from(end - width);
    if (counter.Count({begin, end}) > limit) {
      outside = begin;
      break;
    }
    inside = begin;
  }
  if (outside == previous.begin && counter.Count(previous) <= limit) inside = outside;
  while (inside > outside + kNear) {
    const std::size_t middle = code_point_from(outside + (inside - outside) / 2);
    if (middle >= inside) break;
    (counter.Count({middle, end}) > limit ? outside : inside) = middle;
  }
  for (std::size_t begin = outside; begin < end; begin = NextCodePoint(text, begin)) {
    if (!BeginsUnit(text, begin, unit)) continue;
    const std::size_t tokens = counter.Count({begin, end});
    if (tokens <= limit) return {end - begin, tokens};
  }
  return {};
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
