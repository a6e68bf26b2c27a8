#include "sqlite/recipes.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

std::optional<Metric> ParseMetric(std::string_view name) {
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
    if (ToString(metric) == name) return metric;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::optional<Recipe>> ReadRecipe(Database& db, std::string_view part) {
  Statement row = db.Query("SELECT chunker, embedder, dimension, metric, schema FROM recipes WHERE part = ?", part);
  RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<Recipe>();
  const std::optional<Metric> metric = ParseMetric(row.Bytes(3));
  if (!metric.has_value())
    return absl::DataLossError(fmt::format("'{}' names an unknown metric '{}'", db.path(), row.Bytes(3)));
  return std::optional<Recipe>(Recipe{.chunker = row.String(0),
                                      .embedder = row.String(1),
                                      .dimension = static_cast<std::size_t>(row.Int(2)),
                                      .metric = *metric,
                                      .schema = row.String(4)});
}

absl::Status WriteRecipe(Database& db, std::string_view part, const Recipe& recipe) {
  return db.Run("INSERT OR REPLACE INTO recipes(part, chunker, embedder, dimension, metric, schema) VALUES(?, ?, ?, ?, ?, ?)",
                part, recipe.chunker, recipe.embedder, recipe.dimension, ToString(recipe.metric), recipe.schema);
}

}  // namespace ragpipe::sqlite
