#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "ragpipe/export.h"

namespace ragpipe {

enum class Metric { kCosine, kDot, kL2 };

RAGPIPE_EXPORT std::string_view ToString(Metric metric);

/// Everything that shapes a record, stored with the index. Ingest and query both compare it, so that vectors of two
/// models, or chunks of two chunkers, never meet in one index unnoticed.
struct Recipe {
  std::string chunker;        ///< Chunker::Fingerprint()
  std::string embedder;       ///< Embedder::Fingerprint()
  std::size_t dimension = 0;  ///< floats in a vector
  Metric metric = Metric::kCosine;
  std::string schema;  ///< how record ids and payloads are formed, and what PipelineOptions::schema declares

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

class Chunker;
class Embedder;
struct PipelineOptions;

/// The recipe of what a pipeline of these stages writes. Errors: kInternal when a stage throws.
RAGPIPE_EXPORT absl::StatusOr<Recipe> FormRecipe(const Chunker& chunker, const Embedder& embedder,
                                                 const PipelineOptions& options);

/// OK when the two are equal; else kFailedPrecondition that names each part that differs, with both values.
RAGPIPE_EXPORT absl::Status CheckSameRecipe(const Recipe& stored, const Recipe& wanted);

}  // namespace ragpipe
