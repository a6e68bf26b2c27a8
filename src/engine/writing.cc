#include "engine/writing.h"

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "engine/free_memory.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/retry.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kTasksPerWrite = 256;
constexpr std::size_t kBytesPerWrite = std::size_t{8} << 20;

/// The records of one task, alive while the sink reads them.
struct Records {
  std::vector<Record> upserts;
  std::vector<Record> patches;
};

DocumentWrite ToDocumentWrite(const State& state, Task& task, Records& records) {
  DocumentWrite write;
  write.source = state.source_name;
  write.document_id = task.change.document_id;
  write.replace_all = !task.known.has_value() || task.known->is_in_doubt();
  if (task.outcome == Outcome::kDeleted) {
    write.version = task.change.version;
    write.updated_at = task.change.updated_at;
    if (task.known.has_value()) {
      task.deletes.assign(task.known->chunks.size(), {});
      std::transform(task.known->chunks.begin(), task.known->chunks.end(), task.deletes.begin(),
                     [](const LedgerChunk& chunk) { return std::string_view(chunk.record_id); });
    }
    write.deletes = task.deletes;
    return write;
  }
  write.version = task.document.version;
  write.updated_at = task.document.updated_at;
  write.media_type = task.document.media_type;
  write.metadata = &task.document.metadata;
  for (const PlannedChunk& chunk : task.chunks) {
    if (chunk.action == PlannedChunk::Action::kKeep) continue;
    Record record;
    record.id = chunk.keys.record_id;
    record.text_key = chunk.keys.text_key;
    record.text = StoredText(chunk.chunk, task.document);
    record.position = chunk.position;
    record.chunk = &chunk.chunk;
    if (chunk.action == PlannedChunk::Action::kPatch) {
      records.patches.push_back(record);
    } else {
      record.vector = std::span<const float>(task.vectors).subspan(chunk.row * state.dimension, state.dimension);
      records.upserts.push_back(record);
    }
  }
  write.upserts = records.upserts;
  write.patches = records.patches;
  write.deletes = task.deletes;
  return write;
}

}  // namespace

LedgerEntry InDoubt(const Task& task) {
  LedgerEntry entry;
  entry.document_id = task.change.document_id;
  if (task.known.has_value()) entry.version.ordinal = task.known->version.ordinal;  // the fence stays
  return entry;
}

void Writer::Run() {
  std::vector<TaskPtr> tasks;
  absl::Status status;
  while (status.ok()) {
    tasks.clear();
    const Reason reason = WaitForWork(tasks);
    if (reason == Reason::kFinished) break;
    status = reason == Reason::kCommitIsDue ? Commit() : Write(tasks);
  }
  if (!status.ok()) state_.Abort(Rebuilt(status));  // what the sink holds since the last commit is not to be trusted
  {
    MutexLock lock(state_.mutex);
    state_.writer_works = false;
    state_.finished = true;
  }
  state_.WakeAll();
}

bool Writer::HasUncommitted() const {
  return !uncommitted_.empty() || state_.frontier.HasMoved() || !state_.dropped_letters.empty();
}

bool Writer::IsCommitDue(absl::Time now) const {
  if (uncommitted_.size() >= state_.options.commit_documents || uncommitted_bytes_ >= state_.options.commit_bytes) return true;
  if (now >= oldest_uncommitted_ + state_.options.commit_interval) return true;
  return state_.to_write.empty() &&
         (state_.phase == State::Phase::kAborting ? state_.workers_alive == 0 : state_.IsQuietBeforeWriting());
}

