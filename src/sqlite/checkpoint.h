#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "sqlite/read_pool.h"
#include "sqlite/writer.h"

namespace ragpipe::sqlite {

/// Commits what the sink wrote together with the request.
class StoreCheckpoint final : public Checkpoint {
 public:
  /// Without a writer it only reads.
  StoreCheckpoint(Writer* writer, std::shared_ptr<ReadPool> readers) : writer_(writer), readers_(std::move(readers)) {}

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override;
  absl::Status Commit(const CommitRequest& request) override;
  const void* transaction() const override { return writer_; }
  bool keeps_ledger() const override { return true; }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override;
  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override;
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override;
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override;

 private:
  Writer* writer_;
  std::shared_ptr<ReadPool> readers_;
};

}  // namespace ragpipe::sqlite
