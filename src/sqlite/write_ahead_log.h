#pragma once

#include <absl/status/status.h>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Makes durable what the connection recovered from the log of an earlier one. Its last commits may be in the system's memory
/// only: of a process that was killed before it synced them, or whose sync failed, after which the system takes the pages for
/// clean and no later sync writes them (A. Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
/// So the log is written again, byte for byte, and synced, before anything is built on it.
absl::Status MakeLogDurable(Database& db);

/// Copies the log back into the file and cuts it off; SQLite cuts the file to the size of the last commit, too.
/// Errors: kUnavailable while a reader still needs the log.
absl::Status EmptyLog(Database& db);

}  // namespace ragpipe::sqlite
