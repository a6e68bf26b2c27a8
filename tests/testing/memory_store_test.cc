#include "ragpipe/testing/memory_store.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

namespace ragpipe::testing {
namespace {

using Strings = std::vector<std::string>;

Recipe TestRecipe(Metric metric = Metric::kCosine) { return {"chunker", "embedder", 2, metric, "schema"}; }

/// Writes one document whose records are named and whose vectors are given.
struct TestRecord {
  std::string id;
  std::vector<float> vector;
  std::string text = "some text";
};

struct TestWrite {
  std::string document = "document";
  std::vector<TestRecord> upserts = {};
  std::vector<TestRecord> patches = {};
  std::vector<std::string_view> deletes = {};
  bool replace_all = false;
  Metadata metadata = {};
};

absl::Status Write(MemoryStore& store, const TestWrite& test) {
  const Chunk chunk;
  auto records = [&](const std::vector<TestRecord>& from) {
    std::vector<Record> result;
    for (const TestRecord& record : from) {
      result.push_back({record.id, record.id, record.vector, record.text, result.size(), &chunk});
    }
    return result;
  };
  const std::vector<Record> upserts = records(test.upserts);
  const std::vector<Record> patches = records(test.patches);
  DocumentWrite write;
  write.source = "source";
  write.document_id = test.document;
  write.metadata = &test.metadata;
  write.upserts = upserts;
  write.patches = patches;
  write.deletes = test.deletes;
  write.replace_all = test.replace_all;
  return store.sink().Write({&write, 1});
}

void Ensure(MemoryStore& store, const Recipe& recipe = TestRecipe()) { REQUIRE_OK(store.sink().EnsureCollection({recipe})); }

void Commit(MemoryStore& store, std::string_view cursor = "1") {
  const std::vector<PartitionCursor> cursors = {{"", std::string(cursor)}};
  CommitRequest request;
  request.source = "source";
  request.cursors = cursors;
  REQUIRE_OK(store.sink().Flush());
  REQUIRE_OK(store.checkpoint().Commit(request));
}

Strings Ids(const MemoryStore& store) {
  Strings ids;
  for (const auto& [id, record] : store.records()) ids.push_back(id);
  return ids;
}

TEST_CASE("MemoryStore: one transaction: writes are there with the commit, and go with a crash before it") {
  MemoryStore store;
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}, {"b", {0, 1}}}}));
  REQUIRE_OK(store.sink().Flush());
  CHECK(Ids(store).empty());
  Commit(store);
  CHECK(Ids(store) == Strings{"a", "b"});

  REQUIRE_OK(Write(store, {.upserts = {{"a", {0, 1}, "new"}, {"c", {1, 0}}}, .deletes = {"b"}}));
  REQUIRE_OK(store.sink().Flush());
  CHECK(Ids(store) == Strings{"a", "b"});
  store.Crash(MemoryStore::UnflushedWrites::kKept);  // which one transaction cannot
  CHECK(Ids(store) == Strings{"a", "b"});
  CHECK(store.records().at("a").text == "some text");

  REQUIRE_OK(Write(store, {.deletes = {"a"}}));
  Commit(store);
  CHECK(Ids(store) == Strings{"b"});
  store.Crash();
  CHECK(Ids(store) == Strings{"b"});
}

TEST_CASE("MemoryStore: a sink of its own: writes are there with the flush") {
  MemoryStore store({.shared_transaction = false});
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}}}));
  CHECK(Ids(store).empty());
  REQUIRE_OK(store.sink().Flush());
  CHECK(Ids(store) == Strings{"a"});
  REQUIRE_OK(Write(store, {.upserts = {{"b", {1, 0}}}}));
  store.Crash(MemoryStore::UnflushedWrites::kKept);
  CHECK(Ids(store) == Strings{"a", "b"});
  REQUIRE_OK(Write(store, {.upserts = {{"c", {1, 0}}}}));
  store.Crash();
  CHECK(Ids(store) == Strings{"a", "b"});
}

TEST_CASE("MemoryStore: a rebuild that was not committed is undone by a crash, recipe and all") {
  MemoryStore store;
  CHECK(store.index().LoadRecipe().status().code() == absl::StatusCode::kNotFound);
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}}}));
  Commit(store);
  Recipe other = TestRecipe();
  other.embedder = "another";
  CHECK(store.sink().EnsureCollection({other}).code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE_OK(store.sink().EnsureCollection({other, true}));
  CHECK(*store.index().LoadRecipe() == TestRecipe());
  store.Crash();
  CHECK(Ids(store) == Strings{"a"});
  Ensure(store);
}

