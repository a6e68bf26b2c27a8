// Deletion by absence: what a complete listing no longer names is gone, behind a guard.
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "engine/intake.h"
#include "engine/ledger_scan.h"
#include "ragpipe/ledger.h"

namespace ragpipe::internal {
namespace {

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
  RAGPIPE_RETURN_IF_ERROR(ForEachAbsent(state_, known, [&absent](std::vector<std::string>& ids) {
    absent += ids.size();
    return absl::OkStatus();
  }));
  const DeletionGuard& guard = state_.options.deletion_guard;
  const double percent = known == 0 ? 0 : 100.0 * static_cast<double>(absent) / static_cast<double>(known);
  if (absent > guard.max_documents && percent > guard.max_percent) {
    MutexLock lock(state_.mutex);
    state_.report.deletions_refused = absent;
    state_.AddProblem(fmt::format(
        "the deletion guard refused to delete {} of {} documents ({:.0f} %) that the source no longer lists; it allows {} "
        "documents or {:.0f} %. If they are really gone, raise PipelineOptions::deletion_guard for one run",
        absent, known, percent, guard.max_documents, guard.max_percent));
    return absl::OkStatus();
  }
  if (absent != 0) {
    RAGPIPE_RETURN_IF_ERROR(ForEachAbsent(state_, known, [this](std::vector<std::string>& ids) {
      std::vector<Change> deletions(ids.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        deletions[i].kind = Change::Kind::kDelete;
        deletions[i].document_id = std::move(ids[i]);
      }
      return AdmitChanges(deletions, Origin::kSource);
    }));
  }
  return ForgetAbsentDeadLetters();
}

absl::Status Intake::ForgetAbsentDeadLetters() {
  if (!WaitForDrain()) return absl::OkStatus();
  return ForEachDeadLetterPage(state_, [this](const std::vector<DeadLetter>& page) {
    MutexLock lock(state_.mutex);
    for (const DeadLetter& letter : page) {
      if (!state_.listed.contains(HashOfId(letter.document_id))) state_.DropLetter(letter.document_id);
    }
    return absl::OkStatus();
  });
}

}  // namespace ragpipe::internal
