#include <absl/status/status.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fixture.h"
#include "support/seed.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};
const std::vector<float> kUp = {0, 1};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// A store with a collection of two dimensions.
struct Fixture {
  Fixture() {
    REQUIRE_OK(store);
    REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
    REQUIRE_OK(Commit(store->checkpoint()));
  }

  VectorSink& sink() { return store->sink(); }
  void Commit1(const TestWrite& write) {
    REQUIRE_OK(Write(sink(), write));
    REQUIRE_OK(sink().Flush());
    REQUIRE_OK(Commit(store->checkpoint()));
  }
  std::vector<std::string> All() { return FindAll(store->index(), kRight); }
  Hit Only(const std::vector<float>& vector = kRight) {
    const auto hits = store->index().Search({.vector = vector, .text = {}, .mode = SearchMode::kVector});
    REQUIRE_OK(hits);
    REQUIRE(hits->size() == 1);
    return hits->front();
  }
  std::string Count(const std::string& table) { return RunSql(path, "SELECT count(*) FROM " + table); }

  TempDir dir;
  std::string path = dir / "index.db";
  absl::StatusOr<Store> store = Store::Open(path);
};

TEST_CASE("a hit has everything that was written") {
  Fixture f;
  TestRecord record{.id = "record", .text = "own bytes", .vector = {3, 4}, .position = 5};
  record.chunk = {.range = {10, 19},
                  .overlap = 3,
                  .context = "context\n",
                  .headings = {"Top", "A \"quoted\" ünder"},
                  .tokens = 8,
                  .tokens_are_estimated = true};
  const Metadata metadata = {{"bool", true},
                             {"double", 1.0},
                             {"int", std::int64_t{-3}},
                             {"list", std::vector<std::string>{"x", "y"}},
                             {"none", std::vector<std::string>{}},
                             {"string", "ß"}};
  f.Commit1({.document_id = "doc",
             .upserts = {record},
             .metadata = metadata,
             .version = {"v9", std::numeric_limits<std::uint64_t>::max()}});

  const Hit hit = f.Only();
  CHECK(hit.record_id == "record");
  CHECK(hit.document_id == "doc");
  CHECK(hit.source == "source");
  CHECK(hit.position == 5);
  CHECK(hit.text == "own bytes");
  CHECK(hit.chunk.range == ByteRange{10, 19});
  CHECK(hit.chunk.overlap == 3);
  CHECK(hit.chunk.context == "context\n");
  CHECK(hit.chunk.headings == record.chunk.headings);
  CHECK(hit.chunk.tokens == 8);
  CHECK(hit.chunk.tokens_are_estimated);
  CHECK(hit.media_type == "text/plain");
  CHECK(hit.metadata == metadata);
  CHECK(hit.version == Version{"v9", std::numeric_limits<std::uint64_t>::max()});
  CHECK(hit.updated_at == absl::FromUnixNanos(1'700'000'000'123'456'789));
  CHECK(hit.vector_score == Approx(0.6));
  CHECK(hit.score == hit.vector_score);
  CHECK(hit.text_score == 0);
}

TEST_CASE("a version and a time that are not known stay unknown") {
  Fixture f;
  const TestRecord record{.id = "r", .text = "x", .vector = {1, 0}};
  const Record view = record.View();
  const Metadata metadata;
  const DocumentWrite write{.source = "source",
                            .document_id = "d",
                            .version = {},
                            .media_type = {},
                            .metadata = &metadata,
                            .upserts = {&view, 1},
                            .patches = {},
                            .deletes = {}};
  REQUIRE_OK(f.sink().Write({&write, 1}));
  REQUIRE_OK(Commit(f.store->checkpoint()));
  CHECK(f.Only().version == Version());
  CHECK(f.Only().updated_at == absl::InfinitePast());
}

