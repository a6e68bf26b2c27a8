#include "engine/collection.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "core/status_macros.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

/// How records are formed by this version of the library; part of the recipe.
std::string SchemaFingerprint(const PipelineOptions& options) {
  return options.record_ids == RecordIds::kContent ? "2;ids=content" : "2;ids=document_index";
}

}  // namespace

absl::StatusOr<Recipe> FormRecipe(State& state) {
  Recipe recipe;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "a stage's Fingerprint", [&] {
    recipe = {state.stages.chunker.Fingerprint(), state.stages.embedder.Fingerprint(), state.dimension, state.options.metric,
              SchemaFingerprint(state.options)};
    return absl::OkStatus();
  }));
  return recipe;
}

absl::Status PrepareCollection(State& state) {
  const Stages& stages = state.stages;
  CollectionSpec spec;
  RAGPIPE_ASSIGN_OR_RETURN(spec.recipe, FormRecipe(state));
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

}  // namespace ragpipe::internal