Writer::Reason Writer::WaitForWork(std::vector<TaskPtr>& tasks) {
  MutexLock lock(state_.mutex);
  state_.writer_works = false;
  if (state_.reader_awaits_writer) state_.reader_wakes.NotifyOne();
  auto begin = [this](Reason reason) RAGPIPE_REQUIRES(state_.mutex) {
    state_.writer_works = true;
    return reason;
  };
  while (true) {
    while (state_.is_out_of_time && !state_.to_write.empty()) {
      state_.Drop(*state_.to_write.front());
      state_.to_write.pop_front();
    }
    if (HasUncommitted()) {
      const absl::Time now = state_.clock.Now();
      oldest_uncommitted_ = std::min(oldest_uncommitted_, now);
      if (IsCommitDue(now)) {
        SetLostAside();
        return begin(Reason::kCommitIsDue);
      }
    }
    std::size_t bytes = 0;
    while (!state_.to_write.empty() && tasks.size() < kTasksPerWrite && bytes < kBytesPerWrite) {
      bytes += state_.to_write.front()->charged_bytes;
      tasks.push_back(std::move(state_.to_write.front()));
      state_.to_write.pop_front();
      if (state_.IsLost(*tasks.back())) {
        state_.Drop(*tasks.back());
        state_.EndTurn(*tasks.back());
        tasks.pop_back();
      }
    }
    if (!tasks.empty()) return begin(Reason::kMoreToWrite);
    const bool is_over =
        state_.phase == State::Phase::kAborting ? state_.workers_alive == 0 : state_.reader_done && state_.in_flight == 0;
    if (is_over && !HasUncommitted()) return Reason::kFinished;
    const absl::Time deadline =
        HasUncommitted() ? oldest_uncommitted_ + state_.options.commit_interval : absl::InfiniteFuture();
    state_.writer_wakes.WaitUntil(lock, state_.clock, deadline);
  }
}

absl::Status Writer::Write(std::span<const TaskPtr> tasks) {
  std::vector<TaskPtr> to_write;
  std::copy_if(tasks.begin(), tasks.end(), std::back_inserter(to_write), [](const TaskPtr& task) { return NeedsWrite(*task); });
  if (!to_write.empty()) {
    if (state_.marks_writes) RAGPIPE_RETURN_IF_ERROR(Mark(to_write));
    RAGPIPE_RETURN_IF_ERROR(WritePart(to_write));
  }
  std::size_t largest = 0;
  for (const TaskPtr& task : tasks) {
    largest = std::max(largest, task->document.text.size());
    uncommitted_bytes_ += task->charged_bytes;
    uncommitted_.push_back(task);
    if (task->outcome != Outcome::kFailed) task->Shed();
  }
  ReturnFreeMemory(largest);
  MutexLock lock(state_.mutex);
  for (const TaskPtr& task : tasks) state_.Charge(*task, std::min(task->charged_bytes, task->Bytes()));
  state_.reader_wakes.NotifyOne();
  return absl::OkStatus();
}

absl::Status Writer::Mark(std::span<const TaskPtr> tasks) {
  std::vector<LedgerEntry> entries;
  entries.reserve(tasks.size());
  for (const TaskPtr& task : tasks) entries.push_back(InDoubt(*task));
  CommitRequest request;
  request.source = state_.source_name;
  request.entries = entries;
  return state_.CallHost(Stage::kCommit, "Checkpoint::Commit", [&] { return state_.stages.checkpoint.Commit(request); });
}

absl::Status Writer::WritePart(std::span<const TaskPtr> tasks) {
  std::vector<Records> records(tasks.size());
  std::vector<DocumentWrite> writes;
  writes.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) writes.push_back(ToDocumentWrite(state_, *tasks[i], records[i]));
  absl::Status status = state_.CallHost(Stage::kWrite, "VectorSink::Write", [&] { return state_.stages.sink.Write(writes); });
  if (status.ok() || !IsBadItem(status)) return status;
  if (tasks.size() == 1) {
    tasks.front()->Fail(Stage::kWrite, std::move(status));
    return absl::OkStatus();
  }
  const std::size_t middle = tasks.size() / 2;
  RAGPIPE_RETURN_IF_ERROR(WritePart(tasks.first(middle)));
  return WritePart(tasks.subspan(middle));
}

}  // namespace ragpipe::internal