TEST_CASE("an upsert replaces the record of its id") {
  Fixture f;
  f.Commit1({.document_id = "d", .upserts = {{.id = "r", .text = "old words", .vector = {1, 0}}}});
  f.Commit1({.document_id = "d", .upserts = {{.id = "r", .text = "new text", .vector = {0, 1}}}, .version = {"v2", {}}});
  const Hit hit = f.Only(kUp);
  CHECK(hit.text == "new text");
  CHECK(hit.vector_score == Approx(1));
  CHECK(hit.version.token == "v2");
  CHECK(FindText(f.store->index(), "words").empty());
  CHECK(FindText(f.store->index(), "text") == std::vector<std::string>{"r"});
}

TEST_CASE("a patch replaces all but the vector") {
  Fixture f;
  CHECK(f.sink().patches_payload());
  f.Commit1(
      {.document_id = "d", .upserts = {{.id = "r", .text = "text", .vector = {0, 1}}}, .metadata = Metadata{{"k", "old"}}});
  TestRecord moved{.id = "r", .text = "text", .vector = {}, .position = 7};
  moved.chunk.headings = {"Moved"};
  f.Commit1({.document_id = "d", .patches = {moved}, .metadata = Metadata{{"k", "new"}}, .version = {"v2", {}}});
  const Hit hit = f.Only(kUp);
  CHECK(hit.vector_score == Approx(1));
  CHECK(hit.position == 7);
  CHECK(hit.metadata == Metadata{{"k", "new"}});
  CHECK(FindText(f.store->index(), "moved") == std::vector<std::string>{"r"});
  const Filter old = {{"k", Condition::Op::kEqual, {std::string("old")}}};
  CHECK(FindAll(f.store->index(), kUp, &old).empty());
}

TEST_CASE("deletes remove records of their own document only, once") {
  Fixture f;
  f.Commit1({.document_id = "a",
             .upserts = {{.id = "a0", .text = "x", .vector = {1, 0}}, {.id = "a1", .text = "y", .vector = {0, 1}}}});
  f.Commit1({.document_id = "b", .upserts = {{.id = "b0", .text = "x", .vector = {1, 0}}}, .metadata = Metadata{{"k", true}}});
  f.Commit1({.document_id = "a", .deletes = {"a1", "b0", "never"}, .metadata = {}});
  f.Commit1({.document_id = "a", .deletes = {"a1"}, .metadata = {}});
  f.Commit1({.document_id = "nobody", .deletes = {"a0"}, .metadata = {}});
  CHECK(f.All() == std::vector<std::string>{"a0", "b0"});
  f.Commit1({.document_id = "b", .deletes = {"b0"}, .metadata = {}});
  CHECK(f.All() == std::vector<std::string>{"a0"});
  CHECK(f.Count("documents") == "1");
  CHECK(f.Count("facets") == "0");
  RequireSoundFile(f.path);
}

TEST_CASE("replace_all drops what is not in the upserts") {
  Fixture f;
  f.Commit1({.document_id = "a",
             .upserts = {{.id = "a0", .text = "x", .vector = {1, 0}}, {.id = "a1", .text = "y", .vector = {0, 1}}}});
  f.Commit1({.document_id = "b", .upserts = {{.id = "b0", .text = "z", .vector = {1, 0}}}});
  f.Commit1({.document_id = "a",
             .upserts = {{.id = "a1", .text = "y", .vector = {0, 1}}, {.id = "a2", .text = "z", .vector = {0, 1}}},
             .replace_all = true});
  CHECK(f.All() == std::vector<std::string>{"b0", "a1", "a2"});
  f.Commit1({.document_id = "a", .metadata = {}, .replace_all = true});
  CHECK(f.All() == std::vector<std::string>{"b0"});
}

