#include "ragpipe/default_model/default_model.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ragpipe/embedder.h"
#include "ragpipe/text/tokenizer.h"
#include "support/catch.h"

namespace ragpipe::embed {
namespace {

using nlohmann::json;

json ReadJson(const std::string& name) {
  std::ifstream file(std::string(RAGPIPE_TEST_DATA "/") + name);
  INFO("reading " << name);
  REQUIRE(file.good());
  return json::parse(file);
}

std::vector<float> Embed(StaticEmbedder& embedder, std::string_view text) {
  std::vector<float> vector(embedder.dimension());
  EmbedRequest request;
  request.texts = {&text, 1};
  REQUIRE_OK(embedder.Embed(request, vector));
  return vector;
}

TEST_CASE("The default model gives the tokens and vectors of the reference", "[default_model]") {
  auto embedder = DefaultModel();
  REQUIRE_OK(embedder);
  REQUIRE(embedder->dimension() == 256);
  const json golden = ReadJson("golden.json");
  REQUIRE(golden["cases"].size() == 20);
  for (const json& expected : golden["cases"]) {
    const std::string text = expected["text"];
    INFO("text: " << text);
    std::vector<text::Token> tokens;
    embedder->tokenizer()->Encode(text, tokens);
    std::vector<std::uint32_t> known;
    for (const text::Token& token : tokens) {
      if (token.id != 1) known.push_back(token.id);
    }
    CHECK(known == expected["ids"].get<std::vector<std::uint32_t>>());

    const std::vector<float> vector = Embed(*embedder, text);
    double square_sum = 0;
    for (const float value : vector) square_sum += double{value} * double{value};
    CHECK(std::sqrt(square_sum) == Approx(expected["norm"].get<double>()).margin(1e-5));
    for (std::size_t i = 0; i < 8; ++i) CHECK(double{vector[i]} == Approx(expected["first8"][i].get<double>()).margin(1e-5));
  }
}

TEST_CASE("The default model agrees with the reference in every dimension", "[default_model]") {
  auto embedder = DefaultModel();
  REQUIRE_OK(embedder);
  const json golden = ReadJson("vectors.json");
  for (const json& expected : golden["cases"]) {
    const std::string text = expected["text"];
    INFO("text: " << text);
    const std::vector<float> vector = Embed(*embedder, text);
    REQUIRE(expected["vector"].size() == vector.size());
    double largest = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
      largest = std::max(largest, std::abs(double{vector[i]} - expected["vector"][i].get<double>()));
    }
    CHECK(largest < 1e-6);
  }
}

TEST_CASE("Every caller gets the same default model", "[default_model]") {
  std::vector<std::string> fingerprints(4);
  std::vector<std::vector<float>> vectors(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < fingerprints.size(); ++i) {
    threads.emplace_back([&, i] {
      auto embedder = DefaultModel();
      if (!embedder.ok()) return;
      fingerprints[i] = embedder->Fingerprint();
      const std::string_view text = "shared by all";
      vectors[i].resize(embedder->dimension());
      EmbedRequest request;
      request.texts = {&text, 1};
      if (!embedder->Embed(request, vectors[i]).ok()) vectors[i].clear();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(fingerprints[0].find("dimension=256;normalize=true") != std::string::npos);
  REQUIRE(vectors[0].size() == 256);
  for (std::size_t i = 1; i < fingerprints.size(); ++i) {
    CHECK(fingerprints[i] == fingerprints[0]);
    CHECK(vectors[i] == vectors[0]);
  }
  CHECK(DefaultModel()->tokenizer() == DefaultModel()->tokenizer());
}

}  // namespace
}  // namespace ragpipe::embed
