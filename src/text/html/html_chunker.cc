#include "ragpipe/text/html_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "ragpipe/text/recursive_chunker.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/limits.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/html/reader.h"
#include "text/markdown/framing.h"
#include "text/markdown/sections.h"

namespace ragpipe::text {
namespace {

constexpr std::size_t kMaxHeadingBytes = 256;  // every chunk of a section repeats it

bool IsHtml(std::string_view media_type) {
  std::string name(media_type.substr(0, media_type.find(';')));
  while (!name.empty() && name.back() == ' ') name.pop_back();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name == "text/html" || name == "application/xhtml+xml";
}

std::string HeadingOf(std::string_view block) {
  std::string heading;
  for (const char c : block.substr(0, kMaxHeadingBytes)) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space) heading += c;
    if (space && !heading.empty() && heading.back() != ' ') heading += ' ';
  }
  heading.resize(std::min(heading.size(), ragpipe::internal::FindInvalidUtf8(heading)));  // the end may divide a code point
  while (!heading.empty() && heading.back() == ' ') heading.pop_back();
  return heading;
}

}  // namespace

absl::StatusOr<HtmlChunker> HtmlChunker::Create(std::shared_ptr<const Tokenizer> tokenizer, HtmlChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("HtmlChunker", tokenizer.get(), internal::LimitsOf(options)));
  return HtmlChunker(std::move(tokenizer), options);
}

HtmlChunker::HtmlChunker(std::shared_ptr<const Tokenizer> tokenizer, HtmlChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> HtmlChunker::Split(const Document& document) const {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("HtmlChunker", document.text));
  if (!IsHtml(document.media_type)) {
    RAGPIPE_ASSIGN_OR_RETURN(const auto plain, RecursiveChunker::Create(tokenizer_, {.max_tokens = options_.max_tokens,
                                                                                     .overlap_tokens = options_.overlap_tokens,
                                                                                     .min_tokens = options_.min_tokens,
                                                                                     .max_bytes = options_.max_bytes,
                                                                                     .fill = options_.fill}));
    return plain.Split(document);
  }
  const internal::HtmlDocument html = internal::ReadHtmlBlocks(document.text, options_.drop_boilerplate);
  const std::string_view text = html.text.text;
  if (text.empty()) return std::vector<Chunk>();

  const internal::Limits limits = internal::LimitsOf(options_);
  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  internal::MarkdownFraming framing(text, html.blocks, HeadingOf, *tokenizer_, *counter, limits, options_.heading_context);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter prose(text, *counter, limits, packer);
  RAGPIPE_RETURN_IF_ERROR(internal::SplitSections(html.blocks, prose, packer));

  std::vector<Chunk> chunks = packer.Finish();
  std::size_t begin = 0;
  for (Chunk& chunk : chunks) {
    const std::size_t overlap_begin = chunk.range.begin - chunk.overlap;
    chunk.text = std::string(text.substr(overlap_begin, chunk.range.end - overlap_begin));
    chunk.overlap = chunk.overlap == 0 ? 0 : begin - html.text.map.ToSource(overlap_begin);
    const std::size_t end = chunk.range.end == text.size() ? document.text.size() : html.text.map.ToSource(chunk.range.end);
    chunk.range = {begin, end};
    begin = end;
  }
  return chunks;
}

std::string HtmlChunker::Fingerprint() const {
  return fmt::format("ragpipe.html/3({},heading_context={},drop_boilerplate={},{})",
                     internal::LimitsFingerprint(internal::LimitsOf(options_)), options_.heading_context,
                     options_.drop_boilerplate, internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text
