#include "sqlite/write_ahead_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

constexpr sqlite3_int64 kStepBytes = 64 << 10;  // SQLite's VFS for Unix writes less than 128 KiB at once

int WriteAgain(sqlite3_file& log) {
  sqlite3_int64 size = 0;
  int code = log.pMethods->xFileSize(&log, &size);
  if (code != SQLITE_OK || size == 0) return code;
  std::vector<char> bytes(static_cast<std::size_t>(std::min(size, kStepBytes)));
  for (sqlite3_int64 offset = 0; code == SQLITE_OK && offset < size;) {
    const auto count = static_cast<int>(std::min(size - offset, kStepBytes));
    code = log.pMethods->xRead(&log, bytes.data(), count, offset);
    if (code == SQLITE_OK) code = log.pMethods->xWrite(&log, bytes.data(), count, offset);
    offset += count;
  }
  return code == SQLITE_OK ? log.pMethods->xSync(&log, SQLITE_SYNC_NORMAL) : code;
}

}  // namespace

absl::Status MakeLogDurable(Database& db) {
  // Without the lock of a writer, another program could append while its bytes of before are written.
  RAGPIPE_RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr) code = WriteAgain(*log);
  RAGPIPE_RETURN_IF_ERROR(db.Execute("ROLLBACK"));
  return db.Error(code);
}

absl::Status EmptyLog(Database& db) {
  return db.Error(sqlite3_wal_checkpoint_v2(db.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr));
}

}  // namespace ragpipe::sqlite
