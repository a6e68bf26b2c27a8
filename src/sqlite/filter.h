#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "ragpipe/metadata.h"
#include "ragpipe/query.h"
#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Puts a document's metadata into, or takes it out of, the table that filters read.
absl::Status InsertFacets(Database& db, std::int64_t document, const Metadata& metadata);
absl::Status DeleteFacets(Database& db, std::int64_t document, const Metadata& metadata);

/// Errors: kInvalidArgument for a condition with a wrong number of values or one that is not a number.
absl::Status CheckFilter(const Filter& filter);

/// By documents.id, whether the document meets a checked filter.
absl::StatusOr<std::vector<bool>> MatchDocuments(Database& db, const Filter& filter);

}  // namespace ragpipe::sqlite
