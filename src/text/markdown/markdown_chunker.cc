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
#include "text/chunking/windows.h"
#include "text/markdown/blocks.h"
#include "text/markdown/framing.h"
#include "text/markdown/headings.h"
#include "text/markdown/sections.h"

namespace ragpipe::text {
namespace {

using internal::Block;
using internal::Level;
using internal::Window;

// "text/markdown", with or without parameters.
bool IsMarkdown(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (!media_type.empty() && media_type.back() == ' ') media_type.remove_suffix(1);
  constexpr std::string_view kMarkdown = "text/markdown";
  auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::equal(media_type.begin(), media_type.end(), kMarkdown.begin(), kMarkdown.end(), same);
}

// For documents that are not Markdown.
absl::StatusOr<RecursiveChunker> PlainChunker(std::shared_ptr<const Tokenizer> tokenizer,
                                              const MarkdownChunkerOptions& options) {
  return RecursiveChunker::Create(std::move(tokenizer), {.max_tokens = options.max_tokens,
                                                         .overlap_tokens = options.overlap_tokens,
                                                         .min_tokens = options.min_tokens,
                                                         .max_bytes = options.max_bytes,
                                                         .fill = options.fill});
}

// Whether blocks are the same when they are scanned from there on.
bool MayBeginWindow(const std::vector<Block>& blocks, std::size_t offset) {
  const auto block = std::lower_bound(blocks.begin(), blocks.end(), offset,
                                      [](const Block& before, std::size_t at) { return before.begin < at; });
  return block != blocks.end() && block->begin == offset && block->depth == 0 && !block->goes_on;
}

// `open` are the sections at the front of the window, and become those at the front of the next, which begins with a block
// outside all containers. Between these, Level::kForced is behind a heading, which must be seen with what it leads.
absl::StatusOr<internal::WindowChunks> SplitWindow(const Window& window, const Tokenizer& tokenizer,
                                                   const MarkdownChunkerOptions& options,
                                                   std::vector<internal::OpenSection>& open) {
  const std::string_view text = window.text;
  const internal::Limits limits = internal::LimitsOf(options);
  const std::size_t end =
      window.is_last ? text.size()
                     : internal::LastLineBegin(text, window.begin, text.size() - std::min(text.size(), internal::kLookAhead));
  const std::vector<Block> blocks = internal::ScanMarkdownBlocks(text.substr(0, end), window.begin, window.is_last);
  internal::WindowChunks result;
  if (blocks.empty()) return result;
  const std::unique_ptr<RangeCounter> counter = tokenizer.CountRanges(text);
  internal::MarkdownFraming framing(text, blocks, internal::PlainHeading, tokenizer, *counter, limits, options.heading_context,
                                    open);
  internal::Packer packer(text, tokenizer, *counter, limits, framing);
  packer.BeginAt(window.begin, window.before);
  internal::ProseSplitter prose(text, *counter, limits, packer, window.offset);
  RAGPIPE_RETURN_IF_ERROR(internal::SplitSections(
      blocks, prose, packer, {.open = open, .is_first = window.before == nullptr, .is_last = window.is_last}));
  result.certain = packer.FindCertain(Level::kBlock, [&blocks](std::size_t offset) { return MayBeginWindow(blocks, offset); });
  result.chunks = packer.Finish();
  if (result.certain.chunks > 0) open = framing.OpenSectionsAt(result.chunks[result.certain.chunks - 1].range.end);
  return result;
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
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("MarkdownChunker", document.text));
  if (!IsMarkdown(document.media_type)) {
    RAGPIPE_ASSIGN_OR_RETURN(const RecursiveChunker plain, PlainChunker(tokenizer_, options_));
    return plain.Split(document);
  }
  const Window whole{.text = document.text, .is_last = true};
  std::vector<internal::OpenSection> open;
  RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split, SplitWindow(whole, *tokenizer_, options_, open));
  return std::move(split.chunks);
}

absl::Status MarkdownChunker::SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const {
  if (!IsMarkdown(document.media_type)) {
    RAGPIPE_ASSIGN_OR_RETURN(const RecursiveChunker plain, PlainChunker(tokenizer_, options_));
    return plain.SplitStream(document, read, take);
  }
  std::vector<internal::OpenSection> open;
  return internal::SplitByWindows(read, take, options_.max_tokens,
                                  [&](const Window& window) -> absl::StatusOr<internal::WindowChunks> {
                                    RAGPIPE_RETURN_IF_ERROR(internal::CheckText("MarkdownChunker", window.text));
                                    return SplitWindow(window, *tokenizer_, options_, open);
                                  });
}

std::string MarkdownChunker::Fingerprint() const {
  return fmt::format("ragpipe.markdown/4({},heading_context={},{})", internal::LimitsFingerprint(internal::LimitsOf(options_)),
                     options_.heading_context, internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
