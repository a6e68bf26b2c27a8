#include "engine/collection.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "engine/metadata_schema.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/recipe.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe {
namespace {

/// How records are formed by this version of the library; part of the recipe.
std::string SchemaFingerprint(const PipelineOptions& options) {
  std::string text = options.record_ids == RecordIds::kContent ? "2;ids=content" : "2;ids=document_index";
  if (const std::string declared = internal::MetadataSchema(options.schema).Fingerprint(); !declared.empty()) {
    text += ";" + declared;
  }
  return text;
}

}  // namespace

absl::StatusOr<Recipe> FormRecipe(const Chunker& chunker, const Embedder& embedder, const PipelineOptions& options) {
  return internal::GuardHostCall("a stage's Fingerprint", [&]() -> absl::StatusOr<Recipe> {
    return Recipe{chunker.Fingerprint(), embedder.Fingerprint(), embedder.dimension(), options.metric,
                  SchemaFingerprint(options)};
  });
}

namespace internal {

absl::Status PrepareCollection(State& state) {
  const Stages& stages = state.stages;
  CollectionSpec spec;
  RAGPIPE_ASSIGN_OR_RETURN(spec.recipe, FormRecipe(stages.chunker, stages.embedder, state.options));
  std::optional<Recipe> stored;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::LoadRecipe", [&]() -> absl::Status {
    RAGPIPE_ASSIGN_OR_RETURN(stored, stages.checkpoint.LoadRecipe());
    return absl::OkStatus();
  }));
  auto ensure = [&] {
    return state.CallHost(Stage::kWrite, "VectorSink::EnsureCollection", [&] { return stages.sink.EnsureCollection(spec); });
  };
  absl::Status status = stored.has_value() ? CheckSameRecipe(*stored, spec.recipe) : absl::OkStatus();
  if (status.ok()) status = ensure();
  if (absl::IsFailedPrecondition(status) && state.options.on_recipe_change == OnRecipeChange::kRebuild) {
    spec.rebuild = true;
    status = ensure();
  }
  RAGPIPE_RETURN_IF_ERROR(status);
  if (!state.has_ledger || (stored.has_value() && !spec.rebuild)) return absl::OkStatus();

  CommitRequest request;
  request.source = state.source_name;
  request.recipe = &spec.recipe;
  request.reset = spec.rebuild;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kCommit, "VectorSink::Flush", [&] { return stages.sink.Flush(); }));
  return state.CallHost(Stage::kCommit, "Checkpoint::Commit", [&] { return stages.checkpoint.Commit(request); });
}

}  // namespace internal
}  // namespace ragpipe
