#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "ragpipe/checkpoint.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::sqlite {

/// One SQLite file that is sink, checkpoint and index at once: vectors, chunk texts, a full-text index, ledger, cursors,
/// recipe and dead letters. Write-ahead log, synchronous=FULL. What a pipeline writes and what it remembers move in one
/// transaction, so after a crash the file holds whole commits only; readers, in this process or another, never wait and never
/// see half a document.
/// After a failed sync, or when SQLite ran out of memory on a write, sink and checkpoint are kFailedPrecondition until the
/// store is opened again, which first makes durable what it finds; searches go on.
/// One writer at a time: it holds a lock on "PATH-lock" until closed.
/// Threading: sink() as VectorSink says, checkpoint() as Checkpoint says, both from one pipeline at a time; index() from any.
/// Lifetime:  the three parts are valid until the store is destroyed or assigned to; moving it keeps them valid.
class RAGPIPE_EXPORT Store {
 public:
  /// Opens the file for writing, creating it (not its folder).
  /// Errors: kUnavailable, at once, when another store holds the lock, here or in another process; kFailedPrecondition for a
  /// file of a newer ragpipe, of another application, or read-only; kDataLoss for one that is no database or is damaged;
  /// kNotFound when the folder does not exist.
  static absl::StatusOr<Store> Open(const std::string& path);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  VectorSink& sink();
  Checkpoint& checkpoint();
  Index& index();

  /// Leaves no byte of what was deleted or replaced in the files of the store, and gives its space back to the file system:
  /// texts, headings, metadata, vectors, ids and dead letters. Until then the file, its log and the full-text index keep some
  /// of them, where no search finds them. A tombstone's id and version stay for PipelineOptions::tombstone_horizon. What a
  /// file system, a device or a backup keeps of files of before is not ragpipe's to erase.
  /// Reads and writes the whole index once, as it were: call it after deletions that must reach the bytes, not after each run.
  /// Needs the size of the file as free space beside it, and again in SQLITE_TMPDIR or /var/tmp. Searches go on; a pipeline's
  /// writes wait. A kill or an error leaves an index that answers as before; call it again.
  /// Errors: kFailedPrecondition between the first write of a run and its commit, and without space; kUnavailable, after five
  /// seconds, while a reader, here or in another process, holds a snapshot of before; else as Checkpoint::Commit().
  absl::Status Compact();

 private:
  friend class Generations;
  class Impl;

  /// Finds vectors in the store at `vectors_from`, too, where it is of the same embedder.
  static absl::StatusOr<Store> Open(const std::string& path, const std::string& vectors_from);

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

/// Opens the file for searching only, in any number of processes, also while a Store writes it. It must exist.
/// Errors: as Store::Open(), without the lock.
RAGPIPE_EXPORT absl::StatusOr<std::unique_ptr<Index>> OpenIndex(const std::string& path);

/// Reads ledger, cursors and dead letters of the file, as Checkpoint; Commit() is kFailedPrecondition. Errors as OpenIndex().
RAGPIPE_EXPORT absl::StatusOr<std::unique_ptr<Checkpoint>> OpenCheckpoint(const std::string& path);

}  // namespace ragpipe::sqlite
