#include "engine/chunking.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "core/fingerprint.h"
#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "engine/diff.h"
#include "engine/free_memory.h"
#include "engine/intake.h"
#include "engine/judgement.h"
#include "engine/validation.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/retry.h"

namespace ragpipe::internal {
namespace {

/// A code that stops one document, not the run: the call was about nothing but this document.
bool IsBadDocument(const absl::Status& status) { return IsBadItem(status) || status.code() == absl::StatusCode::kInternal; }

/// Calls what reads or divides one document. Where memory runs out in it, the moment is to blame, not the document. Not for
/// calls with a memory of their own, such as ChangeStream::Next(): these may have lost their place.
template <class F>
absl::Status SparingMemory(const F& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("memory ran out");
  }
}

/// So many documents in a row that cannot be read are no longer each one's own trouble.
constexpr int kDocumentsOfOutage = 16;

std::string NameOf(const Task& task) { return "document '" + Printable(task.change.document_id, kMaxPrintedIdBytes) + "'"; }

/// Where a task goes after this step.
enum class Next {
  kOn,       // to the embedder or the writer
  kRetired,  // it ended here
};

class ChunkWorker {
 public:
  ChunkWorker(State& state, ChangeStream& stream) : state_(state), stream_(stream) {}

  void Run() {
    while (TaskPtr task = Take()) {
      const absl::StatusOr<Next> next = Work(*task);
      if (!next.ok()) {
        if (!state_.IsAborting()) state_.Abort(Rebuilt(next.status()));
      } else if (*next == Next::kOn) {
        HandOn(std::move(task));
      }
      Done();
    }
  }

 private:
  TaskPtr Take() {
    MutexLock lock(state_.mutex);
    while (true) {
      while (state_.to_load.empty() && !state_.finished && state_.phase != State::Phase::kAborting) {
        state_.loaders_wake.Wait(lock);
      }
      if (state_.finished || state_.phase == State::Phase::kAborting) return nullptr;
      TaskPtr task = std::move(state_.to_load.front());
      state_.to_load.pop_front();
      if (!state_.IsLost(*task)) {
        ++state_.loading;
        return task;
      }
      state_.Drop(*task);
      state_.EndTurn(*task);
      if (state_.to_load.empty() && state_.loading == 0) state_.WakeDownstream();
    }
  }

  void Done() {
    MutexLock lock(state_.mutex);
    --state_.loading;
    if (state_.to_load.empty() && state_.loading == 0) state_.WakeDownstream();
  }

  /// An error ends the run; what is wrong with the document alone is in the task.
  absl::StatusOr<Next> Work(Task& task) {
    if (!task.judged) {
      RAGPIPE_RETURN_IF_ERROR(FindKnown(task));
      MutexLock lock(state_.mutex);
      if (!JudgeTask(state_, task)) {
        state_.EndTurn(task);
        return Next::kRetired;
      }
      if (task.outcome != Outcome::kProcessed) return Next::kOn;
    }
    RAGPIPE_ASSIGN_OR_RETURN(const bool exists, Load(task));
    if (!exists) return Next::kRetired;
    if (task.outcome != Outcome::kProcessed) return Next::kOn;
    RAGPIPE_RETURN_IF_ERROR(ApplySchema(task));
    if (task.outcome != Outcome::kProcessed) return Next::kOn;
    if (absl::Status status = CheckDocument(task.document, task.change.document_id, state_.options.max_document_bytes);
        !status.ok()) {
      task.Fail(Stage::kLoad, std::move(status));
      return Next::kOn;
    }
    task.content_hash =
        Fingerprint().Add(task.document.text).Add(task.document.media_type).Add(task.document.metadata).Digest();
    if (task.known.has_value() && task.known->content_hash == task.content_hash) {
      task.outcome = Outcome::kUnchanged;
      return Next::kOn;
    }
    RAGPIPE_RETURN_IF_ERROR(Split(task));
    ReturnFreeMemory(task.document.text.size());
    return Next::kOn;
  }

