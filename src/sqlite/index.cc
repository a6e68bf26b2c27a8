#include "sqlite/index.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/status_macros.h"
#include "sqlite/recipes.h"
#include "sqlite/search.h"

namespace ragpipe::sqlite {

absl::StatusOr<Recipe> StoreIndex::LoadRecipe() {
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  RAGPIPE_ASSIGN_OR_RETURN(std::optional<Recipe> recipe, ReadRecipe(reader->db, kRecordsRecipe));
  if (!recipe.has_value()) return absl::NotFoundError(fmt::format("'{}': nothing was ever ingested", reader->db.path()));
  return *std::move(recipe);
}

absl::StatusOr<std::vector<Hit>> StoreIndex::Search(const IndexQuery& query) {
  RAGPIPE_RETURN_IF_ERROR(CheckQuery(query));
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers_->Acquire());
  RAGPIPE_ASSIGN_OR_RETURN(const ReadTransaction snapshot, ReadTransaction::Begin(reader->db));
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> recipe, ReadRecipe(reader->db, kRecordsRecipe));
  if (query.recipe != nullptr && recipe != *query.recipe) {
    return absl::AbortedError(
        fmt::format("'{}' is of another recipe than the query by now; load its recipe again", reader->db.path()));
  }
  if (!recipe.has_value()) return std::vector<Hit>();
  return sqlite::Search(*reader, *recipe, query);
}

}  // namespace ragpipe::sqlite
