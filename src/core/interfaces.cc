// The key functions: each interface has its vtable here, and here only.
#include <absl/status/status.h>

#include "core/status_macros.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/index.h"
#include "ragpipe/observer.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe {
namespace {

absl::Status NoLedger() {
  return absl::FailedPreconditionError("this checkpoint keeps no ledger (Checkpoint::keeps_ledger() is false)");
}

absl::Status NoListing() {
  return absl::FailedPreconditionError("this sink does not say what it stores (VectorSink::lists_records() is false)");
}

}  // namespace

ChangeStream::~ChangeStream() = default;

absl::StatusOr<Document> ChangeStream::Load(const Change& change) {
  return absl::FailedPreconditionError("the source sent the change of '" + change.document_id +
                                       "' without a document and does not override ChangeStream::Load()");
}

absl::Status ChangeStream::Acknowledge(std::span<const PartitionCursor> /*committed*/) { return absl::OkStatus(); }

Source::~Source() = default;
Chunker::~Chunker() = default;

absl::Status Chunker::SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const {
  Document whole = document;
  whole.text.clear();
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::string_view part, read());
    if (part.empty()) break;
    whole.text += part;
  }
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, Split(whole));
  for (const Chunk& chunk : chunks) {
    const std::string_view bytes(whole.text);
    if (chunk.overlap > chunk.range.begin || chunk.range.begin > chunk.range.end || chunk.range.end > bytes.size()) {
      return absl::InternalError("the chunker gave a range that is not inside of the text");
    }
    const std::size_t begin = chunk.range.begin - chunk.overlap;
    RAGPIPE_RETURN_IF_ERROR(
        take(chunk, chunk.text ? std::string_view(*chunk.text) : bytes.substr(begin, chunk.range.end - begin)));
  }
  return absl::OkStatus();
}

Embedder::~Embedder() = default;
VectorSink::~VectorSink() = default;

absl::Status VectorSink::FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) {
  out.assign(text_keys.size(), {});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> VectorSink::ListDocuments(std::string_view /*source*/, std::string_view /*after*/,
                                                                   std::size_t /*limit*/) {
  return NoListing();
}

absl::Status VectorSink::ReadRecords(std::string_view /*source*/, std::span<const std::string_view> /*document_ids*/,
                                     std::vector<StoredRecord>& /*out*/) {
  return NoListing();
}

absl::Status VectorSink::Reindex() { return absl::OkStatus(); }

Checkpoint::~Checkpoint() = default;

absl::StatusOr<std::optional<Recipe>> Checkpoint::LoadRecipe() { return std::optional<Recipe>(); }

absl::Status Checkpoint::FindEntries(std::string_view /*source*/, std::span<const std::string_view> /*document_ids*/,
                                     std::vector<std::optional<LedgerEntry>>& /*out*/) {
  return NoLedger();
}

absl::StatusOr<std::vector<std::string>> Checkpoint::ListDocuments(std::string_view /*source*/, std::string_view /*after*/,
                                                                   std::size_t /*limit*/) {
  return NoLedger();
}

absl::StatusOr<std::vector<DeadLetter>> Checkpoint::ListDeadLetters(std::string_view /*source*/, std::string_view /*after*/,
                                                                    std::size_t /*limit*/) {
  return NoLedger();
}

Index::~Index() = default;
Observer::~Observer() = default;
void Observer::OnProgress(const RunReport& /*so_far*/) {}
void Observer::OnDeadLetter(const DeadLetter& /*letter*/) {}
void Observer::OnRetry(Stage /*stage*/, const absl::Status& /*error*/, int /*attempt*/, absl::Duration /*pause*/) {}

}  // namespace ragpipe
