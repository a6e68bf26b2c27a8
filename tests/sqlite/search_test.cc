#include <absl/status/status.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fixture.h"
#include "support/seed.h"

namespace ragpipe::sqlite {
namespace {

using Op = Condition::Op;

// A store with some documents of one record each.
struct Fixture {
  explicit Fixture(std::size_t dimension, Metric metric = Metric::kCosine) {
    REQUIRE_OK(store);
    REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(dimension, metric)}));
    REQUIRE_OK(Commit(store->checkpoint()));
  }
  void Add(const std::vector<TestWrite>& writes) {
    REQUIRE_OK(Write(store->sink(), writes));
    REQUIRE_OK(Commit(store->checkpoint()));
  }
  std::vector<Hit> Search(const IndexQuery& query) {
    auto hits = store->index().Search(query);
    REQUIRE_OK(hits);
    return *std::move(hits);
  }

  TempDir dir;
  absl::StatusOr<Store> store = Store::Open(dir / "index.db");
};

std::vector<float> RandomVector(std::mt19937_64& random, std::size_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  for (float& x : vector) x = normal(random);
  return vector;
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return aa == 0 || bb == 0 ? 0 : dot / std::sqrt(aa * bb);
}

double Score(Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
  if (metric == Metric::kCosine) return Cosine(a, b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    sum += metric == Metric::kDot ? x * y : -(x - y) * (x - y);
  }
  return sum;
}

