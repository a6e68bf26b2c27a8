#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ragpipe::sqlite {

/// Bound as BLOB; a plain string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement in use. Arguments and columns are borrowed: arguments until the statement goes, columns until the
/// next Next().
class Statement {
 public:
  template <class... Args>
  Statement(sqlite3* db, sqlite3_stmt* statement, int prepared, const std::string& path, const Args&... args)
      : db_(db), statement_(statement), code_(prepared), path_(path) {
    [[maybe_unused]] int index = 0;
    (Bind(++index, args), ...);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_reset(statement_); }

  /// True = there is a row. Reports what went wrong while preparing and binding, too.
  absl::StatusOr<bool> Next();

  std::int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  double Double(int column) const { return sqlite3_column_double(statement_, column); }
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::optional<std::int64_t> OptionalInt(int column) const;
  std::string_view Bytes(int column) const;  ///< of TEXT or BLOB
  std::string String(int column) const { return std::string(Bytes(column)); }

 private:
  void Bind(int index, std::integral auto value) {
    Keep(sqlite3_bind_int64(statement_, index, static_cast<std::int64_t>(value)));
  }
  void Bind(int index, double value) { Keep(sqlite3_bind_double(statement_, index, value)); }
  void Bind(int index, std::string_view text);
  void Bind(int index, Blob blob);
  void Bind(int index, const std::optional<std::int64_t>& value);
  void Keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }

  sqlite3* db_;
  sqlite3_stmt* statement_;
  int code_;  // the first failure
  const std::string& path_;
};

/// A connection with its prepared statements.
/// Threading: one thread at a time.
class Database {
 public:
  enum class Access { kReadWriteCreate, kReadOnly };

  static absl::StatusOr<Database> Open(const std::string& path, Access access);

  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  /// `sql` must be a literal: its statement is prepared once and kept, so the same one cannot be in use twice.
  template <class... Args>
  Statement Query(std::string_view sql, const Args&... args) {
    sqlite3_stmt* statement = nullptr;
    const int prepared = Prepare(sql, statement);
    return Statement(db_, statement, prepared, path_, args...);
  }

  /// Whether the last connection, when it closes, copies the write-ahead log back and deletes it; at first not, so that a file
  /// which is refused is left as it is.
  void CopyLogBackOnClose(bool on);

  /// Runs a statement that has no rows.
  template <class... Args>
  absl::Status Run(std::string_view sql, const Args&... args) {
    return Query(sql, args...).Next().status();
  }

  /// Runs a script without arguments, without keeping its statements.
  absl::Status Execute(const std::string& script);

  /// The first column of the first row of a statement that is not kept.
  absl::StatusOr<std::int64_t> ReadInt(const std::string& sql);
  absl::StatusOr<std::string> ReadString(const std::string& sql);

  /// The status of a result code of this connection.
  absl::Status Error(int code) const;

  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  sqlite3* handle() { return db_; }
  const std::string& path() const { return path_; }

 private:
  Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  int Prepare(std::string_view sql, sqlite3_stmt*& statement);
  template <class Read>
  absl::Status ReadRow(const std::string& sql, const Read& read);

  sqlite3* db_;
  std::string path_;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

/// A snapshot for several statements: they see the same commit.
class ReadTransaction {
 public:
  static absl::StatusOr<ReadTransaction> Begin(Database& db);
  ReadTransaction(ReadTransaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction();

 private:
  explicit ReadTransaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace ragpipe::sqlite
