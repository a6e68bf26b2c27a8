#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ragpipe {

/// Half open, in bytes of Document::text.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// A piece of a document. The text that is embedded is `context` followed by the bytes of `overlap` and `range`, or by `text`.
struct Chunk {
  ByteRange range = {};                  ///< the chunk's own bytes; the ranges of one document tile it, in order
  std::size_t overlap = 0;               ///< bytes before range.begin that are embedded too (they belong to the chunk before)
  std::string context = {};              ///< put before the bytes when embedding (a repeated table header); may be empty
  std::optional<std::string> text = {};  ///< what a reader sees of overlap and own bytes, where they are markup, say: embedded
                                         ///< and stored instead of them
  std::vector<std::string> headings = {};  ///< the heading path, outermost first
  std::size_t tokens = 0;                  ///< count of context + overlap + own bytes under the chunker's tokenizer
  bool tokens_are_estimated = false;       ///< the tokenizer only estimates (Tokenizer::is_exact()); else `tokens` is exact
};

}  // namespace ragpipe
