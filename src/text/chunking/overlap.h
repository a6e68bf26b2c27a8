#pragma once

#include <cstddef>
#include <string_view>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunking/packing.h"

namespace ragpipe::text::internal {

/// Bytes before a place.
struct Overlap {
  std::size_t bytes = 0;
  std::size_t tokens = 0;  ///< about
};

enum class OverlapUnit { kWords, kLines };

/// The most whole words, or lines, at the end of `previous` that have at most `limit` tokens together. A few counts, whatever
/// the size of `previous`.
Overlap FindOverlap(std::string_view text, const RangeCounter& counter, ByteRange previous, std::size_t limit,
                    OverlapUnit unit);

/// Lets each chunk begin with whole words from the end of the chunk before: at most `overlap_tokens`, and none that would
/// push the chunk's first atom out.
class OverlapFraming final : public Framing {
 public:
  OverlapFraming(std::string_view text, const RangeCounter& counter, std::size_t overlap_tokens)
      : text_(text), counter_(counter), overlap_tokens_(overlap_tokens) {}

  Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) override;
  std::size_t max_tokens() const override { return overlap_tokens_; }

 private:
  std::string_view text_;
  const RangeCounter& counter_;
  const std::size_t overlap_tokens_;
};

}  // namespace ragpipe::text::internal
