#include <sqlite3.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/check_checkpoint.h"
#include "ragpipe/testing/check_vector_sink.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kRowsOfSegment = 256;

std::shared_ptr<sqlite::Store> Open(const std::string& path) {
  auto store = sqlite::Store::Open(path);
  REQUIRE_OK(store);
  return std::make_shared<sqlite::Store>(*std::move(store));
}

/// What a search does not return: text key and vector, straight from the file.
void ReadKeyAndVector(const std::string& path, std::size_t dimension, StoredRecord& record) {
  sqlite3* db = nullptr;
  sqlite3_stmt* row = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_prepare_v2(db,
                             "SELECT text_key, slot, data FROM records JOIN vectors ON segment = slot / 256 WHERE record_id = ?", -1,
                             &row, nullptr) == SQLITE_OK);
  sqlite3_bind_text(row, 1, record.id.data(), static_cast<int>(record.id.size()), SQLITE_STATIC);
  REQUIRE(sqlite3_step(row) == SQLITE_ROW);
  record.text_key.assign(static_cast<const char*>(sqlite3_column_blob(row, 0)),
                         static_cast<std::size_t>(sqlite3_column_bytes(row, 0)));
  record.vector.resize(dimension);
  const std::size_t offset = static_cast<std::size_t>(sqlite3_column_int64(row, 1)) % kRowsOfSegment * dimension * sizeof(float);
  std::memcpy(record.vector.data(), static_cast<const char*>(sqlite3_column_blob(row, 2)) + offset, dimension * sizeof(float));
  sqlite3_finalize(row);
  sqlite3_close(db);
}

absl::StatusOr<std::vector<StoredRecord>> ReadAll(sqlite::Store& store, const std::string& path) {
  const auto recipe = store.index().LoadRecipe();
  if (absl::IsNotFound(recipe.status())) return std::vector<StoredRecord>();
  if (!recipe.ok()) return recipe.status();
  const std::vector<float> any(recipe->dimension, 1.0F);
  IndexQuery query;
  query.vector = any;
  query.top_k = 100'000;
  query.mode = SearchMode::kVector;
  const auto hits = store.index().Search(query);
  if (!hits.ok()) return hits.status();
  std::vector<StoredRecord> records;
  for (const Hit& hit : *hits) {
    StoredRecord& record = records.emplace_back();
    record.id = hit.record_id;
    record.source = hit.source;
    record.document_id = hit.document_id;
    record.text = hit.text;
    record.position = hit.position;
    record.chunk = hit.chunk;
    record.media_type = hit.media_type;
    record.metadata = hit.metadata;
    record.version = hit.version;
    record.updated_at = hit.updated_at;
    ReadKeyAndVector(path, recipe->dimension, record);
  }
  return records;
}

testing::SinkUnderTest SinkOf(const std::string& path) {
  const auto store = Open(path);
  return {.sink = std::shared_ptr<VectorSink>(store, &store->sink()),
          .read = [store, path] { return ReadAll(*store, path); },
          .commit =
              [store] {
                CommitRequest request;
                request.source = "check";
                return store->checkpoint().Commit(request);
              },
          .reopen = [path] { return SinkOf(path); }};
}

std::shared_ptr<Checkpoint> CheckpointOf(const std::string& path) {
  const auto store = Open(path);
  return std::shared_ptr<Checkpoint>(store, &store->checkpoint());
}

}  // namespace

TEST_CASE("the sink of sqlite::Store conforms") {
  const TempDir dir;
  int files = 0;
  testing::VectorSinkCheckOptions options;
  options.metric = GENERATE(Metric::kCosine, Metric::kL2);
  const auto findings = testing::CheckVectorSink([&] { return SinkOf(dir / (std::to_string(files++) + ".db")); }, options);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("the checkpoint of sqlite::Store conforms") {
  const TempDir dir;
  int files = 0;
  const auto findings = testing::CheckCheckpoint([&] {
    const std::string path = dir / (std::to_string(files++) + ".db");
    return testing::CheckpointUnderTest{CheckpointOf(path), [path] { return CheckpointOf(path); }};
  });
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}
