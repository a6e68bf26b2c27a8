#include "ragpipe/testing/check_embedder.h"

#include <absl/status/status.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ragpipe/adapters.h"
#include "ragpipe/testing/hash_embedder.h"
#include "support/catch.h"
#include "testing/broken_stages.h"

namespace ragpipe::testing {
namespace {

/// A HashEmbedder with parts replaced.
struct TweakedEmbedder final : Embedder {
  HashEmbedder good{{.dimension = 4}};
  std::function<std::size_t()> get_dimension = [this] { return good.dimension(); };
  std::function<EmbedLimits()> get_limits = [this] { return good.limits(); };
  std::function<std::string()> get_fingerprint = [this] { return good.Fingerprint(); };
  std::function<absl::Status(const EmbedRequest&, std::span<float>)> embed =
      [this](const EmbedRequest& request, std::span<float> out) { return good.Embed(request, out); };

  std::size_t dimension() const override { return get_dimension(); }
  EmbedLimits limits() const override { return get_limits(); }
  std::string Fingerprint() const override { return get_fingerprint(); }
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override { return embed(request, out); }
};

std::vector<Finding> CheckTweaked(const std::function<void(TweakedEmbedder&)>& tweak) {
  return CheckEmbedder([&tweak] {
    auto embedder = std::make_shared<TweakedEmbedder>();
    tweak(*embedder);
    return embedder;
  });
}

/// Lets the good embedder answer, then `spoil` it.
Broken Spoiled(std::string rule, std::function<void(const EmbedRequest&, std::span<float>)> spoil) {
  return {std::move(rule), [spoil = std::move(spoil)] {
            return CheckTweaked([&spoil](TweakedEmbedder& embedder) {
              embedder.embed = [&](const EmbedRequest& request, std::span<float> out) {
                absl::Status status = embedder.good.Embed(request, out);
                spoil(request, out);
                return status;
              };
            });
          }};
}

/// Refuses the requests that `is_refused` picks.
Broken Refusing(std::string rule, std::function<bool(const EmbedRequest&)> is_refused) {
  return {std::move(rule), [is_refused = std::move(is_refused)] {
            return CheckTweaked([&is_refused](TweakedEmbedder& embedder) {
              embedder.embed = [&](const EmbedRequest& request, std::span<float> out) {
                return is_refused(request) ? absl::InvalidArgumentError("refused") : embedder.good.Embed(request, out);
              };
            });
          }};
}

TEST_CASE("CheckEmbedder: our embedders conform") {
  const auto of_hash = CheckEmbedder([] { return std::make_unique<HashEmbedder>(); });
  INFO(ToText(of_hash));
  CHECK(of_hash.empty());

  HashEmbedder small({.dimension = 1, .limits = {.texts = 1, .bytes = 1, .tokens = 1, .calls = 1}});
  const auto of_small = CheckEmbedder([&small] { return Borrow(small); });
  INFO(ToText(of_small));
  CHECK(of_small.empty());

  const auto of_function = CheckEmbedder([] {
    return std::make_unique<FunctionEmbedder>("lengths", 2, [](const EmbedRequest& request) {
      std::vector<std::vector<float>> vectors;
      for (const std::string_view text : request.texts) vectors.push_back({1, static_cast<float>(text.size())});
      return vectors;
    });
  });
  INFO(ToText(of_function));
  CHECK(of_function.empty());
}

TEST_CASE("CheckEmbedder: the options say what need not be") {
  auto zeros = [] {
    return std::make_unique<FunctionEmbedder>("zeros", 2, [](const EmbedRequest& request) {
      return std::vector<std::vector<float>>(request.texts.size(), {0, 0});
    });
  };
  CHECK(CheckEmbedder(zeros).size() == 1);
  CHECK(CheckEmbedder(zeros, {.metric = Metric::kDot}).empty());

  auto picky = [] {
    return std::make_unique<FunctionEmbedder>("picky", 1, [](const EmbedRequest& request) {
      const auto is_ours = [](std::string_view text) { return text == "ours"; };
      const bool ok = std::all_of(request.texts.begin(), request.texts.end(), is_ours);
      using Vectors = std::vector<std::vector<float>>;
      return ok ? absl::StatusOr<Vectors>(Vectors(request.texts.size(), {1})) : absl::InvalidArgumentError("not ours");
    });
  };
  CHECK_FALSE(CheckEmbedder(picky).empty());
  CHECK(CheckEmbedder(picky, {.texts = {"ours"}}).empty());
}

TEST_CASE("CheckEmbedder: every broken rule is found out") {
  std::atomic<int> counter = 0;
  std::atomic<int> in_flight = 0;
  auto nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Broken> all = {
      {"embedder.factory", [] { return CheckEmbedder([] { return std::shared_ptr<Embedder>(); }); }},
      {"embedder.no_throw",
       [] {
         return CheckTweaked([](TweakedEmbedder& embedder) {
           embedder.embed = [](const EmbedRequest&, std::span<float>) -> absl::Status { throw std::runtime_error("thrown"); };
         });
       }},
      {"embedder.no_throw",
       [] {
         return CheckTweaked([](TweakedEmbedder& embedder) { embedder.get_fingerprint = []() -> std::string { throw 1; }; });
       }},
      {"embedder.dimension",
       [] { return CheckTweaked([](TweakedEmbedder& embedder) { embedder.get_dimension = [] { return 0U; }; }); }},
      {"embedder.dimension",
       [] {
         return CheckTweaked([](TweakedEmbedder& embedder) {
           embedder.get_dimension = [&embedder] { return embedder.good.counts().calls > 0 ? 5U : 4U; };
         });
       }},
      {"embedder.limits",
       [] {
         return CheckTweaked([](TweakedEmbedder& embedder) { embedder.get_limits = [] { return EmbedLimits{.calls = 0}; }; });
       }},
      Refusing("embedder.limits", [](const EmbedRequest& request) { return request.texts.size() > 20; }),
      {"embedder.fingerprint.readable",
       [] { return CheckTweaked([](TweakedEmbedder& embedder) { embedder.get_fingerprint = [] { return std::string(); }; }); }},
      {"embedder.fingerprint.stable",
       [&] {
         return CheckTweaked(
             [&](TweakedEmbedder& embedder) { embedder.get_fingerprint = [&] { return std::to_string(++counter); }; });
       }},
      Refusing("embedder.accepts", [](const EmbedRequest& request) { return request.texts[0] == " "; }),
      Refusing("embedder.purpose",
               [](const EmbedRequest& request) { return request.purpose == EmbedRequest::Purpose::kQuery; }),
      Spoiled("embedder.shape.row_major",
              [](const EmbedRequest& request, std::span<float> out) {  // column-major
                const std::vector<float> rows(out.begin(), out.end());
                const std::size_t n = request.texts.size();
                const std::size_t dimension = out.size() / n;
                for (std::size_t i = 0; i < rows.size(); ++i) out[(i % dimension) * n + i / dimension] = rows[i];
              }),
      Spoiled("embedder.shape.row_major",
              [](const EmbedRequest&, std::span<float> out) { *(out.data() + out.size()) = 1; }),  // within the kit's room
      Spoiled("embedder.finite", [nan](const EmbedRequest&, std::span<float> out) { out.back() = nan; }),
      Spoiled("embedder.not_zero",
              [](const EmbedRequest& request, std::span<float> out) {
                if (request.texts[0] == " ") std::fill(out.begin(), out.end(), 0.0F);
              }),
      Spoiled("embedder.deterministic",
              [&](const EmbedRequest&, std::span<float> out) { out[0] += static_cast<float>(++counter); }),
      Spoiled("embedder.batch_independent",
              [](const EmbedRequest& request, std::span<float> out) { out[0] += static_cast<float>(request.texts.size()); }),
      {"embedder.concurrent",
       [&] {
         return CheckTweaked([&](TweakedEmbedder& embedder) {
           embedder.embed = [&](const EmbedRequest& request, std::span<float> out) {
             const bool alone = in_flight.fetch_add(1) == 0;
             absl::Status status = embedder.good.Embed(request, out);
             std::this_thread::sleep_for(std::chrono::milliseconds(1));
             if (!alone) out[0] += 1;
             --in_flight;
             return status;
           };
         });
       }},
      Refusing("embedder.deadline", [](const EmbedRequest& request) { return request.deadline < absl::Now(); }),
  };
  CheckFoundOut(all, ListedRules("check_embedder.h", "embedder"));
}

TEST_CASE("Finding: printed as rule and words, one a line") {
  const std::vector<Finding> findings = {{"a.b", "words"}, {"c.d", "more words"}};
  std::ostringstream out;
  out << findings[0];
  CHECK(out.str() == "a.b: words");
  CHECK(ToText(findings) == "a.b: words\nc.d: more words\n");
  CHECK(ToText({}).empty());
}

}  // namespace
}  // namespace ragpipe::testing
