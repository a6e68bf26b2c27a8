#pragma once

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
