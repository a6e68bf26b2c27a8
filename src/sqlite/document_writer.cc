#include "sqlite/document_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "sqlite/bm25.h"
#include "sqlite/codec.h"
#include "sqlite/filter.h"

namespace ragpipe::sqlite {
namespace {

const Chunk& ChunkOf(const Record& record) {
  static const Chunk none;
  return record.chunk != nullptr ? *record.chunk : none;
}

const Metadata& MetadataOf(const DocumentWrite& write) {
  static const Metadata none;
  return write.metadata != nullptr ? *write.metadata : none;
}

absl::Status CheckVector(const DocumentWrite& write, const Record& record, std::size_t dimension) {
  if (record.vector.size() != dimension) {
    return absl::InvalidArgumentError(
        fmt::format("record '{}' of document '{}' has a vector of {} dimensions, the collection has {}", record.id,
                    write.document_id, record.vector.size(), dimension));
  }
  if (!std::all_of(record.vector.begin(), record.vector.end(), [](float x) { return std::isfinite(x); })) {
    return absl::InvalidArgumentError(
        fmt::format("record '{}' of document '{}' has a vector with a value that is not finite", record.id, write.document_id));
  }
  return absl::OkStatus();
}

// One call's worth of checks: also between the writes of a batch.
class Checker {
 public:
  Checker(Database& db, std::size_t dimension)
      : db_(db),
        dimension_(dimension),
        max_bytes_(static_cast<std::size_t>(sqlite3_limit(db.handle(), SQLITE_LIMIT_LENGTH, -1))) {}

  absl::Status Check(const DocumentWrite& write) {
    if (write.document_id.empty())
      return absl::InvalidArgumentError(fmt::format("a document of source '{}' has no id", write.source));
    RAGPIPE_ASSIGN_OR_RETURN(const std::string metadata, EncodeMetadata(MetadataOf(write)));
    RAGPIPE_RETURN_IF_ERROR(CheckSize(write, metadata.size()));
    for (const Record& record : write.upserts) {
      RAGPIPE_RETURN_IF_ERROR(CheckVector(write, record, dimension_));
      RAGPIPE_RETURN_IF_ERROR(CheckRecord(write, record));
    }
    for (const Record& record : write.patches) RAGPIPE_RETURN_IF_ERROR(CheckRecord(write, record));
    return absl::OkStatus();
  }

  /// `earlier`: the writes that come before it in the batch.
  absl::Status CheckPatches(const DocumentWrite& write, std::span<const DocumentWrite> earlier) {
    for (const Record& record : write.patches) {
      Statement row = db_.Query(
          "SELECT 1 FROM documents JOIN records ON records.document = documents.id"
          " WHERE source = ? AND document_id = ? AND record_id = ?",
          write.source, write.document_id, record.id);
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (found || IsUpserted(write, record, {&write, 1}) || IsUpserted(write, record, earlier)) continue;
      return absl::InvalidArgumentError(fmt::format(
          "record '{}' of document '{}' is to be patched, but is not in the index. Ingest anew", record.id, write.document_id));
    }
    return absl::OkStatus();
  }

 private:
  static bool IsUpserted(const DocumentWrite& write, const Record& record, std::span<const DocumentWrite> writes) {
    return std::any_of(writes.begin(), writes.end(), [&](const DocumentWrite& other) {
      return other.source == write.source && other.document_id == write.document_id &&
             std::any_of(other.upserts.begin(), other.upserts.end(), [&](const Record& r) { return r.id == record.id; });
    });
  }

  absl::Status CheckRecord(const DocumentWrite& write, const Record& record) const {
    if (record.id.empty())
      return absl::InvalidArgumentError(fmt::format("a record of document '{}' has no id", write.document_id));
    const Chunk& chunk = ChunkOf(record);
    RAGPIPE_ASSIGN_OR_RETURN(const std::string headings, EncodeStrings(chunk.headings));
    return CheckSize(write, record.text.size() + chunk.context.size() + headings.size());
  }

  absl::Status CheckSize(const DocumentWrite& write, std::size_t bytes) const {
    constexpr std::size_t kOtherColumns = 64 << 10;
    if (bytes + kOtherColumns <= max_bytes_) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("document '{}' has a chunk or metadata of {} bytes; a row holds {}",
                                                  write.document_id, bytes, max_bytes_ - kOtherColumns));
  }

  Database& db_;
  const std::size_t dimension_;
  const std::size_t max_bytes_;
};

}  // namespace

