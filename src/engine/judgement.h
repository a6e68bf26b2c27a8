#pragma once

#include "engine/state.h"
#include "engine/task.h"
#include "ragpipe/ledger.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

/// What the ledger says about a change before its body is read.
enum class Judgement {
  kProcess,
  kUnchanged,   ///< the index holds exactly this version
  kNewVersion,  ///< the index holds this content under another ordinal: only the ledger moves
  kStale,       ///< the index holds something newer
};

/// `known` is null when the ledger does not know the document.
inline Judgement Judge(const Change& change, const LedgerEntry* known) {
  if (known == nullptr) return change.kind == Change::Kind::kDelete ? Judgement::kUnchanged : Judgement::kProcess;
  const Version& was = known->version;
  const Version& is = change.version;
  if (was.ordinal.has_value() && is.ordinal.has_value() && *is.ordinal < *was.ordinal) return Judgement::kStale;
  if (change.kind == Change::Kind::kDelete || is.token.empty() || is.token != was.token) return Judgement::kProcess;
  return is.ordinal == was.ordinal ? Judgement::kUnchanged : Judgement::kNewVersion;
}

/// Judges a task whose `known` was looked up. False = that is all there was to do, and the task is retired. The task must
/// be counted in State::in_flight.
inline bool JudgeTask(State& state, Task& task) RAGPIPE_REQUIRES(state.mutex) {
  task.judged = true;
  const bool is_delete = task.change.kind == Change::Kind::kDelete;
  Judgement judgement = Judgement::kProcess;
  if (state.has_ledger) judgement = Judge(task.change, task.known.has_value() ? &*task.known : nullptr);
  switch (judgement) {
    case Judgement::kUnchanged:
      if (state.HasLetter(task.change.document_id)) {
        // The source went back to what the index holds, or deleted what it never held: that clears the dead letter.
        task.outcome = task.known.has_value() ? Outcome::kUnchanged : Outcome::kDeleted;
        return true;
      }
      state.Retire(task, Outcome::kUnchanged);
      return false;
    case Judgement::kStale:
      if (task.is_retry) state.DropLetter(task.change.document_id);  // the index has moved past it
      state.Retire(task, Outcome::kStale);
      return false;
    case Judgement::kNewVersion:
      task.outcome = Outcome::kUnchanged;
      return true;
    case Judgement::kProcess:
      break;
  }
  task.outcome = is_delete ? Outcome::kDeleted : Outcome::kProcessed;
  return true;
}

}  // namespace ragpipe::internal
