#include "engine/diff.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "engine/record_hash.h"
#include "engine/validation.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos; }

/// The text that is embedded: a piece of the document where there is no context, else a joined copy that the task owns.
std::string_view EmbeddedText(const Chunk& chunk, Task& task) {
  const std::string_view own =
      std::string_view(task.document.text).substr(chunk.range.begin - chunk.overlap, chunk.range.size() + chunk.overlap);
  if (chunk.context.empty() && !chunk.text.has_value()) return own;
  const std::string_view text = chunk.text.has_value() ? std::string_view(*chunk.text) : own;
  std::string& joined = task.joined_texts.emplace_back();
  joined.reserve(chunk.context.size() + text.size());
  joined += chunk.context;
  joined += text;
  return joined;
}

}  // namespace

absl::Status PlanChunks(State& state, std::vector<Chunk> chunks, Task& task) {
  using Action = PlannedChunk::Action;
  const std::string document_payload = DocumentPayloadHash(task.document.media_type, task.document.metadata);

  std::unordered_map<std::string_view, const LedgerChunk*> known;  // by record id
  if (task.known.has_value()) {
    for (const LedgerChunk& chunk : task.known->chunks) known.emplace(chunk.record_id, &chunk);
  }

  // Names: a record id for every chunk that says anything.
  std::unordered_map<std::string, std::uint64_t> occurrences;
  task.chunks.reserve(chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    PlannedChunk planned;
    planned.chunk = std::move(chunks[i]);
    planned.position = i;
    planned.embedded_text = EmbeddedText(planned.chunk, task);
    if (IsBlank(planned.embedded_text)) continue;
    planned.keys.text_key = Fingerprint().Add(planned.embedded_text).Digest();
    planned.keys.payload_hash = PayloadHash(planned.chunk, i, StoredText(planned.chunk, task.document), document_payload);
    if (state.options.record_ids == RecordIds::kDocumentIndex) {
      planned.keys.record_id = fmt::format("{}:{}", task.change.document_id, i);
    } else {
      const std::uint64_t occurrence = occurrences[planned.keys.text_key]++;
      planned.keys.record_id = ToUuid(Fingerprint()
                                          .Add(state.source_name)
                                          .Add(task.change.document_id)
                                          .Add(planned.keys.text_key)
                                          .Add(occurrence)
                                          .Digest());
    }
    task.chunks.push_back(std::move(planned));
  }

  // Actions: what is stored under the same id with the same text needs no vector.
  const bool can_patch = state.stages.sink.patches_payload();
  std::unordered_set<std::string_view> named;
  std::unordered_map<std::string_view, std::size_t> rows;  // text key → row of the vector it needs
  std::vector<std::string_view> wanted;                    // text key of each row
  for (PlannedChunk& chunk : task.chunks) {
    named.insert(chunk.keys.record_id);
    const auto stored = known.find(chunk.keys.record_id);
    if (stored != known.end() && stored->second->text_key == chunk.keys.text_key) {
      if (stored->second->payload_hash == chunk.keys.payload_hash) {
        chunk.action = Action::kKeep;
        continue;
      }
      if (can_patch) {
        chunk.action = Action::kPatch;
        continue;
      }
    }
    const auto [row, is_new] = rows.emplace(chunk.keys.text_key, wanted.size());
    if (is_new) wanted.push_back(chunk.keys.text_key);
    chunk.row = row->second;
    chunk.action = is_new ? Action::kEmbed : Action::kReuse;  // twice in one document: embedded once
  }
  if (task.known.has_value()) {
    for (const LedgerChunk& chunk : task.known->chunks) {
      if (!named.contains(chunk.record_id)) task.deletes.push_back(chunk.record_id);
    }
  }
  if (wanted.empty()) return absl::OkStatus();

  // Vectors that exist: of moved or renamed text.
  std::vector<std::vector<float>> found;
  RAGPIPE_RETURN_IF_ERROR(
      state.CallHost(Stage::kRead, "VectorSink::FindVectors", [&] { return state.stages.sink.FindVectors(wanted, found); }));
  found.resize(wanted.size());
  const bool may_be_zero = state.options.metric != Metric::kCosine;
  task.vectors.resize(wanted.size() * state.dimension);
  for (PlannedChunk& chunk : task.chunks) {
    if (chunk.action != Action::kEmbed) continue;
    const std::vector<float>& vector = found[chunk.row];
    if (vector.size() != state.dimension || !CheckVector(vector, may_be_zero).ok()) continue;  // damaged: bought anew
    std::copy(vector.begin(), vector.end(), task.vectors.begin() + static_cast<std::ptrdiff_t>(chunk.row * state.dimension));
    chunk.action = Action::kReuse;
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::internal
