#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <vector>

#include "ragpipe/query.h"
#include "ragpipe/recipe.h"
#include "sqlite/read_pool.h"

namespace ragpipe::sqlite {

/// What can be said of a query without the index. Errors: kInvalidArgument.
absl::Status CheckQuery(const IndexQuery& query);

/// Answers a checked query within the reader's transaction: the filter decides first, then every vector that is left is
/// compared, and the words are scored.
absl::StatusOr<std::vector<Hit>> Search(Reader& reader, const Recipe& recipe, const IndexQuery& query);

}  // namespace ragpipe::sqlite