absl::Status CheckWrites(Database& db, std::size_t dimension, std::span<const DocumentWrite> writes) {
  Checker checker(db, dimension);
  for (const DocumentWrite& write : writes) RAGPIPE_RETURN_IF_ERROR(checker.Check(write));
  for (std::size_t i = 0; i < writes.size(); ++i) {
    RAGPIPE_RETURN_IF_ERROR(checker.CheckPatches(writes[i], writes.first(i)));
  }
  return absl::OkStatus();
}

absl::Status DocumentWriter::Apply(const DocumentWrite& write) {
  std::int64_t document = 0;
  if (write.metadata != nullptr || !write.upserts.empty() || !write.patches.empty()) {
    RAGPIPE_ASSIGN_OR_RETURN(document, PutDocument(write));
  } else {
    RAGPIPE_ASSIGN_OR_RETURN(const std::optional<std::int64_t> found, FindDocument(write, nullptr));
    if (!found.has_value()) return absl::OkStatus();
    document = *found;
  }
  for (const Record& record : write.upserts) RAGPIPE_RETURN_IF_ERROR(PutRecord(document, record, true));
  for (const Record& record : write.patches) RAGPIPE_RETURN_IF_ERROR(PutRecord(document, record, false));
  for (const std::string_view id : write.deletes) {
    std::optional<std::int64_t> slot;
    {
      Statement row = db_.Query("SELECT slot FROM records WHERE document = ? AND record_id = ?", document, id);
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (found) slot = row.Int(0);
    }
    if (slot.has_value()) RAGPIPE_RETURN_IF_ERROR(DropRecord(*slot));
  }
  if (write.replace_all) RAGPIPE_RETURN_IF_ERROR(DropOthers(document, write.upserts));
  return DropDocumentIfEmpty(write);
}

absl::StatusOr<std::optional<std::int64_t>> DocumentWriter::FindDocument(const DocumentWrite& write, std::string* metadata) {
  Statement row =
      db_.Query("SELECT id, metadata FROM documents WHERE source = ? AND document_id = ?", write.source, write.document_id);
  RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<std::int64_t>();
  if (metadata != nullptr) *metadata = row.Bytes(1);
  return std::optional<std::int64_t>(row.Int(0));
}

absl::StatusOr<std::int64_t> DocumentWriter::PutDocument(const DocumentWrite& write) {
  std::string old_metadata;
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<std::int64_t> found, FindDocument(write, &old_metadata));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string metadata, EncodeMetadata(MetadataOf(write)));
  const auto ordinal = EncodeOrdinal(write.version.ordinal);
  const auto updated_at = EncodeTime(write.updated_at);
  if (!found.has_value()) {
    RAGPIPE_RETURN_IF_ERROR(
        db_.Run("INSERT INTO documents(source, document_id, version_token, version_ordinal, updated_at, media_type, metadata)"
                " VALUES(?, ?, ?, ?, ?, ?, ?)",
                write.source, write.document_id, write.version.token, ordinal, updated_at, write.media_type, metadata));
    const std::int64_t document = sqlite3_last_insert_rowid(db_.handle());
    RAGPIPE_RETURN_IF_ERROR(InsertFacets(db_, document, MetadataOf(write)));
    RAGPIPE_RETURN_IF_ERROR(DropOthers(document, {}));  // of a row of this number that another hand took away
    return document;
  }
  RAGPIPE_RETURN_IF_ERROR(db_.Run(
      "UPDATE documents SET version_token = ?, version_ordinal = ?, updated_at = ?, media_type = ?, metadata = ? WHERE id = ?",
      write.version.token, ordinal, updated_at, write.media_type, metadata, *found));
  if (metadata != old_metadata) {
    RAGPIPE_RETURN_IF_ERROR(ForgetFacets(*found, old_metadata));
    RAGPIPE_RETURN_IF_ERROR(InsertFacets(db_, *found, MetadataOf(write)));
  }
  return *found;
}