TEST_CASE("equal document ids of two sources are two documents") {
  Fixture f;
  f.Commit1({.document_id = "d", .upserts = {{.id = "r1", .text = "x", .vector = {1, 0}}}, .source = "one"});
  f.Commit1({.document_id = "d", .upserts = {{.id = "r2", .text = "x", .vector = {1, 0}}}, .source = "two"});
  f.Commit1({.document_id = "d", .metadata = {}, .source = "one", .replace_all = true});
  CHECK(f.Only().source == "two");
}

TEST_CASE("writing the same again changes nothing") {
  Fixture f;
  const TestWrite write{
      .document_id = "d",
      .upserts = {{.id = "r0", .text = "first text", .vector = {1, 0}}, {.id = "r1", .text = "text", .vector = {0, 1}}},
      .deletes = {"gone"},
      .metadata = Metadata{{"k", std::vector<std::string>{"same", "same"}}}};
  f.Commit1(write);
  f.Commit1(write);
  REQUIRE_OK(Write(f.sink(), write));
  f.Commit1(write);
  CHECK(f.All() == std::vector<std::string>{"r0", "r1"});
  CHECK(FindText(f.store->index(), "text").size() == 2);
  CHECK(f.Count("documents") == "1");
  RequireSoundFile(f.path);
}

TEST_CASE("a refused write leaves the earlier ones and nothing of itself") {
  Fixture f;
  f.Commit1({.document_id = "owner", .upserts = {{.id = "taken", .text = "x", .vector = {1, 0}}}});
  REQUIRE_OK(Write(f.sink(), {.document_id = "earlier", .upserts = {{.id = "e0", .text = "x", .vector = {1, 0}}}}));

  const TestWrite good{.document_id = "good", .upserts = {{.id = "g0", .text = "x", .vector = {1, 0}}}};
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<TestWrite> refused = {
      {.document_id = "bad", .upserts = {{.id = "b", .text = "x", .vector = {1, 0, 0}}}},
      {.document_id = "bad", .upserts = {{.id = "b", .text = "x", .vector = {}}}},
      {.document_id = "bad", .upserts = {{.id = "b", .text = "x", .vector = {1, std::nanf("")}}}},
      {.document_id = "bad", .upserts = {{.id = "b", .text = "x", .vector = {inf, 1}}}},
      {.document_id = "bad", .upserts = {{.id = "", .text = "x", .vector = {1, 0}}}},
      {.document_id = "bad", .patches = {{.id = "unknown", .text = "x", .vector = {}}}},
      {.document_id = "bad", .patches = {{.id = "taken", .text = "x", .vector = {}}}},
      {.document_id = "bad", .metadata = Metadata{{"k", "\xff"}}},
      {.document_id = "bad", .metadata = Metadata{{"k", std::nan("")}}},
      {.document_id = ""},
  };
  for (const TestWrite& bad : refused) {
    const absl::Status status = Write(f.sink(), std::vector<TestWrite>{good, bad});
    INFO(status.ToString());
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  }
  REQUIRE_OK(Commit(f.store->checkpoint()));
  CHECK(f.All() == std::vector<std::string>{"e0", "taken"});
  RequireSoundFile(f.path);
}

