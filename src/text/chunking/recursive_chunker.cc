#include "ragpipe/text/recursive_chunker.h"

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
  if (text.empty()) return std::vector<Chunk>();

  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  internal::OverlapFraming framing(text, *counter, options_.overlap_tokens);
  const internal::Limits limits = internal::LimitsOf(options_);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter splitter(text, *counter, limits, packer);
  RAGPIPE_RETURN_IF_ERROR(splitter.Split({0, text.size()}, internal::Level::kParagraph, 0));
  return packer.Finish();
}

std::string RecursiveChunker::Fingerprint() const {
  return fmt::format("ragpipe.recursive/2({},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