  absl::Status FindKnown(Task& task) {
    if (!state_.has_ledger) return absl::OkStatus();
    const std::string_view id = task.change.document_id;
    std::vector<std::optional<LedgerEntry>> found;
    RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kRead, "Checkpoint::FindEntries", [&] {
      return state_.stages.checkpoint.FindEntries(state_.source_name, {&id, 1}, found);
    }));
    if (!found.empty()) task.known = std::move(found.front());
    return absl::OkStatus();
  }

  /// False = the document has gone since it was listed, and the task is retired. A dead letter's then becomes a deletion.
  absl::StatusOr<bool> Load(Task& task) {
    if (task.change.document.has_value()) {
      task.document = std::move(*task.change.document);
      task.change.document.reset();
      task.came_with_body = true;
    } else {
      ReturnFreeMemory(task.change.size_hint);
      absl::StatusOr<Document> loaded = absl::InternalError("not loaded");
      const absl::Status status = state_.CallHost(Stage::kLoad, "ChangeStream::Load", [&] {
        return SparingMemory([&] {
          loaded = stream_.Load(task.change);
          return loaded.status();
        });
      });
      if (absl::IsNotFound(status)) {
        MutexLock lock(state_.mutex);
        if (task.origin == Origin::kDeadLetter) {  // nothing else will tell that it is gone
          task.outcome = Outcome::kDeleted;
          return true;
        }
        state_.listed.erase(HashOfId(task.change.document_id));  // a complete listing may now delete it
        state_.Retire(task, Outcome::kSuperseded);
        state_.EndTurn(task);
        return false;
      }
      if (!IsOfDocumentAlone(status, task)) return Annotated(NameOf(task), status);
      if (!status.ok()) {
        task.Fail(Stage::kLoad, status);
        return true;
      }
      task.document = *std::move(loaded);
    }
    if (task.document.version == Version{}) task.document.version = task.change.version;
    if (task.document.updated_at == absl::InfinitePast()) task.document.updated_at = task.change.updated_at;
    MutexLock lock(state_.mutex);
    state_.report.bytes.read += task.document.text.size();
    return true;
  }

  /// Before anything looks at the metadata: what is discarded cannot be wrong, and does not make another version.
  absl::Status ApplySchema(Task& task) {
    if (state_.schema.asks_nothing()) return absl::OkStatus();
    RunReport::Fields found;
    const absl::Status status = state_.schema.Apply(task.document.metadata, found);
    {
      MutexLock lock(state_.mutex);
      AddFields(found, state_.report.fields);
    }
    if (absl::IsFailedPrecondition(status)) return Annotated(NameOf(task), status);
    if (!status.ok()) task.Fail(Stage::kLoad, status);
    return absl::OkStatus();
  }

  absl::Status Split(Task& task) {
    absl::StatusOr<std::vector<Chunk>> chunks = absl::InternalError("not split");
    absl::Status status = state_.CallHost(Stage::kChunk, "Chunker::Split", [&] {
      return SparingMemory([&] {
        chunks = state_.stages.chunker.Split(task.document);
        return chunks.ok() ? CheckChunks(task.document, *chunks) : chunks.status();
      });
    });
    if (status.ok()) return PlanChunks(state_, *std::move(chunks), task);
    if (!IsOfDocumentAlone(status, task)) return Annotated(NameOf(task), status);
    task.Fail(Stage::kChunk, std::move(status));
    return absl::OkStatus();
  }

  /// Whether the run goes on after a call that was about nothing but this document.
  bool IsOfDocumentAlone(const absl::Status& status, const Task& task) {
    MutexLock lock(state_.mutex);
    if (!IsTransient(status)) {
      state_.given_up_in_a_row = 0;
      // A dead letter may be one because its source has no Load(); a replay must not stop at it.
      return status.ok() || IsBadDocument(status) || (task.origin == Origin::kDeadLetter && !absl::IsCancelled(status));
    }
    return ++state_.given_up_in_a_row < kDocumentsOfOutage;
  }

  void HandOn(TaskPtr task) {
    const std::size_t bytes = task->Bytes();
    MutexLock lock(state_.mutex);
    state_.Charge(*task, bytes);
    if (task->outcome == Outcome::kProcessed) {
      state_.planned_bodies += task->document.text.size();
      state_.planned_bytes += bytes - std::min(bytes, state_.LeastBytes());
      QueueTexts(task);
    }
    if (task->awaited_rows == 0 || task->outcome != Outcome::kProcessed) {
      state_.to_write.push_back(std::move(task));
      state_.writer_wakes.NotifyOne();
    } else {
      state_.embedders_wake.NotifyOne();
    }
  }

  void QueueTexts(const TaskPtr& task) RAGPIPE_REQUIRES(state_.mutex) {
    for (std::size_t i = 0; i < task->chunks.size(); ++i) {
      const PlannedChunk& chunk = task->chunks[i];
      if (chunk.action != PlannedChunk::Action::kEmbed) continue;
      state_.to_embed.push_back(
          {task, chunk.row, i, chunk.embedded_text, chunk.chunk.tokens, chunk.chunk.tokens_are_estimated});
      state_.embed_bytes += chunk.embedded_text.size();
      state_.embed_tokens += chunk.chunk.tokens;
      ++task->awaited_rows;
    }
  }

  State& state_;
  ChangeStream& stream_;
};

}  // namespace

void RunChunkWorker(State& state, ChangeStream& stream) { ChunkWorker(state, stream).Run(); }

}  // namespace ragpipe::internal
