#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string_view>

#include "ragpipe/text/tokenizer.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/packing.h"

namespace ragpipe::text::internal {

/// Lets each chunk begin with whole words from the end of the chunk before: at most `overlap_tokens`, and none that would
/// push the chunk's first atom out.
class OverlapFraming final : public Framing {
 public:
  OverlapFraming(std::string_view text, const RangeCounter& counter, std::size_t overlap_tokens)
      : text_(text), counter_(counter), overlap_tokens_(overlap_tokens) {}

  /// kInternal when ICU failed; the frames are then without overlap.
  const absl::Status& status() const { return status_; }

  Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) override;

 private:
  std::string_view text_;
  const RangeCounter& counter_;
  const std::size_t overlap_tokens_;
  BoundaryScan words_{UBRK_WORD};
  absl::Status status_;
};

}  // namespace ragpipe::text::internal
