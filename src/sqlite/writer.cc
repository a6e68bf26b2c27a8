#include "sqlite/writer.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <string>

#include "core/status_macros.h"
#include "ragpipe/retry.h"

namespace ragpipe::sqlite {
namespace {

// What SQLite cannot mend in the connection that it happened to.
const char* WhyUnusable(int code) {
  switch (code) {
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
      return "a sync failed, and the next one would not tell what never reached the disk. Look for a failing disk, then";
    case SQLITE_NOMEM:
    case SQLITE_IOERR_NOMEM:
      return "memory ran out, and the full-text index may have lost count. Free memory, then";
    default:
      return nullptr;
  }
}

}  // namespace

absl::Status Writer::StartOver() {
  Rollback();
  interrupted_ = false;
  RAGPIPE_RETURN_IF_ERROR(unusable_);
  return failure_;
}

absl::Status Writer::Begin() {
  RAGPIPE_RETURN_IF_ERROR(unusable_);
  if (interrupted_) {
    absl::Status failed =
        Fail(absl::InternalError(fmt::format("memory ran out in the middle of a write to '{}'. Run again", db_.path())));
    interrupted_ = false;
    return failed;
  }
  if (!failure_.ok()) return absl::Status(failure_.code(), failure_.message());
  if (db_.in_transaction()) return absl::OkStatus();
  const absl::Status begun = db_.Run("BEGIN IMMEDIATE");
  return begun.ok() || IsTransient(begun) ? begun : Fail(begun);
}

absl::Status Writer::Commit() {
  const absl::Status committed = db_.Run("COMMIT");
  return committed.ok() ? committed : Fail(committed);
}

void Writer::Rollback() {
  const absl::Status status = db_.in_transaction() ? db_.Run("ROLLBACK") : absl::OkStatus();
  // Where SQLite has rolled back already, that fails and no transaction is left; without memory, one is.
  failure_ = db_.in_transaction() ? status : absl::OkStatus();
}

absl::Status Writer::Fail(const absl::Status& error) {
  // Asked before the rollback, which has a code of its own.
  if (const char* why = WhyUnusable(sqlite3_extended_errcode(db_.handle())); why != nullptr && unusable_.ok()) {
    unusable_ = absl::FailedPreconditionError(
        fmt::format("nothing more is written to '{}': {} close the store and open it again; the index holds the last commit",
                    db_.path(), why));
  }
  Rollback();
  const bool final = !IsTransient(error) && !IsBadItem(error);
  failure_ = absl::Status(final ? error.code() : absl::StatusCode::kInternal, error.message());
  return absl::Status(failure_.code(), failure_.message());
}

}  // namespace ragpipe::sqlite
