#include "ragpipe/recipe.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

namespace ragpipe {

std::string_view ToString(Metric metric) {
  switch (metric) {
    case Metric::kCosine:
      return "cosine";
    case Metric::kDot:
      return "dot";
    case Metric::kL2:
      return "l2";
  }
  return "unknown";
}

absl::Status CheckSameRecipe(const Recipe& stored, const Recipe& wanted) {
  if (stored == wanted) return absl::OkStatus();
  std::string changes;
  auto compare = [&changes](std::string_view part, const auto& was, const auto& is) {
    if (was != is) fmt::format_to(std::back_inserter(changes), "; {} was '{}', is '{}'", part, was, is);
  };
  compare("chunker", stored.chunker, wanted.chunker);
  compare("embedder", stored.embedder, wanted.embedder);
  compare("dimension", stored.dimension, wanted.dimension);
  compare("metric", ToString(stored.metric), ToString(wanted.metric));
  compare("schema", stored.schema, wanted.schema);
  return absl::FailedPreconditionError("the index was built under another recipe" + changes +
                                       ". Use the stages it was built with, or ingest anew with OnRecipeChange::kRebuild");
}

}  // namespace ragpipe