TEST_CASE("MemoryStore: a crash restores any sequence of writes") {
  RAGPIPE_RANDOM_TEST(random);
  MemoryStore store;
  Ensure(store);
  Commit(store);
  std::map<std::string, std::string> durable;
  std::map<std::string, std::string> live;
  auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  for (int step = 0; step < 400; ++step) {
    const int document = pick(4);
    const std::string record = std::to_string(document) + "/" + std::to_string(pick(4));
    TestWrite write;
    write.document = std::to_string(document);
    if (pick(3) > 0) {
      const std::string text = std::to_string(step);
      write.upserts.push_back({record, {1, 0}, text});
      live[record] = text;
    } else {
      write.deletes.push_back(record);
      live.erase(record);
    }
    if (pick(10) == 0) {
      write.replace_all = true;
      std::erase_if(live, [&](const auto& one) { return one.first[0] == record[0] && one.first != record; });
      if (write.upserts.empty()) live.erase(record);
    }
    REQUIRE_OK(Write(store, write));
    if (pick(8) == 0) {
      Commit(store);
      durable = live;
    } else if (pick(8) == 0) {
      store.Crash();
      live = durable;
    }
    std::map<std::string, std::string> stored;
    for (const auto& [id, one] : store.records()) stored[id] = one.text;
    REQUIRE(stored == durable);
  }
}

TEST_CASE("MemoryStore: refuses what no pipeline should send, and keeps what was written before") {
  MemoryStore store;
  CHECK(Write(store, {.upserts = {{"a", {1, 0}}}}).code() == absl::StatusCode::kFailedPrecondition);
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}}}));
  CHECK(Write(store, {.upserts = {{"b", {1, 0}}, {"c", {1}}}}).code() == absl::StatusCode::kInvalidArgument);
  CHECK(Write(store, {.upserts = {{"b", {1, NAN}}}}).code() == absl::StatusCode::kInvalidArgument);
  CHECK(Write(store, {.patches = {{"b", {}}}}).code() == absl::StatusCode::kFailedPrecondition);
  Commit(store);
  CHECK(Ids(store) == Strings{"a"});

  MemoryStore plain({.patches_payload = false});
  Ensure(plain);
  REQUIRE_OK(Write(plain, {.upserts = {{"a", {1, 0}}}}));
  CHECK(Write(plain, {.patches = {{"a", {}}}}).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("MemoryStore: options switch parts off") {
  MemoryStore store({.patches_payload = false, .finds_vectors = false, .keeps_ledger = false});
  CHECK_FALSE(store.sink().patches_payload());
  CHECK_FALSE(store.checkpoint().keeps_ledger());
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}}}));
  std::vector<std::vector<float>> vectors;
  const std::vector<std::string_view> keys = {"a"};
  REQUIRE_OK(store.sink().FindVectors(keys, vectors));
  CHECK(vectors == std::vector<std::vector<float>>{{}});
  CHECK(store.checkpoint().ListDocuments("source", "", 1).status().code() == absl::StatusCode::kFailedPrecondition);
  Commit(store, "7");
  CHECK(store.checkpoint().LoadCursors("source")->at(0).cursor == "7");
}

TEST_CASE("MemoryStore: counts what was done") {
  MemoryStore store;
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}}, {"b", {1, 0}}}}));
  REQUIRE_OK(Write(store, {.patches = {{"a", {}}}, .deletes = {"b", "never was"}}));
  Commit(store);
  const MemoryStore::Counts counts = store.counts();
  CHECK(counts.writes == 2);
  CHECK(counts.upserts == 2);
  CHECK(counts.patches == 1);
  CHECK(counts.deletes == 1);
  CHECK(counts.flushes == 1);
  CHECK(counts.commits == 1);
}

TEST_CASE("MemoryStore: the ledger by document id") {
  MemoryStore store;
  LedgerEntry entry;
  entry.document_id = "a";
  CommitRequest request;
  request.source = "source";
  request.entries = {&entry, 1};
  REQUIRE_OK(store.checkpoint().Commit(request));
  CHECK(store.entries("source") == std::map<std::string, LedgerEntry>{{"a", entry}});
  CHECK(store.entries("another").empty());
}

// Search.

Strings Found(MemoryStore& store, const IndexQuery& query) {
  const auto hits = store.index().Search(query);
  REQUIRE_OK(hits);
  Strings ids;
  for (const Hit& hit : *hits) ids.push_back(hit.record_id);
  return ids;
}

TEST_CASE("MemoryStore: vector search by each metric, ties by id") {
  const std::vector<float> query = {1, 0};
  IndexQuery by_vector;
  by_vector.vector = query;
  by_vector.mode = SearchMode::kVector;
  auto found = [&](Metric metric) {
    MemoryStore store;
    Ensure(store, TestRecipe(metric));
    REQUIRE_OK(Write(store, {.upserts = {{"far", {9, 9}}, {"near", {0.5F, 0}}, {"also near", {0.5F, 0}}, {"back", {-1, 0}}}}));
    Commit(store);
    return Found(store, by_vector);
  };
  CHECK(found(Metric::kCosine) == Strings{"also near", "near", "far", "back"});
  CHECK(found(Metric::kDot) == Strings{"far", "also near", "near", "back"});
  CHECK(found(Metric::kL2) == Strings{"also near", "near", "back", "far"});
}

