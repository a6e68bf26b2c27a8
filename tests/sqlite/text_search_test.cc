#include <absl/status/status.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fixture.h"
#include "support/seed.h"

namespace ragpipe::sqlite {
namespace {

using Strings = std::vector<std::string>;

struct Fixture {
  Fixture() {
    REQUIRE_OK(store);
    REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(1)}));
  }
  void Add(const std::string& id, const std::string& text, const Strings& headings = {}, const std::string& context = {}) {
    TestRecord record{.id = id, .text = text, .vector = {1}};
    record.chunk.headings = headings;
    record.chunk.context = context;
    REQUIRE_OK(Write(store->sink(), {.document_id = "document of " + id, .upserts = {record}}));
    REQUIRE_OK(Commit(store->checkpoint()));
  }
  Strings Find(std::string_view text) { return FindText(store->index(), text); }
  std::vector<Hit> Hits(std::string_view text) {
    auto hits = store->index().Search({.vector = {}, .text = text, .top_k = 1000, .mode = SearchMode::kText});
    REQUIRE_OK(hits);
    return *std::move(hits);
  }

  TempDir dir;
  std::string path = dir / "index.db";
  absl::StatusOr<Store> store = Store::Open(path);
};

TEST_CASE("words are found in any case, form and accent") {
  Fixture f;
  f.Add("a", "Rotating the key of Zürich's café");
  f.Add("b", "nothing of interest");
  for (const char* query : {"rotate", "ROTATED", "keys", "zurich", "ZÜRICH", "Cafe", "café"}) {
    INFO(query);
    CHECK(f.Find(query) == Strings{"a"});
  }
  CHECK(f.Find("of") == Strings{"b", "a"});  // b is shorter
  CHECK(f.Find("rot").empty());
}

TEST_CASE("headings and context are searched, too") {
  Fixture f;
  f.Add("a", "run this command", {"Operations", "Key rotation"});
  f.Add("b", "8080", {}, "| Port | Default |\n");
  f.Add("c", "run");
  CHECK(f.Find("rotation") == Strings{"a"});
  CHECK(f.Find("port") == Strings{"b"});
  CHECK(f.Find("operations default") == Strings{"b", "a"});
}

TEST_CASE("a query is words, never syntax") {
  Fixture f;
  f.Add("a", "alpha beta");
  f.Add("b", "and or not near text column");
  const Strings queries = {"\"alpha",   "alpha\"",    "alpha*",       "alpha AND missing",
                           "NOT alpha", "text:alpha", "{text}:alpha", "alpha NEAR(",
                           "(alpha",    "^alpha",     "alpha;--",     "'alpha'",
                           "alpha + ",  "- alpha",    "\"alpha\" \"", std::string("alpha\0\"", 7)};
  for (const std::string& query : queries) {
    INFO(query);
    const Strings found = f.Find(query);
    CHECK(std::find(found.begin(), found.end(), "a") != found.end());
  }
  CHECK(f.Find("AND") == Strings{"b"});
}

TEST_CASE("a query without a word finds nothing") {
  Fixture f;
  f.Add("a", "alpha");
  for (const char* query : {"", " ", "?!", "\"\"", "***", "\n\t", "--", "()"}) CHECK(f.Find(query).empty());
}

TEST_CASE("a very long query is answered") {
  Fixture f;
  f.Add("a", "alpha beta");
  std::string query = "alpha ";
  for (int i = 0; i < 20'000; ++i) query += "w" + std::to_string(i) + " ";
  CHECK(f.Find(query) == Strings{"a"});
}

TEST_CASE("a word asked for twice counts once") {
  Fixture f;
  f.Add("a", "alpha gamma");
  f.Add("b", "beta gamma");
  CHECK(f.Hits("alpha alpha Alpha, alphas").at(0).score == f.Hits("alpha").at(0).score);
}

TEST_CASE("scores are those of the BM25 formula") {
  RAGPIPE_RANDOM_TEST(random);
  Fixture f;
  std::map<std::string, std::map<std::string, int>> counts;
  std::map<std::string, int> lengths;
  std::map<std::string, int> with_word;
  double total = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string id = std::to_string(100 + i);
    std::string text;
    for (auto n = random() % 30; n > 0; --n) {
      const std::string word = "w" + std::to_string(random() % 8 * (random() % 8));
      text += word + " ";
      if (counts[id][word]++ == 0) ++with_word[word];
      ++lengths[id];
    }
    total += lengths[id];
    f.Add(id, text);
  }
  const Strings words = {"w0", "w6", "w49"};
  std::map<std::string, double> expected;
  for (const auto& [id, count] : counts) {
    double score = 0;
    for (const std::string& word : words) {
      const auto found = count.find(word);
      if (found == count.end()) continue;
      const double n = with_word[word];
      const double tf = found->second;
      const double norm = 1.2 * (1 - 0.75 + 0.75 * lengths[id] / (total / 60));
      score += std::log(1 + (60 - n + 0.5) / (n + 0.5)) * tf * 2.2 / (tf + norm);
    }
    if (score > 0) expected[id] = score;
  }
  const auto hits = f.Hits("w0 w6 w49");
  CHECK(hits.size() == expected.size());
  for (const Hit& hit : hits) {
    CHECK(hit.score == Approx(expected.at(hit.record_id)));
    CHECK(hit.text_score == hit.score);
    CHECK(hit.vector_score == 0);
  }
  for (std::size_t i = 1; i < hits.size(); ++i) CHECK(hits[i - 1].score >= hits[i].score);
}

TEST_CASE("statistics are of the whole index, whatever the filter") {
  Fixture f;
  f.Add("a", "alpha beta");
  f.Add("b", "beta beta gamma");
  REQUIRE_OK(
      Write(f.store->sink(),
            {.document_id = "c", .upserts = {{.id = "c", .text = "alpha", .vector = {1}}}, .metadata = Metadata{{"k", true}}}));
  REQUIRE_OK(Commit(f.store->checkpoint()));
  const Filter filter = {{"k", Condition::Op::kPresent, {}}};
  const auto hits = f.store->index().Search({.vector = {}, .text = "alpha", .mode = SearchMode::kText, .filter = &filter});
  REQUIRE_OK(hits);
  REQUIRE(hits->size() == 1);
  CHECK(hits->at(0).score == f.Hits("alpha").at(0).score);
}

}  // namespace
}  // namespace ragpipe::sqlite
