#include "engine/ledger_scan.h"

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <vector>

#include "core/status_macros.h"
#include "ragpipe/checkpoint.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kDocumentsPerPage = 1000;
constexpr std::size_t kDeadLettersPerPage = 100;  // they may hold bodies

}  // namespace

absl::Status ForEachDocumentPage(State& state, absl::FunctionRef<absl::Status(std::vector<std::string>&)> visit) {
  std::string after;
  while (true) {
    std::vector<std::string> page;
    RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::ListDocuments", [&]() -> absl::Status {
      RAGPIPE_ASSIGN_OR_RETURN(page, state.stages.checkpoint.ListDocuments(state.source_name, after, kDocumentsPerPage));
      return absl::OkStatus();
    }));
    if (page.empty()) return absl::OkStatus();
    after = page.back();
    RAGPIPE_RETURN_IF_ERROR(visit(page));
  }
}

absl::Status ForEachDeadLetterPage(State& state, absl::FunctionRef<absl::Status(std::vector<DeadLetter>&)> visit) {
  if (!state.has_ledger) return absl::OkStatus();
  std::string after;
  while (true) {
    std::vector<DeadLetter> page;
    RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::ListDeadLetters", [&]() -> absl::Status {
      RAGPIPE_ASSIGN_OR_RETURN(page, state.stages.checkpoint.ListDeadLetters(state.source_name, after, kDeadLettersPerPage));
      return absl::OkStatus();
    }));
    if (page.empty()) return absl::OkStatus();
    after = page.back().document_id;
    RAGPIPE_RETURN_IF_ERROR(visit(page));
  }
}

}  // namespace ragpipe::internal
