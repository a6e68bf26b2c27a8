#pragma once

#include <cstddef>
#include <cstdint>

#include "ragpipe/text/fill.h"

namespace ragpipe::text::internal {

/// What the options of every chunker say about size, under the same names.
struct Limits {
  std::size_t max_tokens = 0;
  std::size_t max_bytes = SIZE_MAX;
  std::size_t min_tokens = 0;
  std::size_t overlap_tokens = 0;
  Fill fill = Fill::kBalanced;
};

template <class Options>
Limits LimitsOf(const Options& options) {
  return {options.max_tokens, options.max_bytes, options.min_tokens, options.overlap_tokens, options.fill};
}

}  // namespace ragpipe::text::internal
