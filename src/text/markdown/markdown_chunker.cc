#include "ragpipe/text/markdown_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/status_macros.h"
#include "ragpipe/text/recursive_chunker.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/markdown/blocks.h"
#include "text/markdown/framing.h"
#include "text/markdown/headings.h"
#include "text/markdown/sections.h"

namespace ragpipe::text {
namespace {

using internal::Block;

// "text/markdown", with or without parameters.
bool IsMarkdown(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (!media_type.empty() && media_type.back() == ' ') media_type.remove_suffix(1);
  constexpr std::string_view kMarkdown = "text/markdown";
  auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::equal(media_type.begin(), media_type.end(), kMarkdown.begin(), kMarkdown.end(), same);
}

}  // namespace

absl::StatusOr<MarkdownChunker> MarkdownChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                        MarkdownChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("MarkdownChunker", tokenizer.get(), internal::LimitsOf(options)));
  return MarkdownChunker(std::move(tokenizer), options);
}

MarkdownChunker::MarkdownChunker(std::shared_ptr<const Tokenizer> tokenizer, MarkdownChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> MarkdownChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("MarkdownChunker", text));
  if (!IsMarkdown(document.media_type)) {
    RAGPIPE_ASSIGN_OR_RETURN(const auto plain, RecursiveChunker::Create(tokenizer_, {.max_tokens = options_.max_tokens,
                                                                                     .overlap_tokens = options_.overlap_tokens,
                                                                                     .min_tokens = options_.min_tokens,
                                                                                     .max_bytes = options_.max_bytes,
                                                                                     .fill = options_.fill}));
    return plain.Split(document);
  }
  if (text.empty()) return std::vector<Chunk>();

  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  const internal::Limits limits = internal::LimitsOf(options_);
  const std::vector<Block> blocks = internal::ScanMarkdownBlocks(text);
  internal::MarkdownFraming framing(text, blocks, internal::PlainHeading, *tokenizer_, *counter, limits,
                                    options_.heading_context);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter prose(text, *counter, limits, packer);
  RAGPIPE_RETURN_IF_ERROR(internal::SplitSections(blocks, prose, packer));
  return packer.Finish();
}

std::string MarkdownChunker::Fingerprint() const {
  return fmt::format("ragpipe.markdown/2({},heading_context={},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     options_.heading_context, internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
