#include "sqlite/reindex.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "sqlite/bm25.h"
#include "sqlite/codec.h"
#include "sqlite/filter.h"
#include "sqlite/segments.h"

namespace ragpipe::sqlite {
namespace {

absl::Status RebuildFacets(Database& db) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM facets"));
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  while (true) {
    Metadata metadata;
    {
      Statement row = db.Query("SELECT id, metadata FROM documents WHERE id > ? ORDER BY id LIMIT 1", last);
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (!found) return absl::OkStatus();
      last = row.Int(0);
      absl::StatusOr<Metadata> decoded = DecodeMetadata(row.Bytes(1));
      if (!decoded.ok()) continue;  // the repair writes this document anew
      metadata = *std::move(decoded);
    }
    RAGPIPE_RETURN_IF_ERROR(InsertFacets(db, last, metadata));
  }
}

absl::Status AddLostVectors(Database& db, std::int64_t segment, std::size_t dimension) {
  const std::vector<float> lost(SegmentBytes(dimension) / sizeof(float), std::numeric_limits<float>::quiet_NaN());
  const Blob blob{{reinterpret_cast<const char*>(lost.data()), lost.size() * sizeof(float)}};
  RAGPIPE_RETURN_IF_ERROR(
      db.Run("DELETE FROM vectors WHERE segment = ? AND length(data) != ?", segment, SegmentBytes(dimension)));
  return db.Run("INSERT OR IGNORE INTO vectors(segment, data) VALUES(?, ?)", segment, blob);
}

absl::Status PutSegment(Database& db, const Segment& segment, int live, std::size_t dimension) {
  RAGPIPE_RETURN_IF_ERROR(InsertSegment(db, segment, live));
  return AddLostVectors(db, segment.id, dimension);
}

absl::Status RebuildSegments(Database& db, std::size_t dimension) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM segments"));
  Segment segment;
  int live = 0;
  std::int64_t last = -1;
  while (true) {
    std::int64_t document = 0;
    {
      Statement row = db.Query("SELECT slot, document FROM records WHERE slot > ? ORDER BY slot LIMIT 1", last);
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (!found) break;
      last = row.Int(0);
      document = row.Int(1);
    }
    if (live > 0 && last / kSegmentRows != segment.id) {
      RAGPIPE_RETURN_IF_ERROR(PutSegment(db, segment, live, dimension));
      live = 0;
    }
    if (live == 0) segment = {.id = last / kSegmentRows};
    const auto row = static_cast<std::size_t>(last % kSegmentRows);
    segment.documents[row] = document;
    RAGPIPE_ASSIGN_OR_RETURN(segment.words[row], CountWords(db, last));
    ++live;
  }
  if (live > 0) RAGPIPE_RETURN_IF_ERROR(PutSegment(db, segment, live, dimension));
  return db.Run("DELETE FROM vectors WHERE segment NOT IN (SELECT segment FROM segments)");
}

}  // namespace

absl::Status RebuildDerived(Database& db, std::size_t dimension) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM records WHERE document NOT IN (SELECT id FROM documents)"));
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM documents WHERE id NOT IN (SELECT document FROM records)"));
  RAGPIPE_RETURN_IF_ERROR(db.Run("INSERT INTO record_words(record_words) VALUES('rebuild')"));
  RAGPIPE_RETURN_IF_ERROR(RebuildFacets(db));
  return RebuildSegments(db, dimension);
}

}  // namespace ragpipe::sqlite
