#include "ragpipe/text/semantic_chunker.h"

#include <absl/status/status.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chunk_checks.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::EmbedRequest;
using namespace ragpipe::text;

namespace {

// A dimension for each letter: a text's vector counts its words by their first letter. Subjects are letters.
class LetterEmbedder final : public ragpipe::Embedder {
 public:
  std::size_t dimension() const override { return 26; }
  ragpipe::EmbedLimits limits() const override { return limits_; }
  std::string Fingerprint() const override { return "letters"; }

  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override {
    ++calls;
    texts += request.texts.size();
    std::size_t bytes = 0;
    for (const std::string_view text : request.texts) bytes += text.size();
    CHECK(out.size() == request.texts.size() * dimension());
    CHECK(request.texts.size() <= limits_.texts);
    CHECK((bytes <= limits_.bytes || request.texts.size() == 1));
    if (!answer.ok()) return answer;
    std::fill(out.begin(), out.end(), fill);
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      const std::string_view text = request.texts[i];
      CHECK_FALSE(text.empty());
      for (std::size_t at = 0; at < text.size(); ++at) {
        const bool first = at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n';
        if (first && text[at] >= 'a' && text[at] <= 'z') out[i * 26 + static_cast<std::size_t>(text[at] - 'a')] += 1;
      }
    }
    return absl::OkStatus();
  }

  ragpipe::EmbedLimits limits_;
  absl::Status answer;
  float fill = 0;
  std::size_t calls = 0;
  std::size_t texts = 0;
};

Document Plain(std::string text) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/plain";
  return document;
}

// Sentences of six words about one subject.
std::string Sentences(std::mt19937_64& random, char subject, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "The";
    for (int word = 0; word < 5; ++word) {
      const char letter = random() % 5 == 0 ? static_cast<char>('a' + random() % 26) : subject;
      text += " " + std::string(1, letter) + std::to_string(random() % 1000);
    }
    text += ". ";
  }
  return text;
}

SemanticChunker Make(std::shared_ptr<ragpipe::Embedder> embedder, SemanticChunkerOptions options = {}) {
  return Created(SemanticChunker::Create(WordTokens(), std::move(embedder), options));
}

std::vector<Chunk> Split(const SemanticChunker& chunker, const std::string& text) {
  auto chunks = chunker.Split(Plain(text));
  REQUIRE_OK(chunks);
  return *std::move(chunks);
}

std::set<std::size_t> Cuts(const std::vector<Chunk>& chunks) {
  std::set<std::size_t> cuts;
  for (const Chunk& chunk : chunks) cuts.insert(chunk.range.end);
  return cuts;
}

}  // namespace

TEST_CASE("Text is cut where the subject changes, though it would fit", "[semantic]") {
  RAGPIPE_RANDOM_TEST(random);
  std::string text;
  std::set<std::size_t> changes;
  for (const char subject : {'a', 'k', 'c', 'x', 'k'}) {
    text += Sentences(random, subject, 20);
    changes.insert(text.size());
  }
  const auto cuts = Cuts(Split(Make(std::make_shared<LetterEmbedder>(), {.max_tokens = 4000}), text));
  CAPTURE(text);
  CHECK(std::includes(cuts.begin(), cuts.end(), changes.begin(), changes.end()));
  // Noise parts a neighbourhood of 17 boundaries once at most.
  CHECK(cuts.size() <= 2 * changes.size() + 2);

  // None of 17 numbers is more than 4 standard deviations above their mean.
  CHECK(Split(Make(std::make_shared<LetterEmbedder>(), {.max_tokens = 4000, .threshold = 4}), text).size() == 1);
}

TEST_CASE("Text of one subject, or of none, is packed as sentences are", "[semantic]") {
  const auto embedder = std::make_shared<LetterEmbedder>();
  CHECK(Split(Make(embedder), "").empty());
  CHECK(embedder->calls == 0);
  CHECK(Split(Make(embedder), "One sentence only.").size() == 1);
  CHECK(Split(Make(embedder), "One sentence. Two sentences. ").size() == 1);
  CHECK(Split(Make(embedder), " \n ").size() == 1);
  std::string same;
  for (int i = 0; i < 100; ++i) same += "again and again. \n";
  CHECK(Split(Make(embedder, {.max_tokens = 1000}), same).size() == 1);
  std::string unknown;  // every vector is zero
  for (int i = 0; i < 100; ++i) unknown += "1 2 3 4.\n";
  CHECK(Split(Make(embedder, {.max_tokens = 1000}), unknown).size() == 1);
}

TEST_CASE("Semantic chunks keep the guarantees of all chunkers", "[semantic]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::string pieces[] = {"a word. ",
                                "Kilo!\r\n",
                                "\n\n",
                                "\u6F22\u5B57\u3002",
                                "x",
                                "e\u0301",
                                "\U0001F468\u200D\U0001F469",
                                ". ",
                                "   ",
                                "Long sentence without any end ",
                                "b c d? ",
                                "\r"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::uint64_t n = random() % 120; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const auto tokenizer = round % 3 == 0 ? WordTokens() : round % 3 == 1 ? SeamTokens() : GroupTokens();
    SemanticChunkerOptions options{.max_tokens = 1 + random() % 30};
    options.overlap_tokens = random() % 2 * (random() % options.max_tokens);
    options.min_tokens = random() % 2 * (random() % (options.max_tokens + 1));
    if (random() % 2 == 0) options.max_bytes = 4 + random() % 100;
    options.window_sentences = 1 + random() % 5;
    options.neighbourhood_sentences = 1 + random() % 9;
    const auto chunks =
        Created(SemanticChunker::Create(tokenizer, std::make_shared<LetterEmbedder>(), options)).Split(Plain(text));
    CAPTURE(text, options.max_tokens, options.overlap_tokens, options.min_tokens, options.max_bytes, tokenizer->Fingerprint());
    // "groups" counts a character of three bytes as three.
    if (options.max_tokens < 3 && chunks.status().code() == absl::StatusCode::kOutOfRange) continue;
    REQUIRE_OK(chunks);
    REQUIRE(FindFault(text, *chunks, *tokenizer, options.max_tokens, options.overlap_tokens, options.max_bytes) == "");
  }
}

