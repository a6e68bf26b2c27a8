#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/limits.h"
#include "text/chunking/packing.h"

namespace ragpipe::text::internal {

/// Divides a stretch of text into atoms: what fits stays whole, what does not is divided at the next finer level of paragraph,
/// line, sentence, word, grapheme cluster and code point.
class ProseSplitter {
 public:
  /// `offset` is where `text` begins in the whole, for errors.
  ProseSplitter(std::string_view text, const RangeCounter& counter, const Limits& limits, Packer& packer,
                std::size_t offset = 0)
      : text_(text),
        counter_(counter),
        max_tokens_(limits.max_tokens),
        max_bytes_(limits.max_bytes),
        packer_(packer),
        offset_(offset) {}

  /// `lead` <= `range.begin` is where the text begins that should share a chunk with the first piece (a heading): as long as
  /// the two do not fit together, the first piece is divided, down to sentences.
  /// Errors: kOutOfRange when one code point does not fit; kInternal from ICU.
  absl::Status Split(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  absl::Status Split(ByteRange range, Level level, std::uint32_t tag) { return Split(range, range.begin, level, tag); }

  /// As Split(), but at the paragraphs at once.
  absl::Status SplitParagraphs(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);

  /// As Split(), but begins with lines: for text whose lines matter more than its paragraphs, and that does not fit.
  absl::Status SplitLines(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);

  /// As Split(), but into sentences at once.
  absl::Status SplitSentences(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);

  /// Adds `range` as one atom if it fits, together with what leads it.
  bool AddWhole(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  bool Fits(ByteRange range) const { return range.size() <= max_bytes_ && internal::Fits(counter_, range, max_tokens_); }

  /// Whether nothing that begins with those lines fits. What follows can make a count smaller, but not by half.
  bool SurelyDoesNotFit(ByteRange lines) const { return lines.size() > max_bytes_ || counter_.Count(lines) / 2 > max_tokens_; }

 private:
  absl::Status SplitEscapedLines(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  absl::Status SplitLine(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  absl::Status SplitSentence(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  absl::Status SplitWeakSentence(ByteRange range, std::size_t lead, Level level, std::uint32_t tag);
  absl::Status SplitClause(ByteRange range, Level level, std::uint32_t tag);
  absl::Status SplitWord(ByteRange range, Level level, std::uint32_t tag);
  absl::Status SplitLongWord(ByteRange range, Level level, std::uint32_t tag);
  absl::Status SplitSpace(ByteRange range, Level level, std::uint32_t tag);
  absl::Status HalveSpace(ByteRange range, Level level, std::uint32_t tag);
  absl::Status SplitCluster(ByteRange range, Level level, std::uint32_t tag);

  std::string_view text_;
  const RangeCounter& counter_;
  const std::size_t max_tokens_;
  const std::size_t max_bytes_;
  Packer& packer_;
  const std::size_t offset_;
  BoundaryScan words_{UBRK_WORD};
  BoundaryScan clusters_{UBRK_CHARACTER};
};

}  // namespace ragpipe::text::internal
