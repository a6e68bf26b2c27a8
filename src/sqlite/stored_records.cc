#include "sqlite/stored_records.h"

#include <cstdint>
#include <utility>

#include "core/status_macros.h"
#include "sqlite/codec.h"

namespace ragpipe::sqlite {

absl::StatusOr<std::vector<std::string>> ListStoredDocuments(Database& db, std::string_view source, std::string_view after,
                                                             std::size_t limit) {
  std::vector<std::string> ids;
  Statement row =
      db.Query("SELECT document_id FROM documents WHERE source = ? AND document_id > ? ORDER BY document_id LIMIT ?", source,
               after, limit);
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return ids;
    ids.push_back(row.String(0));
  }
}

absl::Status StoredRecordReader::Read(std::string_view source, std::string_view document_id, std::vector<StoredRecord>& out) {
  StoredRecord common;
  std::int64_t document = 0;
  {
    Statement row = db_.Query(
        "SELECT id, version_token, version_ordinal, updated_at, media_type, metadata FROM documents"
        " WHERE source = ? AND document_id = ?",
        source, document_id);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return absl::OkStatus();
    document = row.Int(0);
    common.source = source;
    common.document_id = document_id;
    common.version = {row.String(1), DecodeOrdinal(row.OptionalInt(2))};
    common.updated_at = DecodeTime(row.OptionalInt(3));
    common.media_type = row.String(4);
    // Metadata or headings that cannot be read are another content: that is for the caller to find.
    if (absl::StatusOr<Metadata> metadata = DecodeMetadata(row.Bytes(5)); metadata.ok()) {
      common.metadata = *std::move(metadata);
    } else {
      common.media_type += " with unreadable metadata";
    }
  }
  Statement row = db_.Query(
      "SELECT slot, record_id, position, range_begin, range_end, overlap, tokens, tokens_are_estimated, text_key, headings,"
      " context, text FROM records WHERE document = ?",
      document);
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return absl::OkStatus();
    StoredRecord& record = out.emplace_back(common);
    record.id = row.String(1);
    record.position = static_cast<std::size_t>(row.Int(2));
    record.chunk.range = {static_cast<std::size_t>(row.Int(3)), static_cast<std::size_t>(row.Int(4))};
    record.chunk.overlap = static_cast<std::size_t>(row.Int(5));
    record.chunk.tokens = static_cast<std::size_t>(row.Int(6));
    record.chunk.tokens_are_estimated = row.Int(7) != 0;
    record.text_key = row.String(8);
    if (absl::StatusOr<std::vector<std::string>> headings = DecodeStrings(row.Bytes(9)); headings.ok()) {
      record.chunk.headings = *std::move(headings);
    } else {
      record.chunk.headings = {"unreadable"};
    }
    record.chunk.context = row.String(10);
    record.text = row.String(11);
    record.vector.resize(dimension_);
    const absl::Status vector = vectors_.Read(row.Int(0), record.vector);
    if (absl::IsDataLoss(vector)) {
      record.vector.clear();
    } else {
      RAGPIPE_RETURN_IF_ERROR(vector);
    }
  }
}

}  // namespace ragpipe::sqlite
