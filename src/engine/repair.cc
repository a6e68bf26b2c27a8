#include "engine/repair.h"

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "engine/collection.h"
#include "engine/ledger_scan.h"
#include "engine/verification.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kDocumentsPerWrite = 256;

absl::Status Commit(State& state, const CommitRequest& request) {
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kCommit, "VectorSink::Flush", [&state] { return state.stages.sink.Flush(); }));
  return state.CallHost(Stage::kCommit, "Checkpoint::Commit",
                        [&state, &request] { return state.stages.checkpoint.Commit(request); });
}

/// The next run reads the source from its beginning.
absl::Status ForgetCursors(State& state) {
  std::vector<PartitionCursor> cursors;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::LoadCursors", [&]() -> absl::Status {
    RAGPIPE_ASSIGN_OR_RETURN(cursors, state.stages.checkpoint.LoadCursors(state.source_name));
    return absl::OkStatus();
  }));
  if (cursors.empty()) return absl::OkStatus();
  for (PartitionCursor& position : cursors) position.cursor.clear();
  CommitRequest request;
  request.source = state.source_name;
  request.cursors = cursors;
  return Commit(state, request);
}

/// The same document, of which nothing else is known; its ordinal still fences.
LedgerEntry Doubt(LedgerEntry entry) {
  entry.version.token.clear();
  entry.content_hash.clear();
  entry.chunks.clear();
  return entry;
}

}  // namespace

absl::Status DoubtDamaged(State& state, VerifyReport& found) {
  bool forgot_cursors = false;
  auto forget_cursors_once = [&] { return std::exchange(forgot_cursors, true) ? absl::OkStatus() : ForgetCursors(state); };
  auto doubt = [&](std::vector<LedgerEntry>& damaged) -> absl::Status {
    RAGPIPE_RETURN_IF_ERROR(forget_cursors_once());  // first: a document in doubt must come again
    std::vector<LedgerEntry> entries;
    entries.reserve(damaged.size());
    for (LedgerEntry& entry : damaged) entries.push_back(Doubt(std::move(entry)));
    CommitRequest request;
    request.source = state.source_name;
    request.entries = entries;
    return Commit(state, request);
  };
  RAGPIPE_RETURN_IF_ERROR(VerifyIndex(state, {}, found, doubt));
  if (found.is_sound()) return absl::OkStatus();
  RAGPIPE_RETURN_IF_ERROR(forget_cursors_once());
  RAGPIPE_RETURN_IF_ERROR(PrepareCollection(state));
  RAGPIPE_RETURN_IF_ERROR(
      state.CallHost(Stage::kWrite, "VectorSink::Reindex", [&state] { return state.stages.sink.Reindex(); }));
  CommitRequest request;
  request.source = state.source_name;
  return Commit(state, request);
}

absl::Status RemoveUnknown(State& state, std::uint64_t& removed) {
  absl::flat_hash_set<IdHash> dead_letters;
  RAGPIPE_RETURN_IF_ERROR(ForEachDeadLetterPage(state, [&dead_letters](std::vector<DeadLetter>& page) {
    for (const DeadLetter& letter : page) dead_letters.insert(HashOfId(letter.document_id));
    return absl::OkStatus();
  }));
  std::vector<std::string> ids;
  auto remove = [&]() -> absl::Status {
    std::vector<DocumentWrite> writes(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      writes[i].source = state.source_name;
      writes[i].document_id = ids[i];
      writes[i].replace_all = true;
    }
    RAGPIPE_RETURN_IF_ERROR(
        state.CallHost(Stage::kWrite, "VectorSink::Write", [&] { return state.stages.sink.Write(writes); }));
    CommitRequest request;
    request.source = state.source_name;
    RAGPIPE_RETURN_IF_ERROR(Commit(state, request));
    removed += ids.size();
    ids.clear();
    return absl::OkStatus();
  };
  auto visit = [&](std::string_view id, bool in_ledger, bool /*in_sink*/) -> absl::Status {
    if (in_ledger || dead_letters.contains(HashOfId(id))) return absl::OkStatus();
    ids.emplace_back(id);
    return ids.size() == kDocumentsPerWrite ? remove() : absl::OkStatus();
  };
  RAGPIPE_RETURN_IF_ERROR(ForEachKnownDocument(state, visit));
  return ids.empty() ? absl::OkStatus() : remove();
}

}  // namespace ragpipe::internal
