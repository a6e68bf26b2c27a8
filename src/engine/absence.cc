// Deletion by absence: what a complete listing no longer names is gone, behind a guard.
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "engine/intake.h"
#include "engine/ledger_scan.h"
#include "ragpipe/ledger.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kMarkBytes = 4096;  // a task and a ledger entry

/// Calls `visit` with the ids of the ledger that the source did not list, and counts all of them.
absl::Status ForEachAbsent(State& state, std::uint64_t& known_documents,
                           absl::FunctionRef<absl::Status(std::vector<std::string>&)> visit) {
  known_documents = 0;
  return ForEachDocumentPage(state, [&](std::vector<std::string>& ids) -> absl::Status {
    known_documents += ids.size();
    {
      MutexLock lock(state.mutex);
      std::erase_if(
          ids, [&state](const std::string& id) RAGPIPE_REQUIRES(state.mutex) { return state.listed.contains(HashOfId(id)); });
    }
    return ids.empty() ? absl::OkStatus() : visit(ids);
  });
}

}  // namespace

absl::Status Intake::DeleteAbsent() {
  {
    MutexLock lock(state_.mutex);
    if (!state_.has_ledger || state_.has_holes) return absl::OkStatus();
  }
  if (!WaitForDrain()) return absl::OkStatus();

  std::uint64_t known = 0;
  std::uint64_t absent = 0;
  std::uint64_t deferred = 0;
  auto count = [&](std::vector<std::string>& ids) -> absl::Status {
    std::vector<LedgerEntry> unconfirmed;
    RAGPIPE_RETURN_IF_ERROR(TakeUnconfirmed(ids, unconfirmed));
    absent += ids.size();
    deferred += unconfirmed.size();
    return MarkAbsent(std::move(unconfirmed));
  };
  RAGPIPE_RETURN_IF_ERROR(ForEachAbsent(state_, known, count));
  const DeletionGuard& guard = state_.options.deletion_guard;
  const double percent = known == 0 ? 0 : 100.0 * static_cast<double>(absent) / static_cast<double>(known);
  {
    MutexLock lock(state_.mutex);
    if (deferred != 0) {
      state_.report.deletions_deferred += deferred;
      state_.AddProblem(
          fmt::format("{} documents are absent from a complete listing for the first time; they go when a later "
                      "run's listing lacks them, too",
                      deferred));
    }
    if (absent > guard.max_documents && percent > guard.max_percent && absent > guard.approved_deletions) {
      state_.report.deletions_refused = absent;
      state_.AddProblem(fmt::format(
          "the deletion guard refused to delete {} of {} documents ({:.0f} %) that the source no longer lists; it allows {} "
          "documents or {:.0f} %. If they are really gone, set DeletionGuard::approved_deletions to {} for one run",
          absent, known, percent, guard.max_documents, guard.max_percent, absent));
      return absl::OkStatus();
    }
  }
  auto remove = [this](std::vector<std::string>& ids) -> absl::Status {
    std::vector<LedgerEntry> unconfirmed;
    RAGPIPE_RETURN_IF_ERROR(TakeUnconfirmed(ids, unconfirmed));
    std::vector<Change> deletions(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      deletions[i].kind = Change::Kind::kDelete;
      deletions[i].document_id = std::move(ids[i]);
    }
    return AdmitChanges(deletions, Origin::kAbsence);
  };
  if (absent != 0) RAGPIPE_RETURN_IF_ERROR(ForEachAbsent(state_, known, remove));
  return ForgetAbsentDeadLetters();
}

absl::Status Intake::TakeUnconfirmed(std::vector<std::string>& ids, std::vector<LedgerEntry>& unconfirmed) {
  if (!state_.options.deletion_guard.confirm_absence) return absl::OkStatus();
  const std::vector<std::string_view> asked(ids.begin(), ids.end());
  std::vector<std::optional<LedgerEntry>> found;
  RAGPIPE_RETURN_IF_ERROR(FindEntries(asked, found));
  std::vector<std::string> confirmed;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!found[i].has_value() || marked_.contains(HashOfId(ids[i]))) continue;
    if (found[i]->absent_since.has_value()) {
      confirmed.push_back(std::move(ids[i]));
    } else {
      unconfirmed.push_back(*std::move(found[i]));
    }
  }
  ids = std::move(confirmed);
  return absl::OkStatus();
}

absl::Status Intake::MarkAbsent(std::vector<LedgerEntry> entries) {
  for (LedgerEntry& entry : entries) {
    if (!WaitForRoom(kMarkBytes)) break;
    const IdHash hash = HashOfId(entry.document_id);
    marked_.insert(hash);
    auto task = std::make_shared<Task>();
    task->change.document_id = entry.document_id;
    task->change.version = entry.version;
    task->judged = true;
    task->outcome = Outcome::kUnchanged;  // only the ledger moves
    task->known = std::move(entry);
    task->known->absent_since = state_.clock.Now();
    task->origin = Origin::kAbsence;
    Arrival arrival = Receive(std::move(task), kMarkBytes, hash);
    MutexLock lock(state_.mutex);
    state_.order.Begin(arrival.task->change.document_id);
    state_.Enter(std::move(arrival.task));
  }
  return absl::OkStatus();
}

absl::Status Intake::ForgetAbsentDeadLetters() {
  if (!WaitForDrain()) return absl::OkStatus();
  return ForEachDeadLetterPage(state_, [this](const std::vector<DeadLetter>& page) {
    MutexLock lock(state_.mutex);
    for (const DeadLetter& letter : page) {
      if (letter.is_delete) continue;  // it is the absence itself that failed
      if (!state_.listed.contains(HashOfId(letter.document_id))) state_.DropLetter(letter.document_id);
    }
    return absl::OkStatus();
  });
}

}  // namespace ragpipe::internal
