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
  RAGPIPE_RETURN_IF_ERROR(internal::CheckSize("RecursiveChunker", tokenizer.get(), options.max_tokens));
  RAGPIPE_RETURN_IF_ERROR(internal::CheckOverlap("RecursiveChunker", options.overlap_tokens, options.max_tokens));
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
  internal::Packer packer(text, *tokenizer_, *counter, options_.max_tokens, framing);
  internal::ProseSplitter splitter(text, *counter, options_.max_tokens, packer);
  RAGPIPE_RETURN_IF_ERROR(splitter.Split({0, text.size()}, internal::Level::kParagraph, 0));
  std::vector<Chunk> chunks = packer.Finish();
  RAGPIPE_RETURN_IF_ERROR(framing.status());
  return chunks;
}

std::string RecursiveChunker::Fingerprint() const {
  return fmt::format("ragpipe.recursive/1(max_tokens={},overlap_tokens={},{})", options_.max_tokens, options_.overlap_tokens,
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
