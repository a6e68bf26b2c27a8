#include <absl/status/status.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fixture.h"
#include "support/memory_disk.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

// Commits documents "0" to `count` - 1 of one record each.
void Put(Store& store, int count, std::size_t text_bytes) {
  REQUIRE_OK(store.sink().EnsureCollection({TestRecipe(2)}));
  for (int i = 0; i < count; ++i) {
    const std::string id = std::to_string(i);
    const TestRecord record{.id = id + ":0", .text = "word" + id + std::string(text_bytes, ' ') + "end", .vector = {1, 0}};
    REQUIRE_OK(Write(store.sink(), {.document_id = id, .upserts = {record}}));
  }
  REQUIRE_OK(Commit(store.checkpoint()));
}

void Drop(Store& store, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string id = std::to_string(i);
    REQUIRE_OK(Write(store.sink(), {.document_id = id, .deletes = {id + ":0"}, .metadata = {}}));
  }
  REQUIRE_OK(Commit(store.checkpoint()));
}

TEST_CASE("compaction gives space back, and keeps records, pages and readers") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  Put(*store, 600, 10'000);
  auto elsewhere = OpenIndex(path);
  REQUIRE_OK(elsewhere);
  CHECK(FindText(**elsewhere, "word599") == std::vector<std::string>{"599:0"});
  Drop(*store, 590);
  REQUIRE_OK(store->Compact());

  CHECK(std::filesystem::file_size(path) < 1'000'000);
  CHECK(std::filesystem::file_size(path + "-wal") == 0);
  CHECK(FindAll(store->index(), kRight).size() == 10);
  CHECK(FindText(store->index(), "word599") == std::vector<std::string>{"599:0"});
  CHECK(FindText(**elsewhere, "word599") == std::vector<std::string>{"599:0"});
  CHECK(FindText(**elsewhere, "word1").empty());
  Put(*store, 3, 10);
  CHECK(FindText(**elsewhere, "word1") == std::vector<std::string>{"1:0"});
  RequireSoundFile(path);
  CHECK(RunSql(path, "PRAGMA page_size") == "16384");
}

TEST_CASE("an empty store is compacted, and again") {
  const TempDir dir;
  auto store = Store::Open(dir / "index.db");
  REQUIRE_OK(store);
  REQUIRE_OK(store->Compact());
  REQUIRE_OK(store->Compact());
  Put(*store, 1, 10);
  CHECK(FindText(store->index(), "word0") == std::vector<std::string>{"0:0"});
}

TEST_CASE("compaction does not end the transaction of a run") {
  const TempDir dir;
  auto store = Store::Open(dir / "index.db");
  REQUIRE_OK(store);
  Put(*store, 1, 10);
  REQUIRE_OK(Write(store->sink(), {.document_id = "b", .upserts = {{.id = "b:0", .text = "x", .vector = {1, 0}}}}));
  CHECK(store->Compact().code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE_OK(Commit(store->checkpoint()));
  CHECK(FindAll(store->index(), kRight).size() == 2);
  REQUIRE_OK(store->Compact());
}

TEST_CASE("a reader that holds a snapshot keeps compaction from its end, and goes on reading it") {
  const MemoryDisk disk;  // on which nobody waits
  const TempDir dir;      // of the lock file
  const std::string path = dir / "index.db";
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  Put(*store, 3, 10);
  sqlite3* reader = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &reader, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM records", nullptr, nullptr, nullptr) == SQLITE_OK);
  Drop(*store, 2);
  CHECK(store->Compact().code() == absl::StatusCode::kUnavailable);
  CHECK(FindAll(store->index(), kRight).size() == 1);

  std::string seen;
  const auto keep = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) = columns[0];
    return 0;
  };
  CHECK(sqlite3_exec(reader, "SELECT count(*) FROM records; ROLLBACK", keep, &seen, nullptr) == SQLITE_OK);
  CHECK(seen == "3");
  REQUIRE_OK(store->Compact());
  sqlite3_close(reader);
}

}  // namespace
}  // namespace ragpipe::sqlite