TEST_CASE("two documents may have records of the same id, and a change of one leaves the other") {
  Fixture f;
  f.Commit1({.document_id = "a", .upserts = {{.id = "0", .text = "of a", .vector = {1, 0}}}});
  f.Commit1({.document_id = "b", .upserts = {{.id = "0", .text = "of b", .vector = {0, 1}}}});
  f.Commit1({.document_id = "a", .upserts = {{.id = "0", .text = "of a2", .vector = {1, 0}}}, .source = "another"});
  CHECK(f.All().size() == 3);
  f.Commit1({.document_id = "a", .patches = {{.id = "0", .text = "of a, patched", .vector = {}}}});
  f.Commit1({.document_id = "b", .deletes = {"0"}});
  const auto hits = f.store->index().Search({.vector = kRight, .text = {}, .mode = SearchMode::kVector});
  REQUIRE_OK(hits);
  REQUIRE(hits->size() == 2);
  CHECK(hits->at(0).text == "of a, patched");
  CHECK(hits->at(1).text == "of a2");
  const absl::Status missing = Write(f.sink(), {.document_id = "b", .patches = {{.id = "0", .text = "x", .vector = {}}}});
  CHECK(missing.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE_OK(Commit(f.store->checkpoint()));
  RequireSoundFile(f.path);
}

TEST_CASE("odd bytes in ids and texts come back as they were") {
  Fixture f;
  const std::string id = std::string("nul\0 \xff\xfe '\";--", 14) + std::string(4000, 'x');
  const std::string text = std::string("before\0after", 12);
  f.Commit1({.document_id = id, .upserts = {{.id = id + "#0", .text = text, .vector = {1, 0}}}});
  f.Commit1({.document_id = id + "2", .upserts = {{.id = id, .text = "", .vector = {0, 1}, .text_key = ""}}});
  const auto hits = f.store->index().Search({.vector = kRight, .text = {}, .mode = SearchMode::kVector});
  REQUIRE_OK(hits);
  REQUIRE(hits->size() == 2);
  CHECK(hits->at(0).document_id == id);
  CHECK(hits->at(0).record_id == id + "#0");
  CHECK(hits->at(0).text == text);
  CHECK(hits->at(1).text.empty());
  CHECK(FindText(f.store->index(), "after") == std::vector<std::string>{id + "#0"});
  RequireSoundFile(f.path);
}

TEST_CASE("a big document") {
  Fixture f;
  const Metadata metadata = {{"long", std::string(1 << 20, 'm')}};
  f.Commit1({.document_id = "described", .upserts = {{.id = "d", .text = "x", .vector = {0, 1}}}, .metadata = metadata});
  const Filter filter = {{"long", Condition::Op::kEqual, {metadata.at("long")}}};
  CHECK(FindAll(f.store->index(), kRight, &filter) == std::vector<std::string>{"d"});

  TestWrite write{.document_id = "big"};
  std::string text;
  while (text.size() < (4 << 20)) text += "a line of a long log\n";
  const std::size_t size = text.size() + 6;
  write.upserts.push_back({.id = "huge", .text = text + "needle", .vector = {1, 0}});
  for (int i = 0; i < 1000; ++i) write.upserts.push_back({.id = "r" + std::to_string(i), .text = "part", .vector = {0, 1}});
  f.Commit1(write);
  CHECK(f.All().size() == 1002);
  CHECK(FindText(f.store->index(), "needle") == std::vector<std::string>{"huge"});
  const auto hits = f.store->index().Search({.vector = kRight, .text = {}, .top_k = 1, .mode = SearchMode::kVector});
  REQUIRE_OK(hits);
  CHECK(hits->at(0).text.size() == size);
}

TEST_CASE("vectors are found by text key, committed ones only") {
  Fixture f;
  f.Commit1(
      {.document_id = "a", .upserts = {{.id = "a0", .text = "x", .vector = {3, 4}, .text_key = std::string("k\0\xff", 3)}}});
  REQUIRE_OK(
      Write(f.sink(), {.document_id = "b", .upserts = {{.id = "b0", .text = "y", .vector = {5, 6}, .text_key = "pending"}}}));
  const std::vector<std::string_view> keys = {"missing", std::string_view("k\0\xff", 3), "pending", ""};
  std::vector<std::vector<float>> found = {{9}};
  REQUIRE_OK(f.sink().FindVectors(keys, found));
  CHECK(found == std::vector<std::vector<float>>{{}, {3, 4}, {}, {}});
  REQUIRE_OK(Commit(f.store->checkpoint()));
  REQUIRE_OK(f.sink().FindVectors(keys, found));
  CHECK(found == std::vector<std::vector<float>>{{}, {3, 4}, {5, 6}, {}});
  REQUIRE_OK(f.sink().FindVectors({}, found));
  CHECK(found.empty());
}

TEST_CASE("another recipe is refused and named") {
  Fixture f;
  f.Commit1({.document_id = "a", .upserts = {{.id = "a0", .text = "x", .vector = {1, 0}}}});
  REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(2)}));
  Recipe other = TestRecipe(2);
  other.embedder = "embedder/2";
  const absl::Status status = f.sink().EnsureCollection({other});
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(Message(status).find("embedder/2") != std::string::npos);
  CHECK(f.sink().EnsureCollection({TestRecipe(3)}).code() == absl::StatusCode::kFailedPrecondition);
  CHECK(f.All().size() == 1);
}

