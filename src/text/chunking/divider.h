#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/limits.h"

namespace ragpipe::text::internal {

/// Divides text at content-defined cuts, by the two rules in the header of ContentDefinedChunker.
class Divider {
 public:
  /// `limits` hold for a chunk's own bytes; `max_tokens` for what cannot be divided. Errors name bytes from `offset` on.
  Divider(std::string_view text, std::size_t offset, const RangeCounter& counter, const Limits& limits, std::size_t max_tokens)
      : text_(text), offset_(offset), counter_(counter), limits_(limits), max_tokens_(max_tokens) {}

  /// The ends of the chunks of `range`, which is not empty.
  /// Errors: kOutOfRange when one code point does not fit; kInternal from ICU.
  absl::StatusOr<std::vector<std::size_t>> Divide(ByteRange range);

  bool Fits(ByteRange range) const {
    return range.size() <= limits_.max_bytes && internal::Fits(counter_, range, limits_.max_tokens);
  }

  /// Whether equal hashes behind the line that begins at `offset` are numbered from there or before, as far as `range` tells.
  absl::StatusOr<bool> IsInSeries(ByteRange range, std::size_t offset);

 private:
  struct Cut {
    std::size_t offset = 0;
    Level level = Level::kForced;
    std::uint64_t hash = 0;
    std::uint32_t tie = 0;  // among equal hashes

    auto priority() const { return std::tuple(level, hash, tie); }
  };

  bool FitsWithoutOverlap(ByteRange range) const {
    return range.size() <= limits_.max_bytes && counter_.Count(range) <= max_tokens_;
  }

  absl::StatusOr<std::vector<Cut>> CutsInside(ByteRange range, Level level);
  absl::Status DivideAtLevel(ByteRange range, const Level* level, const Cut& at_end);
  absl::Status DivideAt(ByteRange range, const std::vector<Cut>& cuts, const Level* below, const Cut& at_end);
  void DropLowest();

  std::string_view text_;
  const std::size_t offset_;
  const RangeCounter& counter_;
  const Limits limits_;
  const std::size_t max_tokens_;
  BoundaryScan clusters_{UBRK_CHARACTER};
  std::vector<Cut> cuts_;  // the end of the range is the last
};

}  // namespace ragpipe::text::internal
