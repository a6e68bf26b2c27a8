#include <memory>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/testing/check_embedder.h"
#include "support/catch.h"

using namespace ragpipe;

TEST_CASE("the default model conforms, but for texts without any known token") {
  testing::EmbedderCheckOptions options;
  options.metric = Metric::kDot;  // a text without a known token has the zero vector, as the model's format says
  const auto findings = testing::CheckEmbedder(
      [] {
        auto model = embed::DefaultModel();
        REQUIRE_OK(model);
        return std::make_shared<embed::StaticEmbedder>(*std::move(model));
      },
      options);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("the default model conforms under cosine for words it knows") {
  testing::EmbedderCheckOptions options;
  options.texts = {"hello", "the quick brown fox", "how are keys rotated?", "a", "42", "naïve café", "tide tables of the harbour"};
  const auto findings = testing::CheckEmbedder(
      [] {
        auto model = embed::DefaultModel();
        REQUIRE_OK(model);
        return std::make_shared<embed::StaticEmbedder>(*std::move(model));
      },
      options);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}