absl::Status DocumentWriter::PutRecord(std::int64_t document, const Record& record, bool with_vector) {
  const Chunk& chunk = ChunkOf(record);
  RAGPIPE_ASSIGN_OR_RETURN(const std::string headings, EncodeStrings(chunk.headings));

  std::optional<std::int64_t> slot;
  bool same_words = false;
  {
    Statement row = db_.Query("SELECT slot, headings, context, text FROM records WHERE document = ? AND record_id = ?",
                              document, record.id);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) {
      slot = row.Int(0);
      same_words = row.Bytes(1) == headings && row.Bytes(2) == chunk.context && row.Bytes(3) == record.text;
    }
  }
  if (!slot.has_value()) {
    if (!with_vector) return absl::InternalError(fmt::format("record '{}' vanished before it could be patched", record.id));
    RAGPIPE_ASSIGN_OR_RETURN(slot, slots_.Allocate(document));
    RAGPIPE_RETURN_IF_ERROR(db_.Run(
        "INSERT INTO records(slot, record_id, document, position, range_begin, range_end, overlap, tokens, text_key, headings,"
        " context, text, tokens_are_estimated) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *slot, record.id, document, record.position, chunk.range.begin, chunk.range.end, chunk.overlap, chunk.tokens,
        Blob{record.text_key}, headings, chunk.context, record.text, chunk.tokens_are_estimated));
  } else {
    // FTS5 reads the words to forget from the row, so it goes first.
    if (!same_words) RAGPIPE_RETURN_IF_ERROR(db_.Run("DELETE FROM record_words WHERE rowid = ?", *slot));
    RAGPIPE_RETURN_IF_ERROR(db_.Run(
        "UPDATE records SET position = ?, range_begin = ?, range_end = ?, overlap = ?, tokens = ?, text_key = ?, headings = ?,"
        " context = ?, text = ?, tokens_are_estimated = ? WHERE slot = ?",
        record.position, chunk.range.begin, chunk.range.end, chunk.overlap, chunk.tokens, Blob{record.text_key}, headings,
        chunk.context, record.text, chunk.tokens_are_estimated, *slot));
  }
  if (!same_words) {
    RAGPIPE_RETURN_IF_ERROR(db_.Run("INSERT INTO record_words(rowid, text, headings, context) VALUES(?, ?, ?, ?)", *slot,
                                    record.text, headings, chunk.context));
    RAGPIPE_ASSIGN_OR_RETURN(const std::uint32_t words, CountWords(db_, *slot));
    RAGPIPE_RETURN_IF_ERROR(slots_.SetWords(*slot, words));
  }
  return with_vector ? vectors_.Write(*slot, record.vector) : absl::OkStatus();
}

absl::Status DocumentWriter::DropOthers(std::int64_t document, std::span<const Record> kept) {
  std::unordered_set<std::string_view> ids;  // which outlives an exception; Abseil's would not
  for (const Record& record : kept) ids.insert(record.id);
  std::vector<std::int64_t> slots;
  {
    Statement row = db_.Query("SELECT slot, record_id FROM records WHERE document = ?", document);
    while (true) {
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (!found) break;
      if (!ids.contains(row.Bytes(1))) slots.push_back(row.Int(0));
    }
  }
  for (const std::int64_t slot : slots) RAGPIPE_RETURN_IF_ERROR(DropRecord(slot));
  return absl::OkStatus();
}

absl::Status DocumentWriter::DropRecord(std::int64_t slot) {
  RAGPIPE_RETURN_IF_ERROR(db_.Run("DELETE FROM record_words WHERE rowid = ?", slot));
  RAGPIPE_RETURN_IF_ERROR(db_.Run("DELETE FROM records WHERE slot = ?", slot));
  return slots_.Release(slot);
}

absl::Status DocumentWriter::DropDocumentIfEmpty(const DocumentWrite& write) {
  std::string metadata;
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<std::int64_t> document, FindDocument(write, &metadata));
  if (!document.has_value()) return absl::OkStatus();
  {
    Statement row = db_.Query("SELECT 1 FROM records WHERE document = ? LIMIT 1", *document);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) return absl::OkStatus();
  }
  RAGPIPE_RETURN_IF_ERROR(ForgetFacets(*document, metadata));
  return db_.Run("DELETE FROM documents WHERE id = ?", *document);
}

absl::Status DocumentWriter::ForgetFacets(std::int64_t document, std::string_view metadata) {
  const absl::StatusOr<Metadata> old = DecodeMetadata(metadata);
  if (old.ok()) return DeleteFacets(db_, document, *old);
  return db_.Run("DELETE FROM facets WHERE document = ?", document);  // slow, and only where the row was damaged
}

absl::Status DropAllRecords(Database& db) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("INSERT INTO record_words(record_words) VALUES('delete-all')"));
  for (const std::string_view sql :
       {"DELETE FROM records", "DELETE FROM documents", "DELETE FROM facets", "DELETE FROM segments", "DELETE FROM vectors"}) {
    RAGPIPE_RETURN_IF_ERROR(db.Run(sql));
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::sqlite
