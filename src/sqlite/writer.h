#pragma once

#include <absl/status/status.h>

#include <exception>
#include <mutex>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// The one connection that writes, and the transaction that sink and checkpoint share: the first write opens it, the
/// checkpoint's commit ends it. Everything that commits, and so every checkpoint of the write-ahead log, happens here.
/// Threading: within a Call only.
class Writer {
 public:
  explicit Writer(Database db) : db_(std::move(db)) {}

  /// A call that writes, from its first to its last step. An exception that leaves it, which is memory that ran out, leaves
  /// half of something in the transaction: the next Begin() or StartOver() drops that before anything else.
  class Call {
   public:
    explicit Call(Writer& writer) : lock_(writer.mutex_), writer_(writer), exceptions_(std::uncaught_exceptions()) {}
    ~Call() { writer_.interrupted_ = writer_.interrupted_ || std::uncaught_exceptions() > exceptions_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    std::lock_guard<std::mutex> lock_;
    Writer& writer_;
    const int exceptions_;
  };

  Database& db() { return db_; }

  /// Drops what is unfinished and forgets a failure, but for two. After a failed sync the system may take pages that never
  /// reached the disk for clean, and the next sync succeeds without them; without memory FTS5 (of SQLite 3.40) may keep wrong
  /// totals of its words past the rollback. From then on this and Begin() are kFailedPrecondition.
  absl::Status StartOver();

  /// Opens the transaction unless it is open. After Fail() it returns that error: nothing may be committed on top of writes
  /// that are gone.
  absl::Status Begin();

  /// Makes the transaction durable, or fails as Fail() does.
  absl::Status Commit();

  /// Drops the transaction, if any, and forgets a failure.
  void Rollback();

  /// Drops the transaction and keeps the error for Begin(). Returns it with a code that neither asks for a retry nor blames a
  /// document: what was lost with the transaction is more than the call that failed.
  absl::Status Fail(const absl::Status& error);

 private:
  Database db_;
  std::mutex mutex_;
  bool interrupted_ = false;
  absl::Status failure_;
  absl::Status unusable_;
};

}  // namespace ragpipe::sqlite
