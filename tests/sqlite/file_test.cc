#include <absl/status/status.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "fixture.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

void WriteFile(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Ingest(const std::string& path) {
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(Write(store->sink(), {.document_id = "a", .upserts = {{.id = "a0", .text = "first words", .vector = {1, 0}}}}));
  REQUIRE_OK(Commit(store->checkpoint()));
}

absl::StatusCode OpenCode(const std::string& path) { return Store::Open(path).status().code(); }
absl::StatusCode OpenIndexCode(const std::string& path) { return OpenIndex(path).status().code(); }

// Runs `body` in a child that has no rights of root; true when it returned true.
template <class Body>
bool AsNobody(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("what was committed is there when the file is opened again") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Ingest(path);
  {
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    CHECK(FindAll(store->index(), kRight) == std::vector<std::string>{"a0"});
    REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
    REQUIRE_OK(Write(store->sink(), {.document_id = "b", .upserts = {{.id = "b0", .text = "x", .vector = {0, 1}}}}));
    CHECK(FindAll(store->index(), kRight) == std::vector<std::string>{"a0"});  // not before the commit
  }
  auto index = OpenIndex(path);
  REQUIRE_OK(index);
  CHECK(FindAll(**index, kRight) == std::vector<std::string>{"a0"});
  CHECK((*index)->LoadRecipe().value() == TestRecipe(2));
  auto checkpoint = OpenCheckpoint(path);
  REQUIRE_OK(checkpoint);
  CHECK(Commit(**checkpoint).code() == absl::StatusCode::kFailedPrecondition);
  RequireSoundFile(path);
}

TEST_CASE("a closed store leaves one file and its lock") {
  const TempDir dir;
  Ingest(dir / "index.db");
  CHECK(std::filesystem::exists(dir / "index.db"));
  CHECK_FALSE(std::filesystem::exists(dir / "index.db-wal"));
  CHECK_FALSE(std::filesystem::exists(dir / "index.db-shm"));
}

TEST_CASE("the parts of a store stay valid when it moves") {
  const TempDir dir;
  auto opened = Store::Open(dir / "a.db");
  REQUIRE_OK(opened);
  VectorSink& sink = opened->sink();
  Checkpoint& checkpoint = opened->checkpoint();
  Store store = *std::move(opened);
  REQUIRE_OK(sink.EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(Commit(checkpoint));
  CHECK(&store.sink() == &sink);

  auto other = Store::Open(dir / "b.db");
  REQUIRE_OK(other);
  store = *std::move(other);
  REQUIRE_OK(Store::Open(dir / "a.db"));  // assigned over: closed
  CHECK(OpenCode(dir / "b.db") == absl::StatusCode::kUnavailable);
}

TEST_CASE("nothing was ever ingested") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  CHECK(OpenIndexCode(path) == absl::StatusCode::kNotFound);
  CHECK(OpenCheckpoint(path).status().code() == absl::StatusCode::kNotFound);
  CHECK_FALSE(std::filesystem::exists(path));  // asking did not create it

  auto store = Store::Open(path);
  REQUIRE_OK(store);
  CHECK(store->index().LoadRecipe().status().code() == absl::StatusCode::kNotFound);
  CHECK(FindAll(store->index(), kRight).empty());
  CHECK_FALSE(store->checkpoint().LoadRecipe().value().has_value());
  CHECK(store->checkpoint().LoadCursors("source").value().empty());
  CHECK(Write(store->sink(), TestWrite{.document_id = "a"}).code() == absl::StatusCode::kFailedPrecondition);

  auto index = OpenIndex(path);
  REQUIRE_OK(index);
  CHECK((*index)->LoadRecipe().status().code() == absl::StatusCode::kNotFound);
}

TEST_CASE("nothing was ever ingested into a file whose creator died before it had a write-ahead log") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  {
    // What a writer had done when it died: the file grows, and the journal says that it was empty.
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((dir / "writer.db").c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN; CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(100000))", nullptr,
                         nullptr, nullptr) == SQLITE_OK);
    std::filesystem::copy_file(dir / "writer.db", path);
    std::filesystem::copy_file(dir / "writer.db-journal", path + "-journal");
    sqlite3_close(db);
  }
  CHECK(OpenIndexCode(path) == absl::StatusCode::kNotFound);
  CHECK(OpenCheckpoint(path).status().code() == absl::StatusCode::kNotFound);
  Ingest(path);
  CHECK(OpenIndexCode(path) == absl::StatusCode::kOk);
}

