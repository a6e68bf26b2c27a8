#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "ragpipe/query.h"
#include "ragpipe/recipe.h"
#include "testing/record_table.h"

namespace ragpipe::testing {

/// Scores every record. `records` is in the order of ids.
absl::StatusOr<std::vector<Hit>> SearchRecords(const std::vector<RecordPtr>& records, const Recipe& recipe,
                                               const IndexQuery& query);

}  // namespace ragpipe::testing
