#include "sqlite/compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/status_macros.h"
#include "sqlite/database.h"
#include "sqlite/recipes.h"
#include "sqlite/segments.h"
#include "sqlite/vectors.h"
#include "sqlite/write_ahead_log.h"

namespace ragpipe::sqlite {
namespace {

/// Writes only where something is left, so that an index without deletions stays as it is.
absl::Status ZeroFreeRows(Database& db, std::size_t dimension) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM vectors WHERE segment NOT IN (SELECT segment FROM segments)"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Segment> segments, ReadSegments(db));
  Vectors vectors(db, dimension, Vectors::Access::kWrite);
  const std::vector<float> zeros(dimension);
  std::vector<float> row(dimension);
  for (const Segment& segment : segments) {
    for (std::int64_t i = 0; i < kSegmentRows; ++i) {
      if (segment.documents[static_cast<std::size_t>(i)] != 0) continue;
      const std::int64_t slot = segment.id * kSegmentRows + i;
      RAGPIPE_RETURN_IF_ERROR(vectors.Read(slot, row));
      if (row != zeros) RAGPIPE_RETURN_IF_ERROR(vectors.Write(slot, zeros));
    }
  }
  return absl::OkStatus();
}

absl::Status EraseInPlace(Database& db) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> recipe, ReadRecipe(db, kRecordsRecipe));
  if (recipe.has_value()) RAGPIPE_RETURN_IF_ERROR(ZeroFreeRows(db, recipe->dimension));
  return db.Run("INSERT INTO record_words(record_words) VALUES('rebuild')");
}

absl::Status EraseFromLog(Database& db) {
  const absl::Status status = EmptyLog(db);
  if (!absl::IsUnavailable(status)) return status;
  return absl::UnavailableError(
      fmt::format("'{}' still holds what was deleted: a search or another reader has seen it for longer than a few seconds and"
                  " may need it. Let it end, and call Compact() again",
                  db.path()));
}

}  // namespace

absl::Status Compact(Writer& writer) {
  const Writer::Call call(writer);
  Database& db = writer.db();
  if (db.in_transaction()) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' has changes that are not committed, of a run in progress or of one that failed. Run the pipeline to"
                    " its end, or open the store again, then call Compact()",
                    db.path()));
  }
  RAGPIPE_RETURN_IF_ERROR(writer.Begin());  // or what ended the last run, and why nothing may be committed
  absl::Status status = EraseInPlace(db);
  if (status.ok()) status = db.Run("COMMIT");
  if (status.ok()) status = EraseFromLog(db);  // a reader that would be in the way at the end is so now
  if (status.ok()) status = db.Execute("VACUUM");
  if (status.ok()) status = EraseFromLog(db);
  if (status.ok()) return status;
  if (!absl::IsUnavailable(status)) status = writer.Fail(status);
  writer.Rollback();  // no run has lost anything: it may go on
  return status;
}

}  // namespace ragpipe::sqlite