TEST_CASE("a path that cannot be a store") {
  const TempDir dir;
  CHECK(OpenCode("") == absl::StatusCode::kInvalidArgument);
  CHECK(OpenIndexCode("") == absl::StatusCode::kInvalidArgument);
  CHECK(OpenCode(dir / "no/such/folder.db") == absl::StatusCode::kNotFound);
  CHECK(OpenIndexCode(dir / "no/such/folder.db") == absl::StatusCode::kNotFound);
  CHECK(OpenCode(dir.path().string()) == absl::StatusCode::kFailedPrecondition);
  CHECK(OpenIndexCode(dir.path().string()) == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("a path with characters that mean something to a URI or a shell") {
  const TempDir dir;
  const std::string path = dir / "file:odd ?mode=memory#%20'\".db";
  Ingest(path);
  CHECK(std::filesystem::exists(path));
  REQUIRE_OK(OpenIndex(path));
}

TEST_CASE("an empty file becomes a store") {
  const TempDir dir;
  WriteFile(dir / "index.db", "");
  CHECK(OpenIndexCode(dir / "index.db") == absl::StatusCode::kNotFound);
  Ingest(dir / "index.db");
  REQUIRE_OK(OpenIndex(dir / "index.db"));
}

TEST_CASE("a file of ours without tables is migrated from version 0") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  RunSql(path, "PRAGMA application_id = 0x52414750");
  CHECK(OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition);  // who only reads cannot migrate
  Ingest(path);
  CHECK(RunSql(path, "PRAGMA user_version") == "4");
  REQUIRE_OK(OpenIndex(path));
}

// Undoes the migrations from version 2 on.
constexpr char kToVersion2[] =
    "CREATE TABLE old(slot INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, document INTEGER NOT NULL, position INTEGER "
    "NOT "
    "NULL, range_begin INTEGER NOT NULL, range_end INTEGER NOT NULL, overlap INTEGER NOT NULL, tokens INTEGER NOT NULL, "
    "text_key "
    "BLOB NOT NULL, headings TEXT NOT NULL, context TEXT NOT NULL, text TEXT NOT NULL, tokens_are_estimated INTEGER NOT NULL "
    "DEFAULT 0); INSERT INTO old SELECT slot, record_id, document, position, range_begin, range_end, overlap, tokens, text_key,"
    " headings, context, text, tokens_are_estimated FROM records; DROP TABLE records; ALTER TABLE old RENAME TO records;"
    "CREATE INDEX records_by_document ON records(document); CREATE INDEX records_by_text_key ON records(text_key);"
    "ALTER TABLE dead_letters DROP COLUMN is_delete; ALTER TABLE dead_letters DROP COLUMN next_attempt;"
    "DROP INDEX tombstones; ALTER TABLE ledger DROP COLUMN deleted_at; ALTER TABLE ledger DROP COLUMN absent_since;"
    "PRAGMA user_version = 2";

TEST_CASE("a file of version 2 keeps its ledger and its dead letters, which wait for the source as before") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  LedgerEntry entry = TestEntry("a");
  DeadLetter letter;
  letter.document_id = "b";
  letter.reason = absl::UnavailableError("no answer");
  letter.next_attempt = absl::FromUnixSeconds(1'700'000'000);
  {
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    REQUIRE_OK(store->checkpoint().Commit({.source = "source", .entries = {&entry, 1}, .dead_letters = {&letter, 1}}));
  }
  RunSql(path, kToVersion2);
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  const auto letters = store->checkpoint().ListDeadLetters("source", "", 10);
  REQUIRE_OK(letters);
  REQUIRE(letters->size() == 1);
  CHECK(letters->front().reason == letter.reason);
  CHECK(letters->front().next_attempt == absl::InfiniteFuture());
  CHECK_FALSE(letters->front().is_delete);
  const std::string_view id = "a";
  std::vector<std::optional<LedgerEntry>> found;
  REQUIRE_OK(store->checkpoint().FindEntries("source", {&id, 1}, found));
  CHECK(found.at(0) == entry);
}

TEST_CASE("a file of version 1 keeps its records, whose counts are taken for exact") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Ingest(path);
  const std::string records = RunSql(path, "SELECT count(*) FROM records");
  RunSql(path, kToVersion2);
  RunSql(path, "ALTER TABLE records DROP COLUMN tokens_are_estimated; PRAGMA user_version = 1");
  CHECK(OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition);
  REQUIRE_OK(Store::Open(path));
  REQUIRE_OK(OpenIndex(path));
  CHECK(RunSql(path, "SELECT count(*) FROM records WHERE tokens_are_estimated = 0") == records);
  Ingest(path);
}

