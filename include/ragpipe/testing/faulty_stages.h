#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/source.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::testing {

// Each stands before another stage and lets happen to its calls what the plan says. Stage and plan are borrowed.

/// Wrong result: Next() repeats the first event that it appended (delivered twice); Load() gives a document of another id;
/// StreamChanges() forgets where to resume; Acknowledge() does nothing.
class RAGPIPE_EXPORT FaultySource final : public Source {
 public:
  FaultySource(Source& source, FaultPlan& plan) : source_(source), plan_(plan) {}

  std::string_view name() const override { return source_.name(); }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  Source& source_;
  FaultPlan& plan_;
};

/// Wrong result: the last chunk reaches beyond the text.
class RAGPIPE_EXPORT FaultyChunker final : public Chunker {
 public:
  FaultyChunker(const Chunker& chunker, FaultPlan& plan) : chunker_(chunker), plan_(plan) {}

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override { return chunker_.Fingerprint(); }

 private:
  const Chunker& chunker_;
  FaultPlan& plan_;
};

/// Wrong result: the first float is not a number.
class RAGPIPE_EXPORT FaultyEmbedder final : public Embedder {
 public:
  FaultyEmbedder(Embedder& embedder, FaultPlan& plan) : embedder_(embedder), plan_(plan) {}

  std::size_t dimension() const override { return embedder_.dimension(); }
  EmbedLimits limits() const override { return embedder_.limits(); }
  std::string Fingerprint() const override { return embedder_.Fingerprint(); }
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override;

 private:
  Embedder& embedder_;
  FaultPlan& plan_;
};

/// Wrong result: Write() loses its last document; Flush() and EnsureCollection() do nothing; FindVectors() gives vectors
/// that are one float too long; ListDocuments() and ReadRecords() find nothing.
class RAGPIPE_EXPORT FaultySink final : public VectorSink {
 public:
  FaultySink(VectorSink& sink, FaultPlan& plan) : sink_(sink), plan_(plan) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override;
  absl::Status Write(std::span<const DocumentWrite> writes) override;
  absl::Status Flush() override;
  const void* transaction() const override { return sink_.transaction(); }
  bool patches_payload() const override { return sink_.patches_payload(); }
  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override;
  bool lists_records() const override { return sink_.lists_records(); }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override;
  absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<StoredRecord>& out) override;

 private:
  VectorSink& sink_;
  FaultPlan& plan_;
};

/// Wrong result: Commit() does nothing; all else finds nothing.
class RAGPIPE_EXPORT FaultyCheckpoint final : public Checkpoint {
 public:
  FaultyCheckpoint(Checkpoint& checkpoint, FaultPlan& plan) : checkpoint_(checkpoint), plan_(plan) {}

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override;
  absl::Status Commit(const CommitRequest& request) override;
  const void* transaction() const override { return checkpoint_.transaction(); }
  bool keeps_ledger() const override { return checkpoint_.keeps_ledger(); }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override;
  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override;
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override;
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override;

 private:
  Checkpoint& checkpoint_;
  FaultPlan& plan_;
};

}  // namespace ragpipe::testing
