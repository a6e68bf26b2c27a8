#include "ragpipe/testing/hash_embedder.h"

#include <absl/time/clock.h>

#include <cmath>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.h"

namespace ragpipe::testing {
namespace {

using Texts = std::vector<std::string_view>;

std::vector<float> Embed(Embedder& embedder, const Texts& texts) {
  std::vector<float> out(texts.size() * embedder.dimension());
  EmbedRequest request;
  request.texts = texts;
  REQUIRE_OK(embedder.Embed(request, out));
  return out;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

TEST_CASE("HashEmbedder: unit vectors, the same for the same text only") {
  for (const std::size_t dimension : {1U, 2U, 16U, 384U}) {
    HashEmbedder embedder({.dimension = dimension});
    const std::vector<float> a = Embed(embedder, {"alpha"});
    CHECK(Dot(a, a) == Approx(1).epsilon(1e-5));
    CHECK(a == Embed(embedder, {"alpha"}));
    const std::vector<float> both = Embed(embedder, {"beta", "alpha"});
    CHECK(std::vector<float>(both.end() - static_cast<std::ptrdiff_t>(dimension), both.end()) == a);
    if (dimension >= 384) CHECK(std::abs(Dot(a, Embed(embedder, {"beta"}))) < 0.3);
  }
}

TEST_CASE("HashEmbedder: another fingerprint is another model") {
  HashEmbedder one({.fingerprint = "one"});
  HashEmbedder two({.fingerprint = "two"});
  CHECK(one.Fingerprint() != two.Fingerprint());
  CHECK(Embed(one, {"alpha"}) != Embed(two, {"alpha"}));
  CHECK(HashEmbedder({.dimension = 8}).Fingerprint() != HashEmbedder({.dimension = 9}).Fingerprint());
}

TEST_CASE("HashEmbedder: refuses what its caller must not send") {
  HashEmbedder embedder({.dimension = 4, .limits = {.texts = 2, .bytes = 10}});
  auto code = [&](const Texts& texts, std::size_t floats) {
    std::vector<float> out(floats);
    EmbedRequest request;
    request.texts = texts;
    return embedder.Embed(request, out).code();
  };
  CHECK(code({"a", "b"}, 8) == absl::StatusCode::kOk);
  CHECK(code({"a single text may be longer than the limit"}, 4) == absl::StatusCode::kOk);
  CHECK(code({}, 0) == absl::StatusCode::kInternal);
  CHECK(code({"a", ""}, 8) == absl::StatusCode::kInternal);
  CHECK(code({"a", "\xFF"}, 8) == absl::StatusCode::kInternal);
  CHECK(code({"a", "b", "c"}, 12) == absl::StatusCode::kInternal);
  CHECK(code({"longer", "than ten"}, 8) == absl::StatusCode::kInternal);
  CHECK(code({"a", "b"}, 7) == absl::StatusCode::kInternal);
}

TEST_CASE("HashEmbedder: counts calls, texts and calls at once; the hook decides") {
  std::mutex mutex;
  std::condition_variable wake;
  int waiting = 0;
  HashEmbedder embedder({.on_call = [&](const EmbedRequest& request) {
    if (request.texts[0] == "refuse") return absl::InvalidArgumentError("refused");
    std::unique_lock lock(mutex);
    ++waiting;
    wake.notify_all();
    wake.wait(lock, [&] { return waiting >= 3; });
    return absl::OkStatus();
  }});
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&embedder] {
      const Texts texts = {"one", "three"};
      std::vector<float> out(2 * embedder.dimension());
      EmbedRequest request;
      request.texts = texts;
      (void)embedder.Embed(request, out);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<float> out(embedder.dimension());
  const Texts refused = {"refuse"};
  EmbedRequest request;
  request.texts = refused;
  CHECK(embedder.Embed(request, out).code() == absl::StatusCode::kInvalidArgument);
  CHECK(embedder.counts().calls == 4);
  CHECK(embedder.counts().texts == 7);
  CHECK(embedder.counts().bytes == 30);
  CHECK(embedder.counts().most_at_once == 3);
}

TEST_CASE("HashEmbedder: latency is slept") {
  HashEmbedder embedder({.latency = absl::Milliseconds(20)});
  const absl::Time start = absl::Now();
  Embed(embedder, {"alpha"});
  CHECK(absl::Now() - start >= absl::Milliseconds(20));
}

}  // namespace
}  // namespace ragpipe::testing
