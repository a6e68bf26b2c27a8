#pragma once

#include <cstddef>
#include <cstdint>

#include "ragpipe/chunk.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text::internal {

/// What the options of every chunker say about size, under the same names.
struct Limits {
  std::size_t max_tokens = 0;
  std::size_t max_bytes = SIZE_MAX;
  std::size_t min_tokens = 0;
  std::size_t overlap_tokens = 0;
  Fill fill = Fill::kBalanced;
};

/// Whether the range has at most `max_tokens`; `estimate` is of it.
inline bool Fits(const RangeCounter& counter, ByteRange range, const TokenEstimate& estimate, std::size_t max_tokens) {
  if (estimate.at_most <= max_tokens) return true;
  return estimate.at_least <= max_tokens && counter.Count(range) <= max_tokens;
}

inline bool Fits(const RangeCounter& counter, ByteRange range, std::size_t max_tokens) {
  return Fits(counter, range, counter.Estimate(range), max_tokens);
}

template <class Options>
Limits LimitsOf(const Options& options) {
  return {options.max_tokens, options.max_bytes, options.min_tokens, options.overlap_tokens, options.fill};
}

}  // namespace ragpipe::text::internal
