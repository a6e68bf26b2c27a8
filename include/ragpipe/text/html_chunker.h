#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/normalize.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

/// What a reader sees of an HTML document.
struct HtmlText {
  std::string text;                ///< paragraphs divided by an empty line, other blocks and rows by a line end, cells by a tab
  OffsetMap map;                   ///< to the HTML
  std::vector<ByteRange> dropped;  ///< of the HTML: elements that were left out, with their tags
};

/// White space and line ends are as `innerText` of the HTML Living Standard has them, for a page without style sheets; but
/// headings, lists, quotes and preformatted text have an empty line around them, as paragraphs have there. Left out are script,
/// style, template, noscript, iframe, svg, the head and the like, and what is `hidden` or has a style of display: none; with
/// `drop_boilerplate` also nav, header, footer and aside.
///
/// Any bytes are read, as browsers read them, but for one thing: text stays where it stands in the source, also where a browser
/// would move it out of a table. Linear in time and memory; elements nested deeper than 512 are part of the one around them.
RAGPIPE_EXPORT HtmlText ReadHtml(std::string_view html, bool drop_boilerplate = false);

struct HtmlChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on context + overlap + visible text; at least 1
  std::size_t overlap_tokens = 0;    ///< visible text repeated from the end of the chunk before; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own visible text, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;
  bool heading_context = true;    ///< give the heading path to a chunk that does not begin with its own heading
  bool drop_boilerplate = false;  ///< leave out nav, header, footer and aside
};

/// Divides what a reader sees of an HTML document, at headings, then at blocks, then inside a block, as MarkdownChunker does
/// with the same rules for context: the heading path, and the header rows of a divided table.
///
/// Ranges are of the HTML and tile it; Chunk::text is what they show, to be embedded and stored. What they hold and do not show
/// is in HtmlText::dropped of ReadHtml(). A document that shows nothing has no chunks.
///
/// HTML is `text/html` and `application/xhtml+xml`; documents of any other media type are split as RecursiveChunker does.
class RAGPIPE_EXPORT HtmlChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<HtmlChunker> Create(std::shared_ptr<const Tokenizer> tokenizer, HtmlChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  HtmlChunker(std::shared_ptr<const Tokenizer> tokenizer, HtmlChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  HtmlChunkerOptions options_;
};

}  // namespace ragpipe::text