TEST_CASE("What stands far away decides no cut", "[semantic]") {
  RAGPIPE_RANDOM_TEST(random);
  std::string text;
  for (const char subject : {'a', 'k', 'c', 'x', 'k', 'd', 'a', 'q'}) text += Sentences(random, subject, 25);
  std::string wild;
  for (int i = 0; i < 300; ++i) wild += Sentences(random, static_cast<char>('a' + random() % 26), 1);
  const auto chunker = Make(std::make_shared<LetterEmbedder>(), {.max_tokens = 4000});
  auto before = Cuts(Split(chunker, text));
  auto after = Cuts(Split(chunker, text + wild));
  // 11 sentences of at most 7 tokens, of at most 7 bytes each, and the cut before them.
  const std::size_t far = text.size() - 11 * 7 * 7;
  before.erase(before.lower_bound(far), before.end());
  after.erase(after.lower_bound(far), after.end());
  CHECK_FALSE(before.empty());
  CHECK(before == after);
}

TEST_CASE("An edit changes few semantic chunks", "[semantic]") {
  RAGPIPE_RANDOM_TEST(random);
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += Sentences(random, static_cast<char>('a' + random() % 26), 10 + static_cast<int>(random() % 20));
  const auto chunker = Make(std::make_shared<LetterEmbedder>(), {.max_tokens = 128});
  const auto before = Split(chunker, text);
  std::size_t changed = 0;
  constexpr std::size_t kEdits = 40;
  for (std::size_t i = 0; i < kEdits; ++i) {
    std::string edited = text;
    edited.insert(text.find(' ', random() % (text.size() - 100)) + 1, "inserted ");
    const std::size_t fresh = CountNewTexts(text, before, edited, Split(chunker, edited));
    CHECK(fresh <= 8);
    changed += fresh;
  }
  CHECK(changed <= 2 * kEdits);
}

TEST_CASE("Windows go to the embedder in batches within its limits", "[semantic]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::string text = Sentences(random, 'a', 1500) + Sentences(random, 'b', 1500);
  const auto unlimited = std::make_shared<LetterEmbedder>();
  unlimited->limits_ = {.texts = 100000, .bytes = SIZE_MAX};
  const auto expected = Cuts(Split(Make(unlimited), text));
  CHECK(unlimited->calls <= 4);
  CHECK(unlimited->texts <= 3000 + 100);  // one window a sentence
  const auto by_count = std::make_shared<LetterEmbedder>();
  by_count->limits_ = {.texts = 7};
  CHECK(Cuts(Split(Make(by_count), text)) == expected);
  const auto by_bytes = std::make_shared<LetterEmbedder>();
  by_bytes->limits_ = {.bytes = 1000};
  CHECK(Cuts(Split(Make(by_bytes), text)) == expected);
  const auto by_tokens = std::make_shared<LetterEmbedder>();
  by_tokens->limits_ = {.tokens = 1};
  CHECK(Cuts(Split(Make(by_tokens), text)) == expected);
  CHECK(by_tokens->calls == by_tokens->texts);
}

TEST_CASE("An embedder's error is passed on", "[semantic]") {
  const auto embedder = std::make_shared<LetterEmbedder>();
  embedder->answer = absl::UnavailableError("the service is busy");
  const std::string text = "A secret. Be secret. Cold secret. Deep secret.";
  const absl::Status status = Make(embedder).Split(Plain(text)).status();
  CHECK(status.code() == absl::StatusCode::kUnavailable);
  const std::string message(status.message());
  CHECK(message.find("SemanticChunker") != std::string::npos);
  CHECK(message.find("the service is busy") != std::string::npos);
  CHECK(message.find("secret") == std::string::npos);
  embedder->answer = absl::OkStatus();
  embedder->fill = std::numeric_limits<float>::quiet_NaN();
  CHECK(Make(embedder).Split(Plain(text)).status().code() == absl::StatusCode::kInternal);
}

TEST_CASE("Options of SemanticChunker are refused by name", "[semantic]") {
  const auto embedder = std::make_shared<LetterEmbedder>();
  auto refused = [&](const std::string& name, SemanticChunkerOptions options) {
    const absl::Status status = SemanticChunker::Create(WordTokens(), embedder, options).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(status.message()).find("SemanticChunkerOptions::" + name) != std::string::npos);
  };
  refused("max_tokens", {.max_tokens = 0});
  refused("overlap_tokens", {.max_tokens = 5, .overlap_tokens = 5});
  refused("min_tokens", {.max_tokens = 5, .min_tokens = 6});
  refused("max_bytes", {.max_bytes = 3});
  refused("window_sentences", {.window_sentences = 0});
  refused("window_sentences", {.window_sentences = 65});
  refused("neighbourhood_sentences", {.neighbourhood_sentences = 0});
  refused("threshold", {.threshold = -1});
  refused("threshold", {.threshold = std::numeric_limits<double>::infinity()});
  CHECK(SemanticChunker::Create(nullptr, embedder).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(SemanticChunker::Create(WordTokens(), nullptr).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(Make(embedder).Fingerprint() != Make(embedder, {.threshold = 2}).Fingerprint());
  CHECK(Make(embedder).Fingerprint() != Make(embedder, {.window_sentences = 2}).Fingerprint());
}
