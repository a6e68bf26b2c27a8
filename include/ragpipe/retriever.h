#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/query.h"

namespace ragpipe {

/// The query side: embeds questions under the recipe the index was built with, or refuses to.
/// Threading:  Search() from several threads at once, if the embedder's Embed() may.
/// Lifetime:   borrows the index and the embedder.
class RAGPIPE_EXPORT Retriever {
 public:
  /// Errors: kFailedPrecondition when the index was built by another embedder, revision, prefix or dimension, with both
  /// names; kNotFound when nothing was ever ingested.
  static absl::StatusOr<Retriever> Open(Index& index, Embedder& embedder);

  /// Errors: kInvalidArgument for an empty or invalid text, top_k of 0 or weights out of range; kFailedPrecondition when the
  /// index was rebuilt under another recipe since Open(); else those of the embedder and the index.
  absl::StatusOr<std::vector<Hit>> Search(const Query& query) const;

 private:
  Retriever(Index& index, Embedder& embedder) : index_(&index), embedder_(&embedder) {}

  Index* index_;
  Embedder* embedder_;
};

}  // namespace ragpipe