TEST_CASE("MemoryStore: text search and fusion") {
  MemoryStore store;
  Ensure(store);
  REQUIRE_OK(Write(store, {.upserts = {{"a", {1, 0}, "the key, the Key"},
                                       {"b", {0, 1}, "the key of the door in the hall of the house"},
                                       {"c", {-1, 0}, "the door"}}}));
  Commit(store);
  const std::vector<float> vector = {0, 1};
  IndexQuery query;
  query.text = "KEY!";
  query.mode = SearchMode::kText;
  CHECK(Found(store, query) == Strings{"a", "b"});
  const auto hits = store.index().Search(query);
  // By hand: idf = ln(1 + 1.5 / 2.5), lengths 4, 11 and 2, mean 17 / 3.
  CHECK((*hits)[0].score == Approx(0.470004 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 4 * 3 / 17))));
  CHECK((*hits)[1].score == Approx(0.470004 * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 11 * 3 / 17))));
  CHECK((*hits)[0].vector_score == 0);

  query.vector = vector;
  query.mode = SearchMode::kHybrid;
  query.vector_weight = 0.9;
  CHECK(Found(store, query) == Strings{"b", "a", "c"});
  query.vector_weight = 0.1;
  CHECK(Found(store, query) == Strings{"a", "b", "c"});
  query.fusion = Fusion::kReciprocalRank;
  CHECK(store.index().Search(query)->at(0).score == Approx(1.0 / 61 + 1.0 / 62));
  query.top_k = 1;
  CHECK(Found(store, query).size() == 1);
}

TEST_CASE("MemoryStore: filters") {
  MemoryStore store;
  Ensure(store);
  auto put = [&](const std::string& id, Metadata metadata) {
    REQUIRE_OK(Write(store, {.document = id, .upserts = {{id, {1, 0}}}, .metadata = std::move(metadata)}));
  };
  put("a", {{"year", std::int64_t{2020}}, {"tags", std::vector<std::string>{"x", "y"}}, {"name", std::string("ann")}});
  put("b", {{"year", 2020.5}, {"name", std::string("bob")}});
  put("c", {{"open", true}});
  Commit(store);
  using Op = Condition::Op;
  const std::vector<float> vector = {1, 0};
  auto found = [&](Condition condition) {
    const Filter filter = {std::move(condition)};
    IndexQuery query;
    query.vector = vector;
    query.mode = SearchMode::kVector;
    query.filter = &filter;
    return Found(store, query);
  };
  CHECK(found({"year", Op::kEqual, {2020.0}}) == Strings{"a"});
  CHECK(found({"year", Op::kNotEqual, {2020.0}}) == Strings{"b", "c"});
  CHECK(found({"year", Op::kLess, {std::int64_t{2021}}}) == Strings{"a", "b"});
  CHECK(found({"year", Op::kLessOrEqual, {2020.0}}) == Strings{"a"});
  CHECK(found({"year", Op::kGreater, {std::int64_t{2020}}}) == Strings{"b"});
  CHECK(found({"year", Op::kGreater, {std::string("1")}}) == Strings{});
  CHECK(found({"name", Op::kGreaterOrEqual, {std::string("ann")}}) == Strings{"a", "b"});
  CHECK(found({"name", Op::kAnyOf, {std::string("bob"), true}}) == Strings{"b"});
  CHECK(found({"name", Op::kAnyOf, {}}) == Strings{});
  CHECK(found({"tags", Op::kContains, {std::string("y")}}) == Strings{"a"});
  CHECK(found({"name", Op::kContains, {std::string("ann")}}) == Strings{});
  CHECK(found({"open", Op::kPresent, {}}) == Strings{"c"});
  CHECK(found({"open", Op::kAbsent, {}}) == Strings{"a", "b"});
  CHECK(found({"open", Op::kEqual, {std::int64_t{1}}}) == Strings{});
}

TEST_CASE("MemoryStore: queries that make no sense") {
  MemoryStore store;
  IndexQuery query;
  query.mode = SearchMode::kText;
  query.text = "x";
  CHECK(store.index().Search(query).status().code() == absl::StatusCode::kNotFound);
  Ensure(store);
  Commit(store);
  CHECK(Found(store, query).empty());
  auto code = [&] { return store.index().Search(query).status().code(); };
  query.top_k = 0;
  CHECK(code() == absl::StatusCode::kInvalidArgument);
  query.top_k = 1;
  query.vector_weight = NAN;
  CHECK(code() == absl::StatusCode::kInvalidArgument);
  query.vector_weight = 1;
  const Filter filter = {{"field", Condition::Op::kLess, {}}};
  query.filter = &filter;
  CHECK(code() == absl::StatusCode::kInvalidArgument);
  query.filter = nullptr;
  query.mode = SearchMode::kVector;
  CHECK(code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ragpipe::testing