TEST_CASE("a dimension that no vector can have is refused") {
  Fixture f;
  CHECK(f.sink().EnsureCollection({TestRecipe(0), true}).code() == absl::StatusCode::kFailedPrecondition);
  CHECK(f.sink().EnsureCollection({TestRecipe(std::size_t{1} << 40), true}).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("a rebuild replaces the index with its commit, not before") {
  Fixture f;
  f.Commit1({.document_id = "a",
             .upserts = {{.id = "a0", .text = "old", .vector = {1, 0}, .text_key = "key"}},
             .metadata = Metadata{{"k", true}}});
  Recipe recipe = TestRecipe(2);
  const std::vector<std::string_view> keys = {"key"};
  std::vector<std::vector<float>> found;

  SECTION("of another chunker: the model's vectors stay of use") {
    recipe.chunker = "chunker/2";
    REQUIRE_OK(f.sink().EnsureCollection({recipe, true}));
    REQUIRE_OK(f.sink().FindVectors(keys, found));
    CHECK(found.front() == std::vector<float>{1, 0});
  }
  SECTION("of another model: its vectors are of no use") {
    recipe.embedder = "embedder/2";
    REQUIRE_OK(f.sink().EnsureCollection({recipe, true}));
    REQUIRE_OK(f.sink().FindVectors(keys, found));
    CHECK(found.front().empty());
  }
  REQUIRE_OK(Write(f.sink(), {.document_id = "b", .upserts = {{.id = "b0", .text = "new", .vector = {0, 1}}}}));
  CHECK(f.All() == std::vector<std::string>{"a0"});
  CHECK(f.store->index().LoadRecipe().value() == TestRecipe(2));
  REQUIRE_OK(f.store->checkpoint().Commit({.source = "source", .recipe = &recipe, .reset = true}));
  CHECK(f.All() == std::vector<std::string>{"b0"});
  CHECK(f.store->index().LoadRecipe().value() == recipe);
  CHECK(FindText(f.store->index(), "old").empty());
  CHECK(FindText(f.store->index(), "new") == std::vector<std::string>{"b0"});
  CHECK(f.Count("facets") == "0");
  RequireSoundFile(f.path);
}

TEST_CASE("a rebuild in another dimension") {
  Fixture f;
  f.Commit1({.document_id = "a", .upserts = {{.id = "a0", .text = "old", .vector = {1, 0}}}});
  REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(3), true}));
  f.Commit1({.document_id = "b", .upserts = {{.id = "b0", .text = "new", .vector = {0, 1, 0}}}});
  const std::vector<float> query = {0, 1, 0};
  CHECK(FindAll(f.store->index(), query) == std::vector<std::string>{"b0"});
}

TEST_CASE("an aborted run is rolled back by the next") {
  Fixture f;
  f.Commit1({.document_id = "a", .upserts = {{.id = "a0", .text = "x", .vector = {1, 0}}}});
  SECTION("writes") { REQUIRE_OK(Write(f.sink(), {.document_id = "a", .deletes = {"a0"}})); }
  SECTION("a rebuild") { REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(3), true})); }
  REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(Commit(f.store->checkpoint()));
  CHECK(f.All() == std::vector<std::string>{"a0"});
}

