#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <string>
#include <vector>

#include "engine/state.h"
#include "ragpipe/ledger.h"

namespace ragpipe::internal {

/// Calls `visit` with every page of the source's document ids in the ledger, in byte order.
absl::Status ForEachDocumentPage(State& state, absl::FunctionRef<absl::Status(std::vector<std::string>&)> visit);

/// Calls `visit` with every page of the source's dead letters, in byte order of their ids. None without a ledger.
absl::Status ForEachDeadLetterPage(State& state, absl::FunctionRef<absl::Status(std::vector<DeadLetter>&)> visit);

}  // namespace ragpipe::internal
