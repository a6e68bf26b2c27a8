#pragma once

#include <absl/status/status.h>

#include <cstddef>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Builds facets, words and segments anew from documents and records. Records of no document go, and documents without
/// records. A record whose vector is lost gets one that is not finite, so that it is found and not taken for an answer.
absl::Status RebuildDerived(Database& db, std::size_t dimension);

}  // namespace ragpipe::sqlite
