#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/sqlite/store.h"
#include "support/catch.h"
#include "support/temp_dir.h"

// Designated initializers name what a test is about and nothing else.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace ragpipe::sqlite {

inline Recipe TestRecipe(std::size_t dimension, Metric metric = Metric::kCosine) {
  return {.chunker = "chunker/1", .embedder = "embedder/1", .dimension = dimension, .metric = metric, .schema = "schema/1"};
}

/// A record that owns what Record borrows.
struct TestRecord {
  std::string id;
  std::string text;
  std::vector<float> vector;
  std::string text_key = "key of " + text;
  Chunk chunk{};
  std::size_t position = 0;

  Record View() const {
    return {.id = id, .text_key = text_key, .vector = vector, .text = text, .position = position, .chunk = &chunk};
  }
};

/// One document's write, with what DocumentWrite borrows.
struct TestWrite {
  std::string document_id;
  std::vector<TestRecord> upserts{};
  std::vector<TestRecord> patches{};
  std::vector<std::string> deletes{};
  std::optional<Metadata> metadata = Metadata();
  Version version{"v1", {}};
  std::string source = "source";
  bool replace_all = false;
};

inline absl::Status Write(VectorSink& sink, std::span<const TestWrite> writes) {
  std::vector<std::vector<Record>> upserts(writes.size());
  std::vector<std::vector<Record>> patches(writes.size());
  std::vector<std::vector<std::string_view>> deletes(writes.size());
  std::vector<DocumentWrite> views;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const TestWrite& write = writes[i];
    for (const TestRecord& record : write.upserts) upserts[i].push_back(record.View());
    for (const TestRecord& record : write.patches) patches[i].push_back(record.View());
    deletes[i].assign(write.deletes.begin(), write.deletes.end());
    views.push_back({.source = write.source,
                     .document_id = write.document_id,
                     .version = write.version,
                     .updated_at = absl::FromUnixNanos(1'700'000'000'123'456'789),
                     .media_type = "text/plain",
                     .metadata = write.metadata.has_value() ? &*write.metadata : nullptr,
                     .upserts = upserts[i],
                     .patches = patches[i],
                     .deletes = deletes[i],
                     .replace_all = write.replace_all});
  }
  return sink.Write(views);
}

inline absl::Status Write(VectorSink& sink, const TestWrite& write) { return Write(sink, std::span(&write, 1)); }

/// Commits what was written, without ledger entries.
inline absl::Status Commit(Checkpoint& checkpoint) { return checkpoint.Commit({.source = "source"}); }

inline LedgerEntry TestEntry(const std::string& document_id, const std::string& version = "v1") {
  return {.document_id = document_id,
          .version = {version, 7},
          .content_hash = "hash of " + document_id,
          .chunks = {{document_id + ":0", "text key", "payload"}, {document_id + ":1", "another key", "payload"}}};
}

inline std::vector<std::string> RecordIds(const std::vector<Hit>& hits) {
  std::vector<std::string> ids;
  for (const Hit& hit : hits) ids.push_back(hit.record_id);
  return ids;
}

/// Ids of all records that meet the filter, nearest to `vector` first.
inline std::vector<std::string> FindAll(Index& index, std::span<const float> vector, const Filter* filter = nullptr) {
  const auto hits =
      index.Search({.vector = vector, .text = {}, .top_k = 1'000'000, .mode = SearchMode::kVector, .filter = filter});
  REQUIRE_OK(hits);
  return RecordIds(*hits);
}

/// Ids of the records that have a word of `text`, the best first.
inline std::vector<std::string> FindText(Index& index, std::string_view text) {
  const auto hits = index.Search({.vector = {}, .text = text, .top_k = 1'000'000, .mode = SearchMode::kText});
  REQUIRE_OK(hits);
  return RecordIds(*hits);
}

/// Runs SQL in the file as any other program would; returns the first column of the last row.
inline std::string RunSql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  std::string result;
  char* message = nullptr;
  const int code = sqlite3_exec(
      db, sql.c_str(),
      [](void* out, int, char** columns, char**) {
        *static_cast<std::string*>(out) = columns[0] != nullptr ? columns[0] : "";
        return 0;
      },
      &result, &message);
  INFO(sql << ": " << (message != nullptr ? message : ""));
  sqlite3_free(message);
  sqlite3_close(db);
  REQUIRE(code == SQLITE_OK);
  return result;
}

/// The full-text index agrees with the records, and the file with itself.
inline void RequireSoundFile(const std::string& path) {
  RunSql(path, "INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1)");
  REQUIRE(RunSql(path, "PRAGMA integrity_check") == "ok");
}

}  // namespace ragpipe::sqlite
