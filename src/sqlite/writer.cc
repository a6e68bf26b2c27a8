#include "sqlite/writer.h"

#include <string>

#include "ragpipe/retry.h"

namespace ragpipe::sqlite {

absl::Status Writer::Begin() {
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
  if (db_.in_transaction()) db_.Run("ROLLBACK").IgnoreError();  // fails only where SQLite has rolled back already
  failure_ = absl::OkStatus();
}

absl::Status Writer::Fail(const absl::Status& error) {
  Rollback();
  const bool final = !IsTransient(error) && !IsBadItem(error);
  failure_ = absl::Status(final ? error.code() : absl::StatusCode::kInternal, error.message());
  return absl::Status(failure_.code(), failure_.message());
}

}  // namespace ragpipe::sqlite
