#pragma once

#include <absl/time/time.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/state.h"
#include "engine/task.h"
#include "ragpipe/ledger.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

/// What the ledger says about a change before its body is read.
enum class Judgement {
  kProcess,
  kUnchanged,   ///< the index holds exactly this version, or as little of the document as the change leaves
  kNewVersion,  ///< the same under another ordinal: only the ledger moves
  kStale,       ///< the index holds, or a dead letter keeps, something newer, or the document was deleted since
};

/// What a change of a document that the index does not hold is, which the ledger may remember as deleted.
inline Judgement JudgeWithoutRecords(const Change& change, const std::optional<LedgerEntry>& tombstone) {
  const bool is_delete = change.kind == Change::Kind::kDelete;
  const std::optional<std::uint64_t> is = change.version.ordinal;
  if (!is.has_value()) return is_delete ? Judgement::kUnchanged : Judgement::kProcess;
  const std::optional<std::uint64_t> was = tombstone.has_value() ? tombstone->version.ordinal : std::nullopt;
  if (was.has_value() && *is <= *was) return is_delete && *is == *was ? Judgement::kUnchanged : Judgement::kStale;
  return is_delete ? Judgement::kNewVersion : Judgement::kProcess;  // of a deletion: its tombstone
}

inline Judgement Judge(const Change& change, const std::optional<LedgerEntry>& known) {
  if (!known.has_value() || known->deleted_at.has_value()) return JudgeWithoutRecords(change, known);
  const Version& was = known->version;
  const Version& is = change.version;
  if (IsOlder(is.ordinal, was.ordinal)) return Judgement::kStale;
  if (change.kind == Change::Kind::kDelete || is.token.empty() || is.token != was.token) return Judgement::kProcess;
  return is.ordinal == was.ordinal ? Judgement::kUnchanged : Judgement::kNewVersion;
}

/// Judges a task whose `known` was looked up. False = that is all there was to do, and the task is retired. The task must
/// be counted in State::in_flight.
inline bool JudgeTask(State& state, Task& task) RAGPIPE_REQUIRES(state.mutex) {
  task.judged = true;
  const bool is_delete = task.change.kind == Change::Kind::kDelete;
  Judgement judgement = Judgement::kProcess;
  if (state.has_ledger) judgement = Judge(task.change, task.known);
  if (task.known.has_value() && task.known->deleted_at.has_value()) task.known.reset();  // a tombstone holds no records
  const bool was_absent = task.known.has_value() && task.known->absent_since.has_value();
  if (was_absent) task.known->absent_since.reset();
  const KnownLetter* const letter = state.FindLetter(task.change.document_id);
  if (letter != nullptr && IsOlder(task.change.version.ordinal, letter->ordinal)) judgement = Judgement::kStale;
  switch (judgement) {
    case Judgement::kUnchanged:
      if (was_absent || letter != nullptr) {
        task.outcome = Outcome::kUnchanged;  // that clears the mark, and the dead letter
        return true;
      }
      state.Retire(task, Outcome::kUnchanged);
      return false;
    case Judgement::kStale:
      if (task.origin == Origin::kDeadLetter) {
        state.DropLetter(task.change.document_id);  // the index has moved past it
      } else if (task.change.updated_at != absl::InfinitePast()) {
        absl::Duration& lateness = state.report.max_lateness;
        lateness = std::max(lateness, state.clock.Now() - task.change.updated_at);
      }
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
