#include "sqlite/sink.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "ragpipe/retry.h"
#include "sqlite/document_writer.h"
#include "sqlite/recipes.h"
#include "sqlite/reindex.h"
#include "sqlite/segments.h"
#include "sqlite/stored_records.h"
#include "sqlite/vectors.h"

namespace ragpipe::sqlite {
namespace {

absl::Status CheckDimension(Database& db, std::size_t dimension) {
  const auto max_bytes = static_cast<std::size_t>(sqlite3_limit(db.handle(), SQLITE_LIMIT_LENGTH, -1));
  const std::size_t max_dimension = max_bytes / SegmentBytes(1);
  if (dimension > 0 && dimension <= max_dimension) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the recipe has {} dimensions; this store holds 1 to {}", dimension, max_dimension));
}

/// Fills the vectors that are still empty, from a store of the embedder that is wanted (where that is known): one that is
/// being rebuilt, or another generation, may be of another.
absl::Status FillVectors(ReadPool& readers, const std::optional<Recipe>& wanted, std::span<const std::string_view> text_keys,
                         std::vector<std::vector<float>>& out) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers.Acquire());
  RAGPIPE_ASSIGN_OR_RETURN(const ReadTransaction snapshot, ReadTransaction::Begin(reader->db));
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> stored, ReadRecipe(reader->db, kRecordsRecipe));
  if (!stored.has_value()) return absl::OkStatus();
  if (wanted.has_value() && (wanted->embedder != stored->embedder || wanted->dimension != stored->dimension)) {
    return absl::OkStatus();
  }
  Vectors vectors(reader->db, stored->dimension, Vectors::Access::kRead);
  for (std::size_t i = 0; i < text_keys.size(); ++i) {
    if (!out[i].empty()) continue;
    Statement row = reader->db.Query("SELECT slot FROM records WHERE text_key = ? LIMIT 1", Blob{text_keys[i]});
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) continue;
    std::vector<float> vector(stored->dimension);
    RAGPIPE_RETURN_IF_ERROR(vectors.Read(row.Int(0), vector));
    out[i] = std::move(vector);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreSink::EnsureCollection(const CollectionSpec& spec) {
  const Writer::Call call(writer_);
  Database& db = writer_.db();
  RAGPIPE_RETURN_IF_ERROR(writer_.StartOver());  // what a run before left unfinished
  RAGPIPE_RETURN_IF_ERROR(CheckDimension(db, spec.recipe.dimension));
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> stored, ReadRecipe(db, kRecordsRecipe));
  if (stored.has_value() && !spec.rebuild) {
    RAGPIPE_RETURN_IF_ERROR(CheckSameRecipe(*stored, spec.recipe));
  } else {
    RAGPIPE_RETURN_IF_ERROR(writer_.Begin());
    absl::Status status = DropAllRecords(db);
    if (status.ok()) status = WriteRecipe(db, kRecordsRecipe, spec.recipe);
    if (!status.ok()) return writer_.Fail(status);
  }
  std::lock_guard recipe_lock(recipe_mutex_);
  recipe_ = spec.recipe;
  return absl::OkStatus();
}

// Whatever goes wrong after the checks is no document's fault, and leaves the transaction in a state that nobody should
// commit.
absl::Status StoreSink::Write(std::span<const DocumentWrite> writes) {
  const std::optional<Recipe> recipe = this->recipe();
  if (!recipe.has_value()) return absl::FailedPreconditionError("Write() before EnsureCollection()");
  const Writer::Call call(writer_);
  RAGPIPE_RETURN_IF_ERROR(writer_.Begin());
  absl::Status status = CheckWrites(writer_.db(), recipe->dimension, writes);
  if (status.code() == absl::StatusCode::kInvalidArgument) return status;

  DocumentWriter documents(writer_.db(), recipe->dimension);
  for (auto write = writes.begin(); status.ok() && write != writes.end(); ++write) status = documents.Apply(*write);
  if (status.ok()) status = documents.Finish();
  return status.ok() ? status : writer_.Fail(status);
}

absl::Status StoreSink::Flush() { return absl::OkStatus(); }

absl::Status StoreSink::FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) {
  out.assign(text_keys.size(), {});
  const std::optional<Recipe> wanted = recipe();
  RAGPIPE_RETURN_IF_ERROR(FillVectors(*readers_, wanted, text_keys, out));
  // What another store lends is a saving and nothing more: that store may have been deleted since.
  if (vectors_from_ != nullptr && wanted.has_value()) FillVectors(*vectors_from_, wanted, text_keys, out).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> StoreSink::ListDocuments(std::string_view source, std::string_view after,
                                                                  std::size_t limit) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  return ListStoredDocuments(reader->db, source, after, limit);
}

absl::Status StoreSink::ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                                    std::vector<StoredRecord>& out) {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  RAGPIPE_ASSIGN_OR_RETURN(const ReadTransaction snapshot, ReadTransaction::Begin(reader->db));
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> stored, ReadRecipe(reader->db, kRecordsRecipe));
  if (!stored.has_value()) return absl::OkStatus();
  StoredRecordReader records(reader->db, stored->dimension);
  for (const std::string_view id : document_ids) RAGPIPE_RETURN_IF_ERROR(records.Read(source, id, out));
  return absl::OkStatus();
}

absl::Status StoreSink::Reindex() {
  const std::optional<Recipe> recipe = this->recipe();
  if (!recipe.has_value()) return absl::FailedPreconditionError("Reindex() before EnsureCollection()");
  const Writer::Call call(writer_);
  RAGPIPE_RETURN_IF_ERROR(writer_.Begin());
  const absl::Status status = RebuildDerived(writer_.db(), recipe->dimension);
  return status.ok() ? status : writer_.Fail(status);
}

std::optional<Recipe> StoreSink::recipe() const {
  std::lock_guard lock(recipe_mutex_);
  return recipe_;
}

}  // namespace ragpipe::sqlite
