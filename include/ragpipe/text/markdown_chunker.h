#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct MarkdownChunkerOptions {
  std::size_t max_tokens = 512;  ///< hard cap on context + own bytes; at least 1
  bool heading_context = true;   ///< put the heading path before a chunk that does not begin with its own heading
};

/// Splits Markdown (CommonMark 0.31.2 block structure, GFM tables, front matter) at headings and blocks. Fences and tables
/// stay whole when they fit; a table that is split repeats its header rows as context. Chunk::headings is the heading path.
/// A document of another media type than Markdown is split by paragraph, line, sentence, word. The ranges tile the document.
class RAGPIPE_EXPORT MarkdownChunker final : public Chunker {
 public:
  /// Invalid options are reported by the first Split(), as kFailedPrecondition.
  MarkdownChunker(std::shared_ptr<const Tokenizer> tokenizer, MarkdownChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  MarkdownChunkerOptions options_;
};

}  // namespace ragpipe::text
