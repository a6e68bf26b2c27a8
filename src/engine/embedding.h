#pragma once

#include "engine/state.h"

namespace ragpipe::internal {

/// The fourth step, the body of a thread: packs texts of many documents from State::to_embed into calls up to the embedder's
/// limits, halves a refused batch down to the guilty text, and hands on the documents whose vectors are all there.
void RunEmbedCaller(State& state);

}  // namespace ragpipe::internal
