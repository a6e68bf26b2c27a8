#include "sqlite/checkpoint.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>

#include "core/status_macros.h"
#include "sqlite/codec.h"
#include "sqlite/recipes.h"

namespace ragpipe::sqlite {
namespace {

std::int64_t ToSqlLimit(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max()));
}

absl::Status Reset(Database& db) {
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM ledger"));
  RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM cursors"));
  return db.Run("DELETE FROM dead_letters");
}

absl::Status DropDeadLetter(Database& db, std::string_view source, std::string_view document_id) {
  return db.Run("DELETE FROM dead_letters WHERE source = ? AND document_id = ?", source, document_id);
}

std::optional<std::int64_t> EncodeOptionalTime(std::optional<absl::Time> time) {
  return time.has_value() ? EncodeTime(*time) : std::nullopt;
}

std::optional<absl::Time> DecodeOptionalTime(std::optional<std::int64_t> nanoseconds) {
  if (!nanoseconds.has_value()) return std::nullopt;
  return DecodeTime(nanoseconds);
}

absl::Status PutEntry(Database& db, std::string_view source, const LedgerEntry& entry) {
  const std::string chunks = EncodeChunks(entry.chunks);
  RAGPIPE_RETURN_IF_ERROR(
      db.Run("INSERT OR REPLACE INTO ledger(source, document_id, version_token, version_ordinal, content_hash, chunks,"
             " deleted_at, absent_since) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
             source, entry.document_id, entry.version.token, EncodeOrdinal(entry.version.ordinal), Blob{entry.content_hash},
             Blob{chunks}, EncodeOptionalTime(entry.deleted_at), EncodeOptionalTime(entry.absent_since)));
  return entry.is_in_doubt() ? absl::OkStatus() : DropDeadLetter(db, source, entry.document_id);
}

absl::Status PutDeadLetter(Database& db, std::string_view source, const DeadLetter& letter) {
  int attempts = letter.attempts;
  std::optional<std::int64_t> first_failure = EncodeTime(letter.first_failure);
  {
    Statement row = db.Query("SELECT attempts, first_failure FROM dead_letters WHERE source = ? AND document_id = ?", source,
                             letter.document_id);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) {
      attempts = static_cast<int>(row.Int(0)) + 1;
      first_failure = row.OptionalInt(1);
    }
  }
  RAGPIPE_RETURN_IF_ERROR(DropDeadLetter(db, source, letter.document_id));
  const std::string document = letter.document.has_value() ? EncodeDocument(*letter.document) : "";
  const std::string message(letter.reason.message());
  const auto next_attempt =
      letter.next_attempt == absl::InfiniteFuture() ? std::optional<std::int64_t>() : EncodeTime(letter.next_attempt);
  return db.Run(
      "INSERT INTO dead_letters(source, document_id, version_token, version_ordinal, partition, stage, code, message, attempts,"
      " first_failure, last_failure, document, is_delete, next_attempt) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      source, letter.document_id, letter.version.token, EncodeOrdinal(letter.version.ordinal), letter.partition,
      static_cast<int>(letter.stage), static_cast<int>(letter.reason.code()), message, attempts, first_failure,
      EncodeTime(letter.last_failure), Blob{document}, letter.is_delete ? 1 : 0, next_attempt);
}

absl::Status Apply(Database& db, const CommitRequest& request) {
  if (request.reset) RAGPIPE_RETURN_IF_ERROR(Reset(db));
  if (request.recipe != nullptr) RAGPIPE_RETURN_IF_ERROR(WriteRecipe(db, kLedgerRecipe, *request.recipe));
  for (const LedgerEntry& entry : request.entries) RAGPIPE_RETURN_IF_ERROR(PutEntry(db, request.source, entry));
  for (const std::string& document_id : request.forgotten) {
    RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM ledger WHERE source = ? AND document_id = ?", request.source, document_id));
    RAGPIPE_RETURN_IF_ERROR(DropDeadLetter(db, request.source, document_id));
  }
  if (request.purge_before != absl::InfinitePast()) {
    RAGPIPE_RETURN_IF_ERROR(db.Run("DELETE FROM ledger WHERE source = ? AND deleted_at IS NOT NULL AND deleted_at < ?",
                                   request.source, EncodeTime(request.purge_before)));
  }
  for (const std::string& document_id : request.dropped_letters) {
    RAGPIPE_RETURN_IF_ERROR(DropDeadLetter(db, request.source, document_id));
  }
  for (const DeadLetter& letter : request.dead_letters) RAGPIPE_RETURN_IF_ERROR(PutDeadLetter(db, request.source, letter));
  for (const PartitionCursor& cursor : request.cursors) {
    RAGPIPE_RETURN_IF_ERROR(db.Run("INSERT OR REPLACE INTO cursors(source, partition, cursor) VALUES(?, ?, ?)", request.source,
                                   cursor.partition, Blob{cursor.cursor}));
  }
  return absl::OkStatus();
}

