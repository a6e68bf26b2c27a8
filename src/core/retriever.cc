#include "ragpipe/retriever.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe {
namespace {

absl::Status CheckEmbedder(const Recipe& recipe, const Embedder& embedder) {
  const std::string fingerprint = embedder.Fingerprint();
  if (recipe.embedder == fingerprint && recipe.dimension == embedder.dimension()) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "the index was built by embedder '{}' with {} dimensions; queries of embedder '{}' with {} dimensions cannot be compared "
      "with it. Open it with the embedder it was built by",
      recipe.embedder, recipe.dimension, fingerprint, embedder.dimension()));
}

absl::Status CheckQuery(const Query& query) {
  if (query.text.find_first_not_of(" \t\r\n\f\v") == std::string::npos) {
    return absl::InvalidArgumentError("Query::text is empty");
  }
  if (const std::size_t offset = internal::FindInvalidUtf8(query.text); offset != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("Query::text is not UTF-8 at byte {}", offset));
  }
  if (query.top_k == 0) return absl::InvalidArgumentError("Query::top_k is 0; ask for at least 1");
  if (!(query.vector_weight >= 0 && query.vector_weight <= 1)) {
    return absl::InvalidArgumentError(fmt::format("Query::vector_weight is {}; it must be in [0, 1]", query.vector_weight));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Retriever> Retriever::Open(Index& index, Embedder& embedder) {
  const auto recipe = internal::GuardHostCall("Index::LoadRecipe", [&] { return index.LoadRecipe(); });
  if (!recipe.ok()) return recipe.status();
  RAGPIPE_RETURN_IF_ERROR(internal::GuardHostCall("Embedder", [&] { return CheckEmbedder(*recipe, embedder); }));
  return Retriever(index, embedder);
}

absl::StatusOr<std::vector<Hit>> Retriever::Search(const Query& query) const {
  return internal::GuardHostCall("Retriever::Search", [&]() -> absl::StatusOr<std::vector<Hit>> {
    RAGPIPE_RETURN_IF_ERROR(CheckQuery(query));
    RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, index_->LoadRecipe());
    RAGPIPE_RETURN_IF_ERROR(CheckEmbedder(recipe, *embedder_));

    IndexQuery index_query;
    index_query.text = query.text;
    index_query.top_k = query.top_k;
    index_query.mode = query.mode;
    index_query.fusion = query.fusion;
    index_query.vector_weight = query.vector_weight;
    index_query.filter = &query.filter;

    std::vector<float> vector;
    if (query.mode != SearchMode::kText) {
      vector.resize(embedder_->dimension());
      const std::string_view text = query.text;
      EmbedRequest request;
      request.texts = {&text, 1};
      request.purpose = EmbedRequest::Purpose::kQuery;
      RAGPIPE_RETURN_IF_ERROR(embedder_->Embed(request, vector));
      if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
        return absl::InternalError("the embedder returned a vector that is not finite");
      }
      index_query.vector = vector;
    }
    return index_->Search(index_query);
  });
}

}  // namespace ragpipe
