#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/embedder.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text::internal {

/// 1 - cosine of what stands on both sides of a boundary between sentences, in millionths: from 0 to 2,000,000, so that the
/// last bit of a float decides nothing.
using Distance = std::int64_t;

/// The distance at the end of every sentence but the last. It is 0 beside a sentence of more than `max_tokens`, and where a
/// vector is zero. `sentences` are not empty, lie beside each other, and are in order.
/// Errors: the embedder's; kInternal when a vector is not finite.
absl::StatusOr<std::vector<Distance>> MeasureDistances(std::string_view text, std::span<const ByteRange> sentences,
                                                       const RangeCounter& counter, std::size_t max_tokens,
                                                       std::size_t window_sentences, Embedder& embedder);

/// Whether the distance at `boundary` is the largest within `radius` boundaries on both sides, the first of equals, and more
/// than `threshold` standard deviations above their mean, its own included.
bool IsPeak(std::span<const Distance> distances, std::size_t boundary, std::size_t radius, double threshold);

}  // namespace ragpipe::text::internal
