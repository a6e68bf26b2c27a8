// The last step: Flush, then one Commit of cursors, ledger entries and dead letters, then the tasks are retired.
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "engine/writing.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/observer.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

LedgerEntry ToLedgerEntry(const Task& task) {
  LedgerEntry entry;
  if (task.outcome == Outcome::kUnchanged) {
    entry = *task.known;
    entry.version = task.document.id.empty() ? task.change.version : task.document.version;
    return entry;
  }
  entry.document_id = task.change.document_id;
  entry.version = task.document.version;
  entry.content_hash = task.content_hash;
  entry.chunks.reserve(task.chunks.size());
  for (const PlannedChunk& chunk : task.chunks) entry.chunks.push_back(chunk.keys);
  return entry;
}

DeadLetter ToDeadLetter(Task& task, absl::Time now) {
  DeadLetter letter;
  letter.document_id = task.change.document_id;
  letter.version = task.change.version;
  letter.partition = task.change.partition;
  letter.stage = task.failed_stage;
  letter.reason = Rebuilt(task.failure);
  letter.first_failure = now;
  letter.last_failure = now;
  if (task.change.document.has_value()) letter.document = std::move(task.change.document);
  if (task.came_with_body) letter.document = std::move(task.document);
  return letter;
}

}  // namespace

absl::Status Writer::Commit() {
  RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kCommit, "VectorSink::Flush", [this] { return state_.stages.sink.Flush(); }));

  std::vector<LedgerEntry> entries;
  std::vector<DeadLetter> dead_letters;
  std::vector<std::string> forgotten;
  std::vector<PartitionCursor> cursors;
  {
    MutexLock lock(state_.mutex);
    for (const TaskPtr& task : uncommitted_) state_.frontier.Finish(task->change.partition, task->position);
    cursors = state_.frontier.TakeMoved();
    forgotten = std::exchange(state_.gone_dead_letters, {});
  }
  const absl::Time now = state_.clock.Now();
  for (const TaskPtr& task : uncommitted_) {
    if (task->outcome == Outcome::kFailed) {
      dead_letters.push_back(ToDeadLetter(*task, now));
    } else if (task->outcome == Outcome::kDeleted) {
      forgotten.push_back(task->change.document_id);
    } else {
      entries.push_back(ToLedgerEntry(*task));
    }
  }
  CommitRequest request;
  request.source = state_.source_name;
  request.cursors = cursors;
  request.entries = entries;
  request.forgotten = forgotten;
  request.dead_letters = dead_letters;
  RAGPIPE_RETURN_IF_ERROR(
      state_.CallHost(Stage::kCommit, "Checkpoint::Commit", [&] { return state_.stages.checkpoint.Commit(request); }));

  RetireCommitted();
  if (!cursors.empty()) Acknowledge(cursors);
  for (const DeadLetter& letter : dead_letters) {
    state_.Observe([&letter](Observer& observer) { observer.OnDeadLetter(letter); });
  }
  const RunReport so_far = state_.Snapshot();
  state_.Observe([&so_far](Observer& observer) { observer.OnProgress(so_far); });
  return absl::OkStatus();
}

void Writer::RetireCommitted() {
  MutexLock lock(state_.mutex);
  ++state_.report.commits;
  state_.report.watermark = state_.frontier.watermark();
  for (const TaskPtr& task : uncommitted_) {
    if (task->outcome == Outcome::kFailed) {
      state_.AddProblem(fmt::format("document '{}' was set aside: {}", task->change.document_id, task->failure.ToString()));
    }
    state_.Settle(*task, task->outcome);
    state_.EndTurn(*task);
  }
  uncommitted_.clear();
  uncommitted_bytes_ = 0;
  oldest_uncommitted_ = absl::InfiniteFuture();
}

void Writer::Acknowledge(std::span<const PartitionCursor> cursors) {
  // The commit stands whatever becomes of the acknowledgement: the next one covers it, or the source sends again.
  const absl::Status status =
      state_.CallHost(Stage::kCommit, "ChangeStream::Acknowledge", [&] { return state_.stream->Acknowledge(cursors); });
  if (status.ok()) return;
  MutexLock lock(state_.mutex);
  state_.AddProblem(fmt::format("the source did not take the acknowledgement: {}", std::string(status.message())));
}

}  // namespace ragpipe::internal
