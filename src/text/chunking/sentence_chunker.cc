#include "ragpipe/text/sentence_chunker.h"

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

// A line end always ends a sentence (UAX #29, rule SB4), so a window ends with the last that does.
absl::StatusOr<internal::WindowChunks> SplitWindow(const Window& window, const Tokenizer& tokenizer,
                                                   const internal::Limits& limits) {
  const std::string_view text = window.text;
  const std::unique_ptr<RangeCounter> counter = tokenizer.CountRanges(text);
  internal::OverlapFraming framing(text, *counter, limits.overlap_tokens);
  internal::Packer packer(text, tokenizer, *counter, limits, framing);
  packer.BeginAt(window.begin, window.before);
  internal::ProseSplitter prose(text, *counter, limits, packer, window.offset);
  const std::size_t end =
      window.is_last ? text.size()
                     : internal::LastLineBegin(text, window.begin, text.size() - std::min(text.size(), internal::kLookAhead));
  RAGPIPE_RETURN_IF_ERROR(prose.SplitSentences({window.begin, end}, window.begin, Level::kSentence, 0));
  internal::WindowChunks result;
  result.certain = packer.FindCertain(Level::kSentence);
  result.chunks = packer.Finish();
  return result;
}

}  // namespace

absl::StatusOr<SentenceChunker> SentenceChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                        SentenceChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("SentenceChunker", tokenizer.get(), internal::LimitsOf(options)));
  return SentenceChunker(std::move(tokenizer), options);
}

SentenceChunker::SentenceChunker(std::shared_ptr<const Tokenizer> tokenizer, SentenceChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> SentenceChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("SentenceChunker", text));
  if (text.empty()) return std::vector<Chunk>();
  RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split,
                           SplitWindow({.text = text, .is_last = true}, *tokenizer_, internal::LimitsOf(options_)));
  return std::move(split.chunks);
}

absl::Status SentenceChunker::SplitStream(const Document& /*document*/, const ReadText& read, const TakeChunk& take) const {
  const internal::Limits limits = internal::LimitsOf(options_);
  return internal::SplitByWindows(read, take, limits.max_tokens,
                                  [&](const Window& window) -> absl::StatusOr<internal::WindowChunks> {
                                    RAGPIPE_RETURN_IF_ERROR(internal::CheckText("SentenceChunker", window.text));
                                    return SplitWindow(window, *tokenizer_, limits);
                                  });
}

std::string SentenceChunker::Fingerprint() const {
  return fmt::format("ragpipe.sentence/3({},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
