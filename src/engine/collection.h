#pragma once

#include <absl/status/status.h>

#include "engine/state.h"

namespace ragpipe::internal {

/// Creates the collection. Refuses an index of another recipe, or empties it where the host asked for that.
absl::Status PrepareCollection(State& state);

}  // namespace ragpipe::internal
