#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct SemanticChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;       ///< of what is longer than a chunk and changes its subject nowhere

  std::size_t window_sentences = 3;         ///< embedded together, on each side of a boundary; 1 to 64
  std::size_t neighbourhood_sentences = 8;  ///< on each side, that a boundary is compared with; 1 to 1024
  double threshold = 1.0;  ///< standard deviations above the mean distance in the neighbourhood; at least 0, and finite
};

/// Cuts where the text changes its subject. At every sentence boundary (UAX #29) the sentences before it and those after it are
/// embedded, up to `window_sentences` each; the boundary's distance is 1 - cosine. It is a cut if no boundary of its
/// neighbourhood has a larger distance (of equal ones the first counts) and its own is more than `threshold` standard
/// deviations above the neighbourhood's mean. (Comparison of adjacent blocks: Hearst 1997, "TextTiling"; the criterion here is
/// local.) What lies between two cuts is packed as SentenceChunker does.
///
/// * The criterion knows the neighbourhood alone, no percentile of the document: an edit changes no cut of this kind that lies
///   further than window_sentences + neighbourhood_sentences sentences from it.
/// * The cap is hard, the ranges tile the document, overlap is whole words, as with RecursiveChunker. A window that has more
///   than `max_tokens` is shortened to the sentences that fit; beside a sentence that does not fit nothing is judged.
/// * Distances are compared to six decimals. The same vectors give the same chunks: the result is as reproducible as the
///   embedder is.
///
/// The embedder is called from the thread of Split(), once for each batch that its limits() permit, so from as many threads at
/// once as Split() is. Every sentence is embedded `window_sentences` times: this is meant for fast embedders, as
/// StaticEmbedder. Embedding takes bounded memory.
///
/// Errors of Split(): kOutOfRange when one code point does not fit, with its byte offset; the embedder's own, with its code and
/// without another try, so one that is not about the text ends the run; kInternal when a vector is not finite.
class RAGPIPE_EXPORT SemanticChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed; or the argument that is null.
  static absl::StatusOr<SemanticChunker> Create(std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<Embedder> embedder,
                                                SemanticChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  SemanticChunker(std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<Embedder> embedder,
                  SemanticChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<Embedder> embedder_;
  SemanticChunkerOptions options_;
};

}  // namespace ragpipe::text
