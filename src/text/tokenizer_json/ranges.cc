#include "text/tokenizer_json/ranges.h"

#include <algorithm>
#include <cstddef>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kBlockBytes = 64;

}  // namespace

void SegmentRangeCounter::Add(std::size_t begin, std::size_t tokens) {
  while (first_in_block_.size() * kBlockBytes <= begin) first_in_block_.push_back(segments_.size());
  segments_.push_back({begin, tokens_});
  tokens_ += tokens;
}

void SegmentRangeCounter::Finish() {
  first_in_block_.resize(text_.size() / kBlockBytes + 1, segments_.size());
  segments_.push_back({text_.size(), tokens_});
}

std::size_t SegmentRangeCounter::FindFirstFrom(std::size_t offset) const {
  std::size_t segment = first_in_block_[offset / kBlockBytes];
  while (segments_[segment].begin < offset) ++segment;  // ends at the last entry, which begins where the text ends
  return segment;
}

std::size_t SegmentRangeCounter::Count(ByteRange range) const {
  range.end = std::min(range.end, text_.size());
  if (range.begin >= range.end) return 0;
  auto count = [&](std::size_t begin, std::size_t end) {
    if (begin == end) return std::size_t{0};
    return count_segment_(text_.substr(begin, end - begin), {begin == range.begin, end == range.end});
  };
  std::size_t first = FindFirstFrom(range.begin);
  if (begin_matters_ && segments_[first].begin == range.begin && range.begin > 0) ++first;
  std::size_t last = FindFirstFrom(range.end);
  if (segments_[last].begin > range.end || (end_matters_ && range.end < text_.size())) --last;
  if (first > last || segments_[first].begin >= range.end) return count(range.begin, range.end);
  return count(range.begin, segments_[first].begin) + segments_[last].tokens_before - segments_[first].tokens_before +
         count(segments_[last].begin, range.end);
}

}  // namespace ragpipe::text::internal