TEST_CASE("a migration that fails leaves the file as it was") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  RunSql(path, "PRAGMA application_id = 0x52414750; CREATE TABLE ledger(in_the_way)");
  CHECK_FALSE(Store::Open(path).ok());
  CHECK(RunSql(path, "PRAGMA user_version") == "0");
  CHECK(RunSql(path, "SELECT group_concat(name) FROM sqlite_schema") == "ledger");
}

TEST_CASE("a file of a newer ragpipe is refused, untouched") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Ingest(path);
  RunSql(path, "PRAGMA user_version = 99");
  const std::string before = ReadFile(path);
  const absl::Status status = Store::Open(path).status();
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(Message(status).find("99") != std::string::npos);
  CHECK(Message(status).find("up to 4") != std::string::npos);
  CHECK(OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition);
  CHECK(ReadFile(path) == before);
}

TEST_CASE("another application's file is refused, untouched") {
  const TempDir dir;
  const std::string path = dir / "other.db";
  const std::string script =
      GENERATE(as<std::string>(), "CREATE TABLE theirs(x)", "PRAGMA application_id = 77", "PRAGMA user_version = 1");
  RunSql(path, script);
  const std::string before = ReadFile(path);
  CHECK(OpenCode(path) == absl::StatusCode::kFailedPrecondition);
  CHECK(OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition);
  CHECK(ReadFile(path) == before);
}

TEST_CASE("a file that is no database, or damaged, is data loss") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  SECTION("text") { WriteFile(path, std::string(5000, 'x')); }
  SECTION("short") { WriteFile(path, "hello"); }
  SECTION("cut in half") {
    Ingest(path);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  }
  SECTION("the first page overwritten") {
    Ingest(path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file << std::string(3000, '\xAA');
  }
  const absl::Status status = Store::Open(path).status();
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(Message(status).find(path) != std::string::npos);
  CHECK(OpenIndexCode(path) == absl::StatusCode::kDataLoss);
}

TEST_CASE("damage that shows later is no document's fault") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Ingest(path);
  RunSql(path, "DELETE FROM vectors; UPDATE segments SET documents = x'00'");
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
  const auto hits = store->index().Search({.vector = kRight, .text = {}, .mode = SearchMode::kVector});
  CHECK(hits.status().code() == absl::StatusCode::kDataLoss);
  const absl::Status status = Write(store->sink(), TestWrite{.document_id = "a", .deletes = {"a0"}});
  CHECK(status.code() == absl::StatusCode::kInternal);
  CHECK(Commit(store->checkpoint()).code() == absl::StatusCode::kInternal);  // not without the records
}

TEST_CASE("without permission to write") {
  const TempDir dir;
  chmod(dir.path().c_str(), 0777);
  const std::string path = dir / "index.db";
  Ingest(path);
  SECTION("the file") {
    chmod(path.c_str(), 0444);
    chmod((path + "-lock").c_str(), 0666);
    CHECK(AsNobody([&] { return OpenCode(path) == absl::StatusCode::kFailedPrecondition; }));
    CHECK(AsNobody([&] { return OpenIndex(path).ok(); }));
  }
  SECTION("the lock") {
    chmod((path + "-lock").c_str(), 0444);
    CHECK(AsNobody([&] { return OpenCode(path) == absl::StatusCode::kFailedPrecondition; }));
  }
  SECTION("the folder") {
    chmod(dir.path().c_str(), 0555);
    CHECK(AsNobody([&] { return OpenCode(dir / "new.db") == absl::StatusCode::kFailedPrecondition; }));
  }
  SECTION("nor to read") {
    chmod(path.c_str(), 0);
    CHECK(AsNobody([&] { return OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition; }));
  }
  SECTION("nor to enter the folder") {
    chmod(dir.path().c_str(), 0);
    CHECK(AsNobody([&] { return OpenCode(path) == absl::StatusCode::kFailedPrecondition; }));
    CHECK(AsNobody([&] { return OpenIndexCode(path) == absl::StatusCode::kFailedPrecondition; }));
  }
  chmod(dir.path().c_str(), 0777);
}

TEST_CASE("a second store in this process is refused by every name of the file") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  std::filesystem::create_directory(dir / "folder");
  std::filesystem::create_symlink(path, dir / "link.db");
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  for (const std::string& name : {path, dir / "link.db", dir / "folder/../index.db"}) {
    const absl::Status status = Store::Open(name).status();
    CHECK(status.code() == absl::StatusCode::kUnavailable);
    CHECK(Message(status).find("process " + std::to_string(getpid())) != std::string::npos);
    CHECK(Message(status).find("index.db") != std::string::npos);
  }
  REQUIRE_OK(OpenIndex(path));
  store = absl::CancelledError("closed");
  REQUIRE_OK(Store::Open(dir / "link.db"));
}

}  // namespace
}  // namespace ragpipe::sqlite