absl::StatusOr<DeadLetter> ReadDeadLetter(const Statement& row) {
  DeadLetter letter;
  letter.document_id = row.String(0);
  letter.version = {row.String(1), DecodeOrdinal(row.OptionalInt(2))};
  letter.partition = row.String(3);
  letter.stage = static_cast<Stage>(row.Int(4));
  letter.reason = absl::Status(static_cast<absl::StatusCode>(row.Int(5)), row.String(6));
  letter.attempts = static_cast<int>(row.Int(7));
  letter.first_failure = DecodeTime(row.OptionalInt(8));
  letter.last_failure = DecodeTime(row.OptionalInt(9));
  if (const std::string_view document = row.Bytes(10); !document.empty()) {
    RAGPIPE_ASSIGN_OR_RETURN(letter.document, DecodeDocument(document));
  }
  letter.is_delete = row.Int(11) != 0;
  if (const auto next_attempt = row.OptionalInt(12)) letter.next_attempt = DecodeTime(next_attempt);
  return letter;
}

}  // namespace

absl::StatusOr<std::vector<PartitionCursor>> StoreCheckpoint::LoadCursors(std::string_view source) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  std::vector<PartitionCursor> cursors;
  Statement row = reader->db.Query("SELECT partition, cursor FROM cursors WHERE source = ? ORDER BY partition", source);
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return cursors;
    cursors.push_back({row.String(0), row.String(1)});
  }
}

absl::Status StoreCheckpoint::Commit(const CommitRequest& request) {
  if (writer_ == nullptr)
    return absl::FailedPreconditionError("this checkpoint was opened for reading; write with Store::Open()");
  const Writer::Call call(*writer_);
  const bool with_records = writer_->db().in_transaction();
  RAGPIPE_RETURN_IF_ERROR(writer_->Begin());
  absl::Status status = Apply(writer_->db(), request);
  if (status.ok()) {
    status = writer_->Commit();
  } else {
    status = writer_->Fail(status);
  }
  if (!status.ok() && !with_records) writer_->Rollback();  // nothing but this call is lost: it may be tried again
  return status;
}

absl::StatusOr<std::optional<Recipe>> StoreCheckpoint::LoadRecipe() {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  return ReadRecipe(reader->db, kLedgerRecipe);
}

absl::Status StoreCheckpoint::FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                                          std::vector<std::optional<LedgerEntry>>& out) {
  out.assign(document_ids.size(), std::nullopt);
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  RAGPIPE_ASSIGN_OR_RETURN(const ReadTransaction snapshot, ReadTransaction::Begin(reader->db));
  for (std::size_t i = 0; i < document_ids.size(); ++i) {
    Statement row = reader->db.Query(
        "SELECT version_token, version_ordinal, content_hash, chunks, deleted_at, absent_since FROM ledger"
        " WHERE source = ? AND document_id = ?",
        source, document_ids[i]);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) continue;
    LedgerEntry& entry = out[i].emplace();
    entry.document_id = document_ids[i];
    entry.version = {row.String(0), DecodeOrdinal(row.OptionalInt(1))};
    entry.content_hash = row.Bytes(2);
    RAGPIPE_ASSIGN_OR_RETURN(entry.chunks, DecodeChunks(row.Bytes(3)));
    entry.deleted_at = DecodeOptionalTime(row.OptionalInt(4));
    entry.absent_since = DecodeOptionalTime(row.OptionalInt(5));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> StoreCheckpoint::ListDocuments(std::string_view source, std::string_view after,
                                                                        std::size_t limit) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  std::vector<std::string> documents;
  Statement row = reader->db.Query(
      "SELECT document_id FROM ledger WHERE source = ? AND document_id > ? AND deleted_at IS NULL"
      " ORDER BY document_id LIMIT ?",
      source, after, ToSqlLimit(limit));
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return documents;
    documents.push_back(row.String(0));
  }
}

absl::StatusOr<std::vector<DeadLetter>> StoreCheckpoint::ListDeadLetters(std::string_view source, std::string_view after,
                                                                         std::size_t limit) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  std::vector<DeadLetter> letters;
  Statement row = reader->db.Query(
      "SELECT document_id, version_token, version_ordinal, partition, stage, code, message, attempts, first_failure, "
      "last_failure,"
      " document, is_delete, next_attempt FROM dead_letters WHERE source = ? AND document_id > ? ORDER BY document_id LIMIT ?",
      source, after, ToSqlLimit(limit));
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return letters;
    RAGPIPE_ASSIGN_OR_RETURN(DeadLetter letter, ReadDeadLetter(row));
    letters.push_back(std::move(letter));
  }
}

}  // namespace ragpipe::sqlite
