#include "text/chunking/overlap.h"

#include <algorithm>
#include <vector>

namespace ragpipe::text::internal {

Frame OverlapFraming::FrameAt(std::size_t begin, std::uint32_t /*tag*/, std::size_t room, const Chunk* previous) {
  Frame frame;
  const std::size_t limit = std::min(overlap_tokens_, room);
  if (limit == 0 || previous == nullptr) return frame;

  const std::string_view before = text_.substr(previous->range.begin, previous->range.size());
  status_.Update(words_.Start(before));
  if (!status_.ok()) return frame;
  std::vector<std::size_t> starts = {previous->range.begin};
  while (starts.back() < begin) {
    const std::size_t next = words_.Next();
    if (IsSafeCut(before, next) && !IsSpaceAt(before, next)) starts.push_back(previous->range.begin + next);
  }
  // From the end: as many words as fit by their sum, then fewer until the whole fits.
  std::size_t first = starts.size() - 1;
  for (std::size_t sum = 0; first > 0; --first) {
    sum += counter_.Count({starts[first - 1], starts[first]});
    if (sum > limit) break;
  }
  while (starts[first] < begin) {
    frame.tokens = counter_.Count({starts[first], begin});
    if (frame.tokens <= limit) {
      frame.overlap = begin - starts[first];
      return frame;
    }
    first += (starts.size() - first) / 2;
  }
  return {};
}

}  // namespace ragpipe::text::internal
