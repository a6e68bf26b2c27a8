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

struct RecursiveChunkerOptions {
  std::size_t max_tokens = 512;    ///< hard cap on context + overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;  ///< repeated from the end of the chunk before; below max_tokens
};

/// Splits at the highest structural level that fits: paragraph, line, sentence (UAX #29), word, grapheme cluster; then packs
/// neighbours up to the cap. The ranges tile the document. Linear in the text. For guarantees see the members of Chunk.
class RAGPIPE_EXPORT RecursiveChunker final : public Chunker {
 public:
  /// Invalid options are reported by the first Split(), as kFailedPrecondition.
  RecursiveChunker(std::shared_ptr<const Tokenizer> tokenizer, RecursiveChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  RecursiveChunkerOptions options_;
};

}  // namespace ragpipe::text
