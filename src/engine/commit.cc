// The last step: Flush, then one Commit of cursors, ledger entries and dead letters, then the tasks are retired.
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "engine/redelivery.h"
#include "engine/writing.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/observer.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

bool IsDeletion(const Task& task) { return task.change.kind == Change::Kind::kDelete; }

absl::Time EventTime(const Task& task) {
  return task.change.updated_at != absl::InfinitePast() ? task.change.updated_at : task.document.updated_at;
}

LedgerEntry ToTombstone(const Task& task, absl::Time now) {
  LedgerEntry entry;
  entry.document_id = task.change.document_id;
  entry.version = task.change.version;
  entry.deleted_at = now;
  return entry;
}

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
  letter.is_delete = IsDeletion(task);
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

void Writer::CheckForOutage() {
  std::string error;
  {
    MutexLock lock(state_.mutex);
    const auto is_new = [this](const TaskPtr& task) RAGPIPE_REQUIRES(state_.mutex) {
      return task->outcome == Outcome::kFailed && state_.FindLetter(task->change.document_id) == nullptr;
    };
    const DeadLetterOptions& options = state_.options.dead_letters;
    std::uint64_t failures = state_.new_letters;
    for (const TaskPtr& task : uncommitted_) failures += is_new(task) ? 1U : 0U;
    const double percent = 100.0 * static_cast<double>(failures) / static_cast<double>(state_.report.documents.seen);
    if (failures <= options.max_failures || percent <= options.max_percent) return;
    std::string last;
    std::erase_if(uncommitted_, [&](const TaskPtr& task) RAGPIPE_REQUIRES(state_.mutex) {
      if (!is_new(task)) return false;
      last = task->failure.ToString();  // no copy of the status: two threads must not hold one
      state_.Drop(*task);
      return true;
    });
    error = fmt::format(
        "{} of {} documents failed, more than the {} and {:.0f} % that PipelineOptions::dead_letters allows: that is an "
        "outage. Those not committed yet stay pending. The last failed with: {}",
        failures, state_.report.documents.seen, options.max_failures, options.max_percent, last);
  }
  state_.Abort(absl::FailedPreconditionError(error));
}

void Writer::SetLostAside() {
  std::erase_if(uncommitted_, [this](const TaskPtr& task) RAGPIPE_REQUIRES(state_.mutex) {
    if (!state_.IsLost(*task)) return false;
    lost_.push_back(task);
    return true;
  });
}

absl::Status Writer::Commit() {
  CheckForOutage();
  RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kCommit, "VectorSink::Flush", [this] { return state_.stages.sink.Flush(); }));

  std::vector<LedgerEntry> entries;
  std::vector<DeadLetter> dead_letters;
  std::vector<std::string> forgotten;
  std::vector<std::string> dropped_letters;
  std::vector<PartitionCursor> cursors;
  {
    MutexLock lock(state_.mutex);
    const absl::Time now = state_.clock.Now();
    state_.SampleFreshness(now);
    state_.committed_until = state_.frontier.finished_until(now);
    for (const TaskPtr& task : uncommitted_) state_.Finish(*task);
    cursors = state_.frontier.TakeMoved();
    dropped_letters = std::exchange(state_.dropped_letters, {});
  }
  const absl::Time now = state_.clock.Now();
  const absl::Duration horizon = state_.options.tombstone_horizon;
  const bool keeps_tombstones = state_.has_ledger && horizon > absl::ZeroDuration();
  for (const TaskPtr& task : uncommitted_) {
    if (task->outcome == Outcome::kFailed) {
      dead_letters.push_back(ToDeadLetter(*task, now));
      dead_letters.back().next_attempt =
          NextAttempt(state_.options.dead_letters, task->failure, 1 + AttemptsSoFar(task->change.document_id), now);
    } else if (task->outcome == Outcome::kDeleted || IsDeletion(*task)) {
      if (keeps_tombstones && task->change.version.ordinal.has_value()) {
        entries.push_back(ToTombstone(*task, now));
      } else {
        forgotten.push_back(task->change.document_id);
      }
    } else {
      entries.push_back(ToLedgerEntry(*task));
    }
  }
  for (const TaskPtr& task : lost_) {  // where writes are marked, the ledger says so already
    if (NeedsWrite(*task) && state_.has_ledger && !state_.marks_writes) entries.push_back(InDoubt(*task));
  }
  CommitRequest request;
  request.source = state_.source_name;
  request.cursors = cursors;
  request.entries = entries;
  request.forgotten = forgotten;
  request.dropped_letters = dropped_letters;
  request.purge_before = now - horizon;
  request.dead_letters = dead_letters;
  RAGPIPE_RETURN_IF_ERROR(
      state_.CallHost(Stage::kCommit, "Checkpoint::Commit", [&] { return state_.stages.checkpoint.Commit(request); }));

  RetireCommitted(dead_letters);
  if (!cursors.empty()) Acknowledge(cursors);
  for (const DeadLetter& letter : dead_letters) {
    state_.Observe([&letter](Observer& observer) { observer.OnDeadLetter(letter); });
  }
  const RunReport so_far = state_.Snapshot();
  state_.Observe([&so_far](Observer& observer) { observer.OnProgress(so_far); });
  return absl::OkStatus();
}

int Writer::AttemptsSoFar(std::string_view document_id) const {
  MutexLock lock(state_.mutex);
  const KnownLetter* const letter = state_.FindLetter(document_id);
  return letter == nullptr ? 0 : letter->attempts;
}

void Writer::RetireCommitted(std::span<const DeadLetter> letters) {
  MutexLock lock(state_.mutex);
  for (const TaskPtr& task : uncommitted_) {
    if (state_.dead_letters.empty()) break;  // as nearly always
    if (task->outcome != Outcome::kFailed) state_.dead_letters.erase(HashOfId(task->change.document_id));
  }
  for (const DeadLetter& letter : letters) {
    KnownLetter& known = state_.dead_letters[HashOfId(letter.document_id)];
    if (++known.attempts == 1) ++state_.new_letters;
    known.ordinal = letter.version.ordinal;
    state_.letters_due = std::min(state_.letters_due, DueTime(state_.options.dead_letters, letter));
  }
  const absl::Time now = state_.clock.Now();
  state_.SampleFreshness(now);
  state_.committed_until.reset();
  ++state_.report.commits;
  state_.report.watermark = state_.frontier.watermark(now);
  for (const TaskPtr& task : uncommitted_) {
    if (task->outcome == Outcome::kFailed) {
      state_.AddProblem(fmt::format("document '{}' was set aside: {}", Printable(task->change.document_id, kMaxPrintedIdBytes),
                                    task->failure.ToString()));
    }
    if (const absl::Time event = EventTime(*task); NeedsWrite(*task) && event != absl::InfinitePast()) {
      state_.report.freshness.Add(now - event);
      state_.last_sample = now;
    }
    state_.Settle(*task, task->outcome);
    state_.EndTurn(*task);
  }
  for (const TaskPtr& task : lost_) {
    state_.Drop(*task);
    state_.EndTurn(*task);
  }
  lost_.clear();
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
