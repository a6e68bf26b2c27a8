#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "engine/state.h"
#include "engine/task.h"
#include "ragpipe/ledger.h"

namespace ragpipe::internal {

/// Whether the sink is told of a task.
inline bool NeedsWrite(const Task& task) { return task.outcome == Outcome::kProcessed || task.outcome == Outcome::kDeleted; }

/// What the ledger says of a document that was written, or is about to be, and not committed.
LedgerEntry InDoubt(const Task& task);

/// The last two steps, on one thread: writes whole documents to the sink, and commits by time and size, always in the order
/// Write, Flush, Commit.
class Writer {
 public:
  explicit Writer(State& state) : state_(state) {}

  /// The body of the thread. Returns when everything is committed or the run was aborted.
  void Run();

 private:
  enum class Reason { kMoreToWrite, kCommitIsDue, kFinished };

  Reason WaitForWork(std::vector<TaskPtr>& tasks);
  bool HasUncommitted() const RAGPIPE_REQUIRES(state_.mutex);
  bool IsCommitDue(absl::Time now) const RAGPIPE_REQUIRES(state_.mutex);

  /// Before a sink that does not share the checkpoint's transaction holds what the ledger does not know of: makes the ledger
  /// say that it does not know. Else a document that changes after a crash would be compared with what is no longer there.
  absl::Status Mark(std::span<const TaskPtr> tasks);

  /// Writes tasks to the sink; a document that the sink refuses fails alone. An error ends the run.
  absl::Status Write(std::span<const TaskPtr> tasks);
  absl::Status WritePart(std::span<const TaskPtr> tasks);

  /// Flush and Commit of everything written, then retires the tasks. In commit.cc.
  absl::Status Commit();
  /// Moves what may not be committed any more from `uncommitted_` to `lost_`.
  void SetLostAside() RAGPIPE_REQUIRES(state_.mutex);
  void Acknowledge(std::span<const PartitionCursor> cursors);
  /// Drops the failures, and ends the run, when they are too many for bad documents.
  void CheckForOutage();
  int AttemptsSoFar(std::string_view document_id) const;
  void RetireCommitted(std::span<const DeadLetter> letters);

  State& state_;
  std::vector<TaskPtr> uncommitted_;
  std::vector<TaskPtr> lost_;  // written, and not to be committed
  std::size_t uncommitted_bytes_ = 0;
  absl::Time oldest_uncommitted_ = absl::InfiniteFuture();
};

}  // namespace ragpipe::internal
