#include "ragpipe/retriever.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe {
namespace {

constexpr int kMaxAttempts = 5;  // of a search that the index changed under

absl::StatusOr<Embedder*> ChooseEmbedder(const Recipe& recipe, std::span<Embedder* const> embedders) {
  std::string given;
  for (Embedder* embedder : embedders) {
    const std::string fingerprint = embedder->Fingerprint();
    if (recipe.embedder == fingerprint && recipe.dimension == embedder->dimension()) return embedder;
    given += fmt::format("{}'{}' with {} dimensions", given.empty() ? "" : " or ", fingerprint, embedder->dimension());
  }
  return absl::FailedPreconditionError(
      fmt::format("the index was built by embedder '{}' with {} dimensions; queries of embedder {} cannot be compared with it. "
                  "Open it with "
                  "the embedder it was built by",
                  recipe.embedder, recipe.dimension, given.empty() ? "(none given)" : given));
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

absl::StatusOr<std::vector<float>> EmbedQuery(Embedder& embedder, std::string_view text) {
  std::vector<float> vector(embedder.dimension());
  EmbedRequest request;
  request.texts = {&text, 1};
  request.purpose = EmbedRequest::Purpose::kQuery;
  RAGPIPE_RETURN_IF_ERROR(embedder.Embed(request, vector));
  if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
    return absl::InternalError("the embedder returned a vector that is not finite");
  }
  return vector;
}

absl::StatusOr<std::vector<Hit>> SearchOnce(Index& index, std::span<Embedder* const> embedders, const Query& query) {
  RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, index.LoadRecipe());
  RAGPIPE_ASSIGN_OR_RETURN(Embedder * embedder, ChooseEmbedder(recipe, embedders));
  std::vector<float> vector;
  if (query.mode != SearchMode::kText) {
    RAGPIPE_ASSIGN_OR_RETURN(vector, EmbedQuery(*embedder, query.text));
  }
  IndexQuery index_query;
  index_query.vector = vector;
  index_query.text = query.text;
  index_query.top_k = query.top_k;
  index_query.mode = query.mode;
  index_query.fusion = query.fusion;
  index_query.vector_weight = query.vector_weight;
  index_query.filter = &query.filter;
  index_query.recipe = &recipe;
  return index.Search(index_query);
}

}  // namespace

absl::StatusOr<Retriever> Retriever::Open(Index& index, Embedder& embedder) {
  Embedder* const embedders[] = {&embedder};
  return Open(index, embedders);
}

absl::StatusOr<Retriever> Retriever::Open(Index& index, std::span<Embedder* const> embedders) {
  const auto recipe = internal::GuardHostCall("Index::LoadRecipe", [&] { return index.LoadRecipe(); });
  if (!recipe.ok()) return recipe.status();
  RAGPIPE_RETURN_IF_ERROR(internal::GuardHostCall("Embedder", [&] { return ChooseEmbedder(*recipe, embedders).status(); }));
  return Retriever(index, embedders);
}

absl::StatusOr<std::vector<Hit>> Retriever::Search(const Query& query) const {
  RAGPIPE_RETURN_IF_ERROR(CheckQuery(query));
  return internal::GuardHostCall("Retriever::Search", [&] {
    absl::StatusOr<std::vector<Hit>> hits = SearchOnce(*index_, embedders_, query);
    for (int attempt = 1; absl::IsAborted(hits.status()) && attempt < kMaxAttempts; ++attempt) {
      hits = SearchOnce(*index_, embedders_, query);
    }
    return hits;
  });
}

}  // namespace ragpipe
