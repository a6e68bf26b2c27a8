#pragma once

#include "engine/state.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

/// The second step, the body of a thread: takes tasks from State::to_load, reads and validates their documents, splits them,
/// plans what becomes of each chunk, and hands them on.
void RunChunkWorker(State& state, ChangeStream& stream);

}  // namespace ragpipe::internal
