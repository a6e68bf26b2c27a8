#pragma once

#include <absl/status/status.h>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Makes the file of a connection that may write a ragpipe index of this version: creates the tables in an empty file and
/// migrates an older one, in one transaction. Switches the write-ahead log on.
absl::Status PrepareForWriting(Database& db);

/// Checks that a connection that only reads sees an index of this version.
absl::Status PrepareForReading(Database& db);

}  // namespace ragpipe::sqlite
