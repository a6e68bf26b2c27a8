#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct MarkdownChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on context + overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;
  bool heading_context = true;  ///< give the heading path to a chunk that does not begin with its own heading
};

/// Divides Markdown (CommonMark 0.31.2 block structure, GFM tables, YAML and TOML front matter) at headings, then at blocks,
/// then inside a block as RecursiveChunker does, with the same guarantees.
///
/// * A section that fits stays whole; small ones are packed with their siblings; one that does not fit is packed by itself.
/// * Fences, tables and list items stay whole when they fit. A heading stays with the beginning of its body.
/// * A chunk that begins inside a section gets the heading path as context, "Outer > Inner\n", if that takes at most a
///   quarter of the cap, else the last heading alone, else nothing.
/// * A chunk that begins inside a table or a fence gets the header rows or the opening line as context, if they take less than
///   half of the cap (and at most 4096 bytes).
/// * Overlap comes after the context. It is whole words, and whole lines of a table or fence; it does not reach over a heading.
/// * Context and overlap are left out where a unit that fits alone would not fit beside them.
/// * A heading that has no room beside the fence or table below it ends the chunk before, if it fits there.
///
/// Chunk::headings is the heading path at the chunk's first own byte, as plain text of at most 256 bytes each.
///
/// Markdown is `text/markdown`; documents of any other media type, or of none, are split as RecursiveChunker does.
class RAGPIPE_EXPORT MarkdownChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<MarkdownChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                MarkdownChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;

  /// Memory: as RecursiveChunker::SplitStream(), of Markdown with the longest block that no other contains (a list or quote
  /// with all that is in it, a table, fence, HTML block or paragraph) in place of the longest line. Front matter, fences and
  /// HTML blocks that are never closed go to the end of the text.
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  std::string Fingerprint() const override;

 private:
  MarkdownChunker(std::shared_ptr<const Tokenizer> tokenizer, MarkdownChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  MarkdownChunkerOptions options_;
};

}  // namespace ragpipe::text
