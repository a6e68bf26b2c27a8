#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "engine/state.h"
#include "ragpipe/recipe.h"

namespace ragpipe::internal {

/// The recipe of what this pipeline writes.
absl::StatusOr<Recipe> FormRecipe(State& state);

/// Creates the collection. Refuses an index of another recipe, or empties it where the host asked for that.
absl::Status PrepareCollection(State& state);

}  // namespace ragpipe::internal