TEST_CASE("slots are used again and empty segments go") {
  Fixture f;
  auto write = [&f](const std::string& document, int count) {
    TestWrite all{.document_id = document};
    for (int i = 0; i < count; ++i) all.upserts.push_back({.id = document + std::to_string(i), .text = "x", .vector = {1, 0}});
    f.Commit1(all);
  };
  write("a", 300);
  write("b", 300);
  CHECK(f.Count("segments") == "3");
  f.Commit1({.document_id = "a", .metadata = {}, .replace_all = true});
  CHECK(f.Count("segments") == "2");  // the first has gone, the second is half full
  CHECK(f.Count("vectors") == "2");
  write("c", 200);
  CHECK(f.Count("segments") == "2");
  CHECK(f.All().size() == 500);
  f.Commit1({.document_id = "b", .metadata = {}, .replace_all = true});
  f.Commit1({.document_id = "c", .metadata = {}, .replace_all = true});
  CHECK(f.Count("segments") == "0");
  CHECK(f.Count("vectors") == "0");
  RequireSoundFile(f.path);

  // A segment that empties and fills within one write.
  write("d", 256);
  std::vector<TestWrite> both = {{.document_id = "d", .metadata = {}, .replace_all = true}, {.document_id = "e"}};
  for (int i = 0; i < 257; ++i) both[1].upserts.push_back({.id = "e" + std::to_string(i), .text = "x", .vector = {0, 1}});
  REQUIRE_OK(Write(f.sink(), both));
  REQUIRE_OK(Commit(f.store->checkpoint()));
  CHECK(f.All().size() == 257);
  CHECK(f.Count("segments") == "2");
}

TEST_CASE("random writes end in the state of a map") {
  RAGPIPE_RANDOM_TEST(random);
  auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Fixture f;
  std::map<std::string, std::map<std::string, std::string>> expected;  // document, record, text
  auto committed = expected;
  for (int step = 0; step < 400; ++step) {
    const std::string document = "d" + std::to_string(pick(12));
    auto& records = expected[document];
    TestWrite write{.document_id = document, .replace_all = pick(10) == 0};
    if (write.replace_all) records.clear();
    for (int i = pick(4); i > 0; --i) {
      const std::string id = document + "#" + std::to_string(pick(40));
      const std::string text = "word" + std::to_string(pick(50));
      write.upserts.push_back({.id = id, .text = text, .vector = {1, static_cast<float>(pick(100))}});
      records[id] = text;
    }
    for (auto record = records.begin(); !write.replace_all && record != records.end();) {
      if (pick(5) == 0) {
        write.deletes.push_back(record->first);
        record = records.erase(record);
      } else {
        ++record;
      }
    }
    REQUIRE_OK(Write(f.sink(), write));
    if (pick(20) == 0) {
      REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(2)}));  // a new run: back to the last commit
      expected = committed;
    } else if (pick(3) == 0) {
      REQUIRE_OK(Commit(f.store->checkpoint()));
      committed = expected;
    }
  }
  REQUIRE_OK(f.sink().EnsureCollection({TestRecipe(2)}));  // drops what was not committed
  std::map<std::string, std::string> texts;
  for (const auto& [document, records] : committed) texts.insert(records.begin(), records.end());
  std::vector<std::string> ids;
  for (const auto& [id, text] : texts) ids.push_back(id);
  std::vector<std::string> found = f.All();
  std::sort(found.begin(), found.end());
  CHECK(found == ids);
  for (int i = 0; i < 50; ++i) {
    const std::string word = "word" + std::to_string(i);
    std::vector<std::string> with_word;
    for (const auto& [id, text] : texts) {
      if (text == word) with_word.push_back(id);
    }
    CHECK(FindText(f.store->index(), word) == with_word);  // equal scores: in the order of ids
  }
  f.store = absl::CancelledError("closed");
  RequireSoundFile(f.path);
}

}  // namespace
}  // namespace ragpipe::sqlite
