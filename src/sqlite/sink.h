#pragma once

#include <absl/status/status.h>

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/vector_sink.h"
#include "sqlite/read_pool.h"
#include "sqlite/writer.h"

namespace ragpipe::sqlite {

/// Writes into the transaction that StoreCheckpoint::Commit() ends.
class StoreSink final : public VectorSink {
 public:
  /// `vectors_from`: another store that lends its vectors; null = none.
  StoreSink(Writer& writer, std::shared_ptr<ReadPool> readers, std::shared_ptr<ReadPool> vectors_from)
      : writer_(writer), readers_(std::move(readers)), vectors_from_(std::move(vectors_from)) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override;
  absl::Status Write(std::span<const DocumentWrite> writes) override;
  absl::Status Flush() override;
  const void* transaction() const override { return &writer_; }
  bool patches_payload() const override { return true; }
  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override;
  bool lists_records() const override { return true; }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override;
  absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<StoredRecord>& out) override;
  absl::Status Reindex() override;

 private:
  std::optional<Recipe> recipe() const;

  Writer& writer_;
  std::shared_ptr<ReadPool> readers_;
  std::shared_ptr<ReadPool> vectors_from_;
  mutable std::mutex recipe_mutex_;
  std::optional<Recipe> recipe_;  ///< of what is written; empty before EnsureCollection()
};

}  // namespace ragpipe::sqlite
