#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/tokenizer_json/normalizer.h"

namespace ragpipe::text::internal {

/// Counts by prefix sums over the segments between cuts: what is a cut of the text is one of any part that holds the character
/// before it. Only the segments that the ends of a range divide are counted anew.
class SegmentRangeCounter final : public RangeCounter {
 public:
  /// Counts the tokens of a segment that holds these ends of what is counted.
  using CountSegment = std::function<std::size_t(std::string_view segment, TextEnds ends)>;

  /// `begin_matters`: a segment that begins a text may have other tokens than where it goes on.
  SegmentRangeCounter(std::string_view text, bool begin_matters, bool end_matters, CountSegment count_segment)
      : text_(text), begin_matters_(begin_matters), end_matters_(end_matters), count_segment_(std::move(count_segment)) {}

  /// Segments in order, each with its tokens; then Finish().
  void Add(std::size_t begin, std::size_t tokens);
  void Finish();

  std::size_t Count(ByteRange range) const override;

 private:
  struct Segment {
    std::size_t begin;
    std::size_t tokens_before;
  };

  std::size_t FindFirstFrom(std::size_t offset) const;

  std::string_view text_;
  bool begin_matters_;
  bool end_matters_;
  CountSegment count_segment_;
  std::vector<Segment> segments_;
  std::vector<std::size_t> first_in_block_;  // for every kBlockBytes of the text: the first segment that begins there or later
  std::size_t tokens_ = 0;
};

}  // namespace ragpipe::text::internal
