#include "ragpipe/text/content_defined_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/divider.h"
#include "text/chunking/overlap.h"
#include "text/chunking/windows.h"

namespace ragpipe::text {
namespace {

using internal::Window;

internal::Limits LimitsOf(const ContentDefinedChunkerOptions& options) {
  return {.max_tokens = options.max_tokens, .max_bytes = options.max_bytes, .overlap_tokens = options.overlap_tokens};
}

// What a chunk's own bytes may have.
internal::Limits OwnLimitsOf(const ContentDefinedChunkerOptions& options) {
  return {.max_tokens = options.max_tokens - options.overlap_tokens, .max_bytes = options.max_bytes};
}

// Splits a window from a line before it on, the front: what lies further off than the radius has no say.
class WindowSplitter {
 public:
  WindowSplitter(const Window& window, std::size_t front, const Tokenizer& tokenizer,
                 const ContentDefinedChunkerOptions& options)
      : window_(window),
        front_(front),
        end_(window.is_last ? window.text.size()
                            : internal::LastLineBegin(window.text, window.begin,
                                                      window.text.size() - std::min(window.text.size(), internal::kLookAhead))),
        options_(options),
        is_exact_(tokenizer.is_exact()),
        counter_(tokenizer.CountRanges(window.text)),
        divider_(window.text, window.offset, *counter_, OwnLimitsOf(options), options.max_tokens) {}

  absl::StatusOr<internal::WindowChunks> Split() {
    internal::WindowChunks result;
    if (end_ <= window_.begin) return result;
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::size_t> ends, divider_.Divide({front_, end_}));
    std::size_t begin = window_.begin;  // which is one of the ends, as long as counts grow with the text
    for (const std::size_t end : ends) {
      if (end <= begin) continue;
      const Chunk* const before = result.chunks.empty() ? window_.before : &result.chunks.back();
      result.chunks.push_back(MakeChunk({begin, end}, before));
      begin = end;
    }
    if (window_.is_last) return result;
    std::size_t certain = result.chunks.size();
    while (certain > 0 && !IsBeyondRadius({result.chunks[certain - 1].range.end, end_})) --certain;
    if (certain == 0) return result;
    const std::size_t end = result.chunks[certain - 1].range.end;
    RAGPIPE_ASSIGN_OR_RETURN(result.needed_from, FindFront(end));
    if (result.needed_from > front_) result.certain = {certain, internal::Level::kForced};  // else a longer window is asked for
    return result;
  }

 private:
  Chunk MakeChunk(ByteRange range, const Chunk* before) const {
    Chunk chunk{.range = range, .tokens_are_estimated = !is_exact_};
    for (std::size_t limit = before == nullptr ? 0 : options_.overlap_tokens; limit > 0; limit /= 2) {
      chunk.overlap = internal::FindOverlap(window_.text, *counter_, before->range, limit, internal::OverlapUnit::kWords).bytes;
      chunk.tokens = counter_->Count({range.begin - chunk.overlap, range.end});
      if (chunk.tokens <= options_.max_tokens) break;
      chunk.overlap = 0;  // the whole is more than the sum
    }
    if (chunk.overlap == 0) chunk.tokens = counter_->Count(range);
    return chunk;
  }

  // Whether what lies on one side of the range has no say on the other.
  bool IsBeyondRadius(ByteRange range) const {
    return counter_->Count(range) / (ContentDefinedChunker::kRadius + 1) >= options_.max_tokens;
  }

  // Where the next window may be divided from, if it begins at `end`; the front of this one where there is no such line.
  absl::StatusOr<std::size_t> FindFront(std::size_t end) {
    std::size_t line = end;
    for (int tries = 0; tries < kTries; ++tries) {
      do {
        line = internal::LastLineBegin(window_.text, front_, line - 1);
      } while (line > front_ && !IsBeyondRadius({line, end}));
      if (line == front_) break;
      RAGPIPE_ASSIGN_OR_RETURN(const bool in_series, divider_.IsInSeries(Around(line), line));
      if (!in_series) return line;
    }
    return front_;
  }

  // The lines that may be numbered with those before and behind one.
  ByteRange Around(std::size_t line) const {
    ByteRange around{line, line};
    do {
      around.begin = internal::LastLineBegin(window_.text, front_, around.begin - 1);
    } while (around.begin > front_ && divider_.Fits({around.begin, line}));
    do {
      around.end = internal::LineEnd(window_.text, around.end);
    } while (around.end < end_ && divider_.Fits({line, around.end}));
    return around;
  }

  static constexpr int kTries = 16;

  const Window& window_;
  const std::size_t front_;
  const std::size_t end_;  // of what is divided
  const ContentDefinedChunkerOptions& options_;
  const bool is_exact_;
  const std::unique_ptr<RangeCounter> counter_;
  internal::Divider divider_;
};

}  // namespace

absl::StatusOr<ContentDefinedChunker> ContentDefinedChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                                    ContentDefinedChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("ContentDefinedChunker", tokenizer.get(), LimitsOf(options)));
  return ContentDefinedChunker(std::move(tokenizer), options);
}

ContentDefinedChunker::ContentDefinedChunker(std::shared_ptr<const Tokenizer> tokenizer, ContentDefinedChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> ContentDefinedChunker::Split(const Document& document) const {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("ContentDefinedChunker", document.text));
  const Window whole{.text = document.text, .is_last = true};
  RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split, WindowSplitter(whole, 0, *tokenizer_, options_).Split());
  return std::move(split.chunks);
}

absl::Status ContentDefinedChunker::SplitStream(const Document& /*document*/, const ReadText& read,
                                                const TakeChunk& take) const {
  std::size_t bytes_before = 0;  // from the front to the window's begin
  return internal::SplitByWindows(
      read, take, options_.max_tokens, [&](const Window& window) -> absl::StatusOr<internal::WindowChunks> {
        RAGPIPE_RETURN_IF_ERROR(internal::CheckText("ContentDefinedChunker", window.text));
        RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split,
                                 WindowSplitter(window, window.begin - bytes_before, *tokenizer_, options_).Split());
        if (split.certain.chunks > 0) bytes_before = split.chunks[split.certain.chunks - 1].range.end - split.needed_from;
        return split;
      });
}

std::string ContentDefinedChunker::Fingerprint() const {
  return fmt::format("ragpipe.content_defined/3({},{})", internal::LimitsFingerprint(LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
