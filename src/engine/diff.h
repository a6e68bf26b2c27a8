#pragma once

#include <absl/status/status.h>

#include <vector>

#include "engine/state.h"
#include "engine/task.h"
#include "ragpipe/chunk.h"
#include "ragpipe/options.h"

namespace ragpipe::internal {

/// The third step: compares the chunks of the new version with the records that the ledger knows, and decides what is kept,
/// patched, written with a vector that exists, embedded, or deleted. Fills the task's chunks, vectors and deletes.
absl::Status PlanChunks(State& state, std::vector<Chunk> chunks, Task& task);

}  // namespace ragpipe::internal
