#include "ragpipe/text/sentence_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/overlap.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"

namespace ragpipe::text {

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

  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  const internal::Limits limits = internal::LimitsOf(options_);
  internal::OverlapFraming framing(text, *counter, limits.overlap_tokens);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter prose(text, *counter, limits, packer);
  RAGPIPE_RETURN_IF_ERROR(prose.SplitSentences({0, text.size()}, 0, internal::Level::kSentence, 0));
  return packer.Finish();
}

std::string SentenceChunker::Fingerprint() const {
  return fmt::format("ragpipe.sentence/1({},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
