#include "ragpipe/text/recursive_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/overlap.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/chunking/windows.h"

namespace ragpipe::text {
namespace {

using internal::Level;
using internal::Window;

// Paragraphs are split one by one; and of one that does not fit, lines. So a window ends with the last of them that is whole.
class WindowSplitter {
 public:
  WindowSplitter(const Window& window, const Tokenizer& tokenizer, const internal::Limits& limits)
      : window_(window),
        end_(window.text.size() - (window.is_last ? 0 : std::min(window.text.size(), internal::kLookAhead))),
        counter_(tokenizer.CountRanges(window.text)),
        framing_(window.text, *counter_, limits.overlap_tokens),
        packer_(window.text, tokenizer, *counter_, limits, framing_),
        prose_(window.text, *counter_, limits, packer_, window.offset) {
    packer_.BeginAt(window.begin, window.before);
  }

  absl::StatusOr<internal::WindowChunks> Split() {
    RAGPIPE_RETURN_IF_ERROR(AddAtoms());
    internal::WindowChunks result;
    result.certain = packer_.FindCertain(Level::kLine);
    result.chunks = packer_.Finish();
    return result;
  }

 private:
  absl::Status AddAtoms() {
    std::size_t begin = window_.begin;
    if (begin == window_.text.size()) return absl::OkStatus();
    if (begin == 0 && window_.is_last) return prose_.Split({0, window_.text.size()}, Level::kParagraph, 0);
    if (window_.level == Level::kLine) {  // inside a paragraph that does not fit
      const std::size_t paragraph_end = internal::ParagraphEnd(window_.text, begin);
      if (!IsWhole(paragraph_end)) return AddLines(begin);
      RAGPIPE_RETURN_IF_ERROR(prose_.SplitLines({begin, paragraph_end}, begin, Level::kParagraph, 0));
      begin = paragraph_end;
    }
    std::size_t end = begin;  // of the paragraphs that are whole
    for (std::size_t next = end; next < window_.text.size() && IsWhole(next = internal::ParagraphEnd(window_.text, next));) {
      end = next;
    }
    RAGPIPE_RETURN_IF_ERROR(prose_.SplitParagraphs({begin, end}, begin, Level::kParagraph, 0));
    return end < end_ && SurelyDoesNotFit(end) ? AddLines(end) : absl::OkStatus();
  }

  // Whether the paragraph that seems to end there does.
  bool IsWhole(std::size_t paragraph_end) const { return window_.is_last || paragraph_end < end_; }

  absl::Status AddLines(std::size_t begin) {
    return prose_.SplitLines({begin, internal::LastLineBegin(window_.text, begin, end_)}, begin, Level::kLine, 0);
  }

  bool SurelyDoesNotFit(std::size_t begin) const {
    return prose_.SurelyDoesNotFit({begin, internal::LastLineBegin(window_.text, begin, end_)});
  }

  const Window& window_;
  const std::size_t end_;
  const std::unique_ptr<RangeCounter> counter_;
  internal::OverlapFraming framing_;
  internal::Packer packer_;
  internal::ProseSplitter prose_;
};

}  // namespace

absl::StatusOr<RecursiveChunker> RecursiveChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                          RecursiveChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("RecursiveChunker", tokenizer.get(), internal::LimitsOf(options)));
  return RecursiveChunker(std::move(tokenizer), options);
}

RecursiveChunker::RecursiveChunker(std::shared_ptr<const Tokenizer> tokenizer, RecursiveChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> RecursiveChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("RecursiveChunker", text));
  const Window whole{.text = text, .is_last = true};
  RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split,
                           WindowSplitter(whole, *tokenizer_, internal::LimitsOf(options_)).Split());
  return std::move(split.chunks);
}

absl::Status RecursiveChunker::SplitStream(const Document& /*document*/, const ReadText& read, const TakeChunk& take) const {
  const internal::Limits limits = internal::LimitsOf(options_);
  return internal::SplitByWindows(read, take, limits.max_tokens,
                                  [&](const Window& window) -> absl::StatusOr<internal::WindowChunks> {
                                    RAGPIPE_RETURN_IF_ERROR(internal::CheckText("RecursiveChunker", window.text));
                                    return WindowSplitter(window, *tokenizer_, limits).Split();
                                  });
}

std::string RecursiveChunker::Fingerprint() const {
  return fmt::format("ragpipe.recursive/4({},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
