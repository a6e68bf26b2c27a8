#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/state.h"
#include "ragpipe/ledger.h"
#include "ragpipe/verify.h"

namespace ragpipe::internal {

/// Compares ledger and sink, document by document, in byte order of the ids. `on_damaged` is given the ledger's entries of
/// damaged documents, some at a time; documents that only the sink knows are in the report alone.
absl::Status VerifyIndex(State& state, const VerifyOptions& options, VerifyReport& report,
                         absl::FunctionRef<absl::Status(std::vector<LedgerEntry>&)> on_damaged);

/// Calls `visit` with the ids of the documents that the ledger or the sink knows, in byte order.
absl::Status ForEachKnownDocument(State& state,
                                  absl::FunctionRef<absl::Status(std::string_view id, bool in_ledger, bool in_sink)> visit);

}  // namespace ragpipe::internal
