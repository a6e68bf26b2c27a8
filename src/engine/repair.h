#pragma once

#include <absl/status/status.h>

#include <cstdint>

#include "engine/state.h"
#include "ragpipe/verify.h"

namespace ragpipe::internal {

// A repair is: put every damaged document in doubt and forget how far the source was read, run, remove what then is known
// neither to the ledger nor to the source. Killed anywhere, the next run or repair goes on where it was.

absl::Status DoubtDamaged(State& state, VerifyReport& found);

/// To be called after a run that read the source from its beginning to its end.
absl::Status RemoveUnknown(State& state, std::uint64_t& removed);

}  // namespace ragpipe::internal
