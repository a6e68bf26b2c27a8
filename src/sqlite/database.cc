#include "sqlite/database.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace ragpipe::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // only the moments when another process recovers or closes the file are ever waited for

absl::Status ToStatus(sqlite3* db, int code, const std::string& path) {
  const int extended = db != nullptr && (sqlite3_errcode(db) & 0xff) == (code & 0xff) ? sqlite3_extended_errcode(db) : code;
  const std::string detail =
      fmt::format("{} (SQLite result {})", db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code), extended);
  switch (code & 0xff) {
    case SQLITE_OK:
      return absl::OkStatus();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(fmt::format("'{}' is locked by another program: {}", path, detail));
    case SQLITE_FULL:
      return absl::FailedPreconditionError(
          fmt::format("no space left for '{}': {}. Free space and run again; the index holds the last commit", path, detail));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(fmt::format(
          "'{}' is damaged or no database: {}. Restore it from a backup, or delete it and ingest anew", path, detail));
    case SQLITE_READONLY:
      // Our files have a rollback journal until they have a write-ahead log, and that comes before the first table.
      if (extended == SQLITE_READONLY_ROLLBACK) {
        return absl::NotFoundError(
            fmt::format("'{}' was left unfinished by a writer that died when it created it: nothing was ever ingested", path));
      }
      [[fallthrough]];
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return absl::FailedPreconditionError(fmt::format(
          "'{}' cannot be opened or written: {}. The file and its folder need read and write permission, for readers too", path,
          detail));
    case SQLITE_TOOBIG:
      return absl::InvalidArgumentError(fmt::format("too long a value for '{}': {}", path, detail));
    case SQLITE_IOERR:
      return absl::InternalError(fmt::format(
          "input or output failed on '{}': {}. Look for a quota, a limit on file sizes or a failing disk", path, detail));
    default:
      return absl::InternalError(fmt::format("'{}': {}", path, detail));
  }
}

}  // namespace

absl::StatusOr<bool> Statement::Next() {
  if (code_ == SQLITE_OK) code_ = sqlite3_step(statement_);
  if (code_ == SQLITE_ROW) {
    code_ = SQLITE_OK;
    return true;
  }
  if (code_ == SQLITE_DONE) {
    code_ = SQLITE_OK;
    sqlite3_reset(statement_);
    return false;
  }
  return ToStatus(db_, code_, path_);
}

std::optional<std::int64_t> Statement::OptionalInt(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Int(column);
}

std::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

// A null pointer would bind NULL.
void Statement::Bind(int index, std::string_view text) {
  Keep(sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(), text.size(), nullptr, SQLITE_UTF8));
}

void Statement::Bind(int index, Blob blob) {
  Keep(sqlite3_bind_blob64(statement_, index, blob.bytes.data() == nullptr ? "" : blob.bytes.data(), blob.bytes.size(),
                           nullptr));
}

void Statement::Bind(int index, const std::optional<std::int64_t>& value) {
  Keep(value.has_value() ? sqlite3_bind_int64(statement_, index, *value) : sqlite3_bind_null(statement_, index));
}

absl::StatusOr<Database> Database::Open(const std::string& path, Access access) {
  sqlite3* handle = nullptr;
  const int flags = access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(handle, path);  // closes the handle, which is there even after most failures
  if (code != SQLITE_OK) return db.Error(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  db.CopyLogBackOnClose(false);
  return db;
}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)), statements_(std::move(other.statements_)) {
  other.statements_.clear();
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

int Database::Prepare(std::string_view sql, sqlite3_stmt*& statement) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    statement = found->second;
    return SQLITE_OK;
  }
  const int code =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_OK) statements_.emplace(sql, statement);
  return code;
}

void Database::CopyLogBackOnClose(bool on) {
  int ignored = 0;
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, &ignored);
}

absl::Status Database::Execute(const std::string& script) {
  return Error(sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr));
}

template <class Read>
absl::Status Database::ReadRow(const std::string& sql, const Read& read) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) read(Statement(db_, statement, SQLITE_OK, path_));
  absl::Status status = code == SQLITE_ROW || code == SQLITE_DONE ? absl::OkStatus() : Error(code);
  sqlite3_finalize(statement);
  return status;
}

absl::StatusOr<std::int64_t> Database::ReadInt(const std::string& sql) {
  std::int64_t value = 0;
  // Never by way of its text: without memory for that, SQLite gives 0 for an answer.
  absl::Status status = ReadRow(sql, [&value](const Statement& row) { value = row.Int(0); });
  if (!status.ok()) return status;
  return value;
}

absl::StatusOr<std::string> Database::ReadString(const std::string& sql) {
  std::string text;
  absl::Status status = ReadRow(sql, [&text](const Statement& row) { text = row.Bytes(0); });
  if (!status.ok()) return status;
  return text;
}

absl::Status Database::Error(int code) const { return ToStatus(db_, code, path_); }

absl::StatusOr<ReadTransaction> ReadTransaction::Begin(Database& db) {
  if (absl::Status status = db.Run("BEGIN"); !status.ok()) return status;
  return ReadTransaction(&db);
}

ReadTransaction::~ReadTransaction() {
  if (db_ != nullptr) db_->Run("ROLLBACK").IgnoreError();  // nothing was written
}

}  // namespace ragpipe::sqlite
