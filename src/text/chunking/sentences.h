#pragma once

#include <cstddef>
#include <string_view>

namespace ragpipe::text::internal {

/// The sentence boundaries of a text (UAX #29 section 5, with the property Sentence_Break as the installed ICU has it; no
/// tailoring), from the front. ICU's own iterator finds the same ones, at a fraction of the speed.
class SentenceScan {
 public:
  explicit SentenceScan(std::string_view text) : text_(text) {}

  /// The next boundary after the last one; text.size() when the end is reached.
  std::size_t Next();

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace ragpipe::text::internal