TEST_CASE("vector search equals a brute-force one") {
  RAGPIPE_RANDOM_TEST(random);
  const Metric metric = GENERATE(Metric::kCosine, Metric::kDot, Metric::kL2);
  const std::size_t dimension = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{33}, std::size_t{100});
  Fixture f(dimension, metric);
  std::map<std::string, std::vector<float>> records;
  std::vector<TestWrite> writes;
  for (int i = 0; i < 700; ++i) {
    const std::string id = std::to_string(random() % 1'000'000);
    if (!records.emplace(id, RandomVector(random, dimension)).second) continue;
    writes.push_back({.document_id = "d" + id, .upserts = {{.id = id, .text = "x", .vector = records[id]}}});
  }
  f.Add(writes);
  std::vector<TestWrite> deletes;
  for (const auto& [id, vector] : records) {
    if (random() % 3 == 0) deletes.push_back({.document_id = "d" + id, .deletes = {id}, .metadata = {}});
  }
  for (const TestWrite& write : deletes) records.erase(write.deletes[0]);
  f.Add(deletes);

  const std::vector<float> query = RandomVector(random, dimension);
  std::vector<std::pair<double, std::string>> expected;
  for (const auto& [id, vector] : records) expected.emplace_back(-Score(metric, query, vector), id);
  std::sort(expected.begin(), expected.end());

  const auto hits = f.Search({.vector = query, .text = {}, .top_k = 25, .mode = SearchMode::kVector});
  REQUIRE(hits.size() == 25);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    INFO(ToString(metric) << " " << dimension << " rank " << i);
    CHECK(hits[i].score == Approx(-expected[i].first).epsilon(1e-4).margin(1e-5));
    CHECK(hits[i].vector_score == hits[i].score);
    CHECK(hits[i].score == Approx(Score(metric, query, records.at(hits[i].record_id))).epsilon(1e-4).margin(1e-5));
  }
  CHECK(f.Search({.vector = query, .text = {}, .top_k = 100'000, .mode = SearchMode::kVector}).size() == records.size());
}

TEST_CASE("equal scores come in the order of record ids, also at the cut") {
  Fixture f(2);
  std::vector<TestWrite> writes;
  for (int i = 0; i < 40; ++i) {
    const std::string id = std::to_string((i * 17) % 40 + 100);
    writes.push_back({.document_id = id, .upserts = {{.id = id, .text = "same words", .vector = {1, 1}}}});
  }
  f.Add(writes);
  const std::vector<float> query = {1, 1};
  const std::vector<std::string> expected = {"100", "101", "102", "103", "104"};
  for (const SearchMode mode : {SearchMode::kVector, SearchMode::kText, SearchMode::kHybrid}) {
    CHECK(RecordIds(f.Search({.vector = query, .text = "words", .top_k = 5, .mode = mode})) == expected);
  }
}

TEST_CASE("vectors without length or beyond the squares of a float have scores, too") {
  const std::vector<float> huge = {3e38F, 3e38F};
  const std::vector<float> zero = {0, 0};
  Fixture f(2, GENERATE(Metric::kCosine, Metric::kDot, Metric::kL2));
  f.Add({{.document_id = "h", .upserts = {{.id = "huge", .text = "x", .vector = huge}}},
         {.document_id = "o", .upserts = {{.id = "opposite", .text = "x", .vector = {-3e38F, -3e38F}}}},
         {.document_id = "z", .upserts = {{.id = "zero", .text = "x", .vector = zero}}}});
  const auto hits = f.Search({.vector = huge, .text = {}, .mode = SearchMode::kVector});
  CHECK(RecordIds(hits) == std::vector<std::string>{"huge", "zero", "opposite"});
  for (const Hit& hit : hits) CHECK(std::isfinite(hit.score));
  CHECK(f.Search({.vector = zero, .text = "x", .mode = SearchMode::kHybrid}).size() == 3);
}

TEST_CASE("a query that makes no sense is refused") {
  Fixture f(2);
  f.Add({{.document_id = "d", .upserts = {{.id = "r", .text = "x", .vector = {1, 0}}}}});
  const std::vector<float> good = {1, 0};
  const std::vector<float> three = {1, 0, 0};
  const std::vector<float> nan = {1, std::nanf("")};
  const double not_a_number = std::nan("");
  const std::vector<Filter> filters = {
      {{"f", Op::kEqual, {}}},
      {{"f", Op::kLess, {}}},
      {{"f", Op::kContains, {}}},
      {{"f", Op::kEqual, {true, false}}},
      {{"f", Op::kPresent, {true}}},
      {{"f", Op::kAbsent, {true}}},
      {{"f", Op::kLess, {not_a_number}}},
      {{"ok", Op::kPresent, {}}, {"f", Op::kNotEqual, {}}},
  };
  std::vector<IndexQuery> queries = {
      {.vector = good, .text = "x", .top_k = 0},
      {.vector = three, .text = "x"},
      {.vector = {}, .text = "x"},
      {.vector = {}, .text = "x", .mode = SearchMode::kVector},
      {.vector = nan, .text = "x"},
      {.vector = good, .text = "x", .vector_weight = -0.1},
      {.vector = good, .text = "x", .vector_weight = 1.1},
      {.vector = good, .text = "x", .vector_weight = not_a_number},
      {.vector = good, .text = "\xff"},
  };
  for (const Filter& filter : filters) queries.push_back({.vector = good, .text = "x", .filter = &filter});
  for (const IndexQuery& query : queries) {
    const auto hits = f.store->index().Search(query);
    CHECK(hits.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK_FALSE(hits.status().message().empty());
  }
  CHECK(f.Search({.vector = good, .text = "x"}).size() == 1);
}

// The rules of Condition, from its comment.
std::optional<double> Number(const MetadataValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

bool Equal(const MetadataValue& a, const MetadataValue& b) {
  const bool numbers = Number(a).has_value() && Number(b).has_value();
  return numbers ? *Number(a) == *Number(b) : a == b;
}

std::partial_ordering Compare(const MetadataValue& a, const MetadataValue& b) {
  if (Number(a).has_value() && Number(b).has_value()) return *Number(a) <=> *Number(b);
  const auto* x = std::get_if<std::string>(&a);
  const auto* y = std::get_if<std::string>(&b);
  if (x == nullptr || y == nullptr) return std::partial_ordering::unordered;
  return *x <=> *y;
}

bool Meets(const Metadata& metadata, const Condition& condition) {
  const auto found = metadata.find(condition.field);
  if (found == metadata.end()) return condition.op == Op::kNotEqual || condition.op == Op::kAbsent;
  const MetadataValue& value = found->second;
  const auto& values = condition.values;
  const std::partial_ordering order = values.empty() ? std::partial_ordering::unordered : Compare(value, values[0]);
  switch (condition.op) {
    case Op::kEqual:
      return Equal(value, values[0]);
    case Op::kNotEqual:
      return !Equal(value, values[0]);
    case Op::kLess:
      return order < 0;
    case Op::kLessOrEqual:
      return order <= 0;
    case Op::kGreater:
      return order > 0;
    case Op::kGreaterOrEqual:
      return order >= 0;
    case Op::kAnyOf:
      return std::any_of(values.begin(), values.end(), [&](const MetadataValue& v) { return Equal(value, v); });
    case Op::kContains: {
      const auto* list = std::get_if<std::vector<std::string>>(&value);
      const auto* item = std::get_if<std::string>(&values[0]);
      return list != nullptr && item != nullptr && std::find(list->begin(), list->end(), *item) != list->end();
    }
    case Op::kPresent:
      return true;
    case Op::kAbsent:
      return false;
  }
  return false;
}

using Strings = std::vector<std::string>;

const std::vector<MetadataValue> kValues = {true,
                                            false,
                                            std::int64_t{0},
                                            std::int64_t{1},
                                            std::int64_t{-7},
                                            0.0,
                                            1.0,
                                            0.5,
                                            -7.5,
                                            1e300,
                                            std::string(),
                                            std::string("1"),
                                            "true",
                                            "a",
                                            "b",
                                            "é",
                                            "Z",
                                            "[\"a\"]",
                                            Strings{},
                                            Strings{"a"},
                                            Strings{"a", "b"},
                                            Strings{"b", "a"},
                                            Strings{"a", "a"},
                                            Strings{"1"}};

TEST_CASE("every condition on every pair of values") {
  Fixture f(2);
  std::vector<TestWrite> writes = {{.document_id = "none",
                                    .upserts = {{.id = "none", .text = "x", .vector = {1, 0}}},
                                    .metadata = Metadata{{"other", true}}}};
  for (std::size_t i = 0; i < kValues.size(); ++i) {
    const std::string id = "d" + std::to_string(i);
    writes.push_back(
        {.document_id = id, .upserts = {{.id = id, .text = "x", .vector = {1, 0}}}, .metadata = Metadata{{"f", kValues[i]}}});
  }
  f.Add(writes);
  const std::vector<float> query = {1, 0};
  for (const Op op : {Op::kEqual, Op::kNotEqual, Op::kLess, Op::kLessOrEqual, Op::kGreater, Op::kGreaterOrEqual, Op::kAnyOf,
                      Op::kContains, Op::kPresent, Op::kAbsent}) {
    for (std::size_t v = 0; v < kValues.size(); ++v) {
      const bool none = op == Op::kPresent || op == Op::kAbsent;
      const Filter filter = {{"f", op, none ? std::vector<MetadataValue>() : std::vector{kValues[v]}}};
      std::vector<std::string> expected;
      for (const TestWrite& write : writes) {
        if (Meets(*write.metadata, filter[0])) expected.push_back(write.document_id);
      }
      std::sort(expected.begin(), expected.end());
      INFO("op " << static_cast<int>(op) << " value " << v);
      CHECK(FindAll(f.store->index(), query, &filter) == expected);
    }
  }
}

TEST_CASE("conditions are joined by and; any-of takes any number of values") {
  Fixture f(2);
  std::vector<TestWrite> writes;
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(10 + i);
    writes.push_back({.document_id = id,
                      .upserts = {{.id = id, .text = "x", .vector = {1, 0}}},
                      .metadata = Metadata{{"n", std::int64_t{i}}, {"even", i % 2 == 0}}});
  }
  f.Add(writes);
  const std::vector<float> query = {1, 0};
  Filter filter = {{"n", Op::kGreaterOrEqual, {4.5}}, {"n", Op::kLess, {std::int64_t{9}}}, {"even", Op::kEqual, {true}}};
  CHECK(FindAll(f.store->index(), query, &filter) == Strings{"16", "18"});
  filter = {{"n", Op::kAnyOf, {std::int64_t{3}, 4.0, "5", std::int64_t{99}}}};
  CHECK(FindAll(f.store->index(), query, &filter) == Strings{"13", "14"});
  filter = {{"n", Op::kAnyOf, {}}};
  CHECK(FindAll(f.store->index(), query, &filter).empty());
  filter = {{"", Op::kAbsent, {}}};
  CHECK(FindAll(f.store->index(), query, &filter).size() == 20);
  filter = {};
  CHECK(FindAll(f.store->index(), query, &filter).size() == 20);
}

TEST_CASE("the filter decides before the ranking") {
  Fixture f(2);
  std::vector<TestWrite> writes;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = std::to_string(1000 + i);
    writes.push_back({.document_id = id,
                      .upserts = {{.id = id, .text = "word", .vector = {1, static_cast<float>(i)}}},
                      .metadata = Metadata{{"late", i >= 990}}});
  }
  f.Add(writes);
  const std::vector<float> query = {1, 0};
  const Filter filter = {{"late", Op::kEqual, {true}}};
  for (const SearchMode mode : {SearchMode::kVector, SearchMode::kText, SearchMode::kHybrid}) {
    for (const Fusion fusion : {Fusion::kConvexSum, Fusion::kReciprocalRank}) {
      const auto hits =
          f.Search({.vector = query, .text = "word", .top_k = 10, .mode = mode, .fusion = fusion, .filter = &filter});
      REQUIRE(hits.size() == 10);
      CHECK(hits[0].record_id == "1990");
    }
  }
}

TEST_CASE("fused scores are those of the definitions") {
  RAGPIPE_RANDOM_TEST(random);
  const Metric metric = GENERATE(Metric::kCosine, Metric::kDot, Metric::kL2);
  Fixture f(8, metric);
  std::vector<TestWrite> writes;
  std::map<std::string, std::vector<float>> vectors;
  for (int i = 0; i < 400; ++i) {
    const std::string id = std::to_string(1000 + i);
    vectors[id] = RandomVector(random, 8);
    std::string text = "filler";
    for (auto n = random() % 4; n > 0; --n) text += " alpha";
    for (auto n = random() % 3; n > 0; --n) text += " beta";
    writes.push_back({.document_id = id, .upserts = {{.id = id, .text = text, .vector = vectors[id]}}});
  }
  f.Add(writes);
  const std::vector<float> query = RandomVector(random, 8);
  const std::string text = "Alpha, beta?";
  const auto by_vector = f.Search({.vector = query, .text = text, .top_k = 100, .mode = SearchMode::kVector});
  const auto by_text = f.Search({.vector = query, .text = text, .top_k = 100, .mode = SearchMode::kText});
  const auto all_text = f.Search({.vector = query, .text = text, .top_k = 1000, .mode = SearchMode::kText});
  std::map<std::string, double> text_scores;
  for (const Hit& hit : all_text) text_scores[hit.record_id] = hit.text_score;

  SECTION("convex sum") {
    const double weight = 0.3;
    std::map<std::string, double> expected;
    for (const auto* list : {&by_vector, &by_text}) {
      for (const Hit& hit : *list) {
        expected[hit.record_id] = (1 - weight) * text_scores[hit.record_id] / by_text[0].text_score +
                                  weight * std::max(0.0, Cosine(query, vectors[hit.record_id]));
      }
    }
    const auto hits = f.Search({.vector = query, .text = text, .top_k = 100, .vector_weight = weight});
    REQUIRE(hits.size() == 100);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      CHECK(hits[i].score == Approx(expected.at(hits[i].record_id)).epsilon(1e-5));
      CHECK(hits[i].text_score == text_scores[hits[i].record_id]);
      CHECK(hits[i].vector_score == Approx(Score(metric, query, vectors[hits[i].record_id])).epsilon(1e-4).margin(1e-5));
      CHECK((i == 0 || hits[i - 1].score >= hits[i].score));
    }
    const double best =
        std::max_element(expected.begin(), expected.end(), [](auto& a, auto& b) { return a.second < b.second; })->second;
    CHECK(hits[0].score == Approx(best).epsilon(1e-5));
  }
  SECTION("reciprocal rank") {
    std::map<std::string, double> expected;
    for (const auto* list : {&by_vector, &by_text}) {
      for (std::size_t i = 0; i < list->size(); ++i) expected[(*list)[i].record_id] += 1.0 / (61.0 + static_cast<double>(i));
    }
    std::vector<std::pair<double, std::string>> order;
    for (const auto& [id, score] : expected) order.emplace_back(-score, id);
    std::sort(order.begin(), order.end());
    const auto hits = f.Search({.vector = query, .text = text, .top_k = 50, .fusion = Fusion::kReciprocalRank});
    REQUIRE(hits.size() == 50);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      CHECK(hits[i].record_id == order[i].second);
      CHECK(hits[i].score == Approx(-order[i].first));
    }
  }
  SECTION("all weight on one side") {
    CHECK(f.Search({.vector = query, .text = text, .top_k = 1, .vector_weight = 0})[0].text_score == by_text[0].text_score);
    if (metric == Metric::kCosine) {
      CHECK(f.Search({.vector = query, .text = text, .top_k = 1, .vector_weight = 1})[0].record_id == by_vector[0].record_id);
    }
  }
  SECTION("a text without a word leaves the vectors") {
    CHECK(RecordIds(f.Search({.vector = query, .text = " ?! ", .top_k = 10, .fusion = Fusion::kReciprocalRank})) ==
          RecordIds({by_vector.begin(), by_vector.begin() + 10}));
  }
}

}  // namespace
}  // namespace ragpipe::sqlite
