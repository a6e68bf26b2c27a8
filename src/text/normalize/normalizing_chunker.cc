#include "ragpipe/text/normalizing_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::text {
namespace {

std::string_view NameOf(NormalizationStep step) {
  switch (step) {
    case NormalizationStep::kLineEnds:
      return "line_ends";
    case NormalizationStep::kNfc:
      return "nfc";
    case NormalizationStep::kInvisible:
      return "invisible";
    case NormalizationStep::kWhiteSpace:
      return "white_space";
  }
  return "unknown";
}

}  // namespace

absl::StatusOr<NormalizingChunker> NormalizingChunker::Create(std::shared_ptr<const Chunker> chunker,
                                                              std::vector<NormalizationStep> steps) {
  if (chunker == nullptr) return absl::InvalidArgumentError("NormalizingChunker: the chunker is null; give one to Create()");
  if (steps.empty()) {
    return absl::InvalidArgumentError("NormalizingChunker: there are no steps; name one, or use the chunker itself");
  }
  return NormalizingChunker(std::move(chunker), std::move(steps));
}

NormalizingChunker::NormalizingChunker(std::shared_ptr<const Chunker> chunker, std::vector<NormalizationStep> steps)
    : chunker_(std::move(chunker)), steps_(std::move(steps)) {}

absl::StatusOr<std::vector<Chunk>> NormalizingChunker::Split(const Document& document) const {
  RAGPIPE_ASSIGN_OR_RETURN(NormalizedText normalized, Normalize(document.text, steps_));
  if (normalized.map.edits().empty()) return chunker_->Split(document);
  Document changed = document;
  changed.text = normalized.text;
  RAGPIPE_ASSIGN_OR_RETURN(std::vector<Chunk> chunks, chunker_->Split(changed));
  const std::string_view source = document.text;
  for (Chunk& chunk : chunks) {
    const std::size_t begin = chunk.range.begin - chunk.overlap;
    if (!chunk.text) chunk.text = normalized.text.substr(begin, chunk.range.end - begin);
    const std::size_t source_begin = normalized.map.ToSource(begin);
    // What was removed at the very end belongs to the chunk that ends there.
    const bool last = chunk.range.end == normalized.text.size();
    chunk.range = {normalized.map.ToSource(chunk.range.begin), last ? source.size() : normalized.map.ToSource(chunk.range.end)};
    chunk.overlap = chunk.range.begin - source_begin;
    if (source.substr(source_begin, chunk.range.end - source_begin) == *chunk.text) chunk.text.reset();
  }
  return chunks;
}

std::string NormalizingChunker::Fingerprint() const {
  std::string steps;
  for (const NormalizationStep step : steps_) steps += fmt::format("{}{}", steps.empty() ? "" : "+", NameOf(step));
  return fmt::format("ragpipe.normalizing/1(steps={},{})", steps, chunker_->Fingerprint());
}

}  // namespace ragpipe::text
