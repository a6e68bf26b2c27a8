#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <vector>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/query.h"

namespace ragpipe {

/// The query side: embeds questions under the recipe the index was built with, or refuses to.
/// Threading:  Search() from several threads at once, if the embedders' Embed() may.
/// Lifetime:   borrows the index and the embedders.
class RAGPIPE_EXPORT Retriever {
 public:
  /// Errors: kFailedPrecondition when the index was built by another embedder, revision, prefix or dimension, with both
  /// names; kNotFound when nothing was ever ingested.
  static absl::StatusOr<Retriever> Open(Index& index, Embedder& embedder);

  /// The same, with several embedders: each search uses the one that the index was built with. For an index whose generation
  /// changes while it is searched (sqlite::Generations), opened with the old embedder and the new.
  static absl::StatusOr<Retriever> Open(Index& index, std::span<Embedder* const> embedders);

  /// Query and hits are of one recipe, also when the index changes to another in between: it is then asked again.
  /// Errors: kInvalidArgument for an empty or invalid text, top_k of 0 or weights out of range; kFailedPrecondition when the
  /// index was rebuilt since Open() and none of the embedders fits; else those of the embedder and the index.
  absl::StatusOr<std::vector<Hit>> Search(const Query& query) const;

 private:
  Retriever(Index& index, std::span<Embedder* const> embedders)
      : index_(&index), embedders_(embedders.begin(), embedders.end()) {}

  Index* index_;
  std::vector<Embedder*> embedders_;
};

}  // namespace ragpipe
