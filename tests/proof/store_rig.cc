#include "proof/store_rig.h"

#include <absl/time/time.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "core/status_macros.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/virtual_clock.h"

namespace ragpipe::proof {
namespace {

constexpr std::string_view kSource = "memory";
constexpr std::size_t kDimension = 16;
constexpr std::size_t kAll = 1'000'000;

absl::StatusOr<Contents> ReadLedger(Checkpoint& checkpoint) {
  Contents contents;
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<PartitionCursor> cursors, checkpoint.LoadCursors(kSource));
  for (const PartitionCursor& cursor : cursors) contents.cursors[cursor.partition] = cursor.cursor;
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, checkpoint.ListDocuments(kSource, "", kAll));
  const std::vector<std::string_view> views(ids.begin(), ids.end());
  std::vector<std::optional<LedgerEntry>> entries;
  RAGPIPE_RETURN_IF_ERROR(checkpoint.FindEntries(kSource, views, entries));
  for (std::size_t i = 0; i < ids.size(); ++i) contents.ledger[ids[i]] = entries[i].value();
  return contents;
}

StoredRecord ToRecord(Hit hit) {
  StoredRecord record;
  record.id = std::move(hit.record_id);
  record.source = std::move(hit.source);
  record.document_id = std::move(hit.document_id);
  record.text = std::move(hit.text);
  record.position = hit.position;
  record.chunk = std::move(hit.chunk);
  record.media_type = std::move(hit.media_type);
  record.metadata = std::move(hit.metadata);
  record.version = std::move(hit.version);
  record.updated_at = hit.updated_at;
  return record;
}

std::string RandomText(std::mt19937_64& random) {
  static constexpr const char* kWords[] = {"rotate", "the",    "key",   "before", "winter",
                                           "index",  "source", "river", "of",     "stone"};
  std::string text;
  for (auto paragraphs = 1 + random() % 4; paragraphs > 0; --paragraphs) {
    text += kEveryText;
    const auto words = random() % 20 == 0 ? 3000 : 1 + random() % 30;
    for (std::size_t i = 0; i < words; ++i) text += fmt::format(" {}{}", kWords[random() % std::size(kWords)], random() % 50);
    text += "\n\n";
  }
  return text;
}

}  // namespace

absl::StatusOr<Contents> ReadContents(sqlite::Store& store) {
  RAGPIPE_ASSIGN_OR_RETURN(Contents contents, ReadLedger(store.checkpoint()));
  const std::vector<float> anywhere(kDimension, 1);
  RAGPIPE_ASSIGN_OR_RETURN(
      std::vector<Hit> by_vector,
      store.index().Search({.vector = anywhere, .text = {}, .top_k = kAll, .mode = SearchMode::kVector, .filter = nullptr}));
  RAGPIPE_ASSIGN_OR_RETURN(
      const std::vector<Hit> by_word,
      store.index().Search({.vector = {}, .text = kEveryText, .top_k = kAll, .mode = SearchMode::kText, .filter = nullptr}));
  std::set<std::string> words;
  for (const Hit& hit : by_word) words.insert(hit.record_id);
  for (Hit& hit : by_vector) {
    if (words.erase(hit.record_id) == 0)
      return absl::InternalError(fmt::format("record '{}' is found by vector and not by word", hit.record_id));
    StoredRecord record = ToRecord(std::move(hit));
    std::string id = record.id;
    if (!contents.records.emplace(id, std::move(record)).second)
      return absl::InternalError(fmt::format("record '{}' is found twice", id));
  }
  if (!words.empty()) return absl::InternalError(fmt::format("record '{}' is found by word and not by vector", *words.begin()));

  std::vector<std::string_view> keys;
  std::vector<StoredRecord*> records;
  for (const auto& [document_id, entry] : contents.ledger) {
    for (const LedgerChunk& chunk : entry.chunks) {
      const auto found = contents.records.find(chunk.record_id);
      if (found == contents.records.end())
        return absl::InternalError(fmt::format("record '{}' of the ledger is in no search", chunk.record_id));
      found->second.text_key = chunk.text_key;
      keys.push_back(chunk.text_key);
      records.push_back(&found->second);
    }
  }
  std::vector<std::vector<float>> vectors;
  RAGPIPE_RETURN_IF_ERROR(store.sink().FindVectors(keys, vectors));
  for (std::size_t i = 0; i < records.size(); ++i) records[i]->vector = std::move(vectors[i]);
  return contents;
}

void Edit(testing::MemorySource& source, std::mt19937_64& random) {
  constexpr std::size_t kDocuments = 12;
  for (auto edits = 1 + random() % 10; edits > 0; --edits) {
    const std::string id = fmt::format("document{}", random() % kDocuments);
    const auto documents = source.documents();
    const auto found = documents.find(id);
    if (found == documents.end()) {
      source.Put(id, RandomText(random), {{"shelf", static_cast<std::int64_t>(random() % 3)}});
      continue;
    }
    switch (random() % 4) {
      case 0:
        source.Delete(id);
        break;
      case 1:  // chunks move, and keep their vectors
        source.Put(id, RandomText(random) + found->second.text, found->second.metadata);
        break;
      case 2:  // metadata only
        source.Put(id, found->second.text, {{"shelf", static_cast<std::int64_t>(random() % 3)}});
        break;
      default:
        source.Put(id, RandomText(random));
    }
  }
}

absl::Status Ingest(testing::MemorySource& source, VectorSink& sink, Checkpoint& checkpoint, RunReport& report) {
  testing::VirtualClock clock;
  testing::ParagraphChunker chunker;
  testing::HashEmbedder embedder({.dimension = kDimension});
  PipelineOptions options;
  options.memory_budget = 64 << 10;
  options.chunk_workers = 1;
  options.embed_calls = 1;
  options.commit_documents = 3;
  options.deletion_guard.max_percent = 100;
  options.random_seed = 1;
  options.clock = &clock;
  Pipeline pipeline{source, chunker, embedder, sink, checkpoint, options};
  return pipeline.Run(report);
}

std::string FindDifference(const Contents& contents, const testing::MemorySource& source) {
  using Key = std::tuple<std::string, std::size_t, std::string>;  // document, position, text
  const testing::ParagraphChunker chunker;
  testing::HashEmbedder embedder({.dimension = kDimension});
  std::set<Key> expected;
  const std::map<std::string, Document> documents = source.documents();
  for (const auto& [id, document] : documents) {
    if (!contents.ledger.contains(id)) return fmt::format("document '{}' is not in the ledger", id);
    const std::vector<Chunk> chunks = chunker.Split(document).value();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      expected.insert({id, i, document.text.substr(chunks[i].range.begin, chunks[i].range.size())});
    }
  }
  if (contents.ledger.size() != documents.size()) return "the ledger has a document that the source has not";
  for (const auto& [id, record] : contents.records) {
    if (expected.erase({record.document_id, record.position, record.text}) == 0)
      return fmt::format("record '{}' of document '{}' is stale or there twice", id, record.document_id);
    if (record.metadata != documents.at(record.document_id).metadata)
      return fmt::format("document '{}' has stale metadata", record.document_id);
    std::vector<float> vector(kDimension);
    const std::string_view text = record.text;
    EmbedRequest request;
    request.texts = {&text, 1};
    if (!embedder.Embed(request, vector).ok() || vector != record.vector)
      return fmt::format("record '{}' of document '{}' has a wrong vector", id, record.document_id);
  }
  if (expected.empty()) return "";
  return fmt::format("{} chunks are missing, one of document '{}'", expected.size(), std::get<0>(*expected.begin()));
}

std::string FindDamage(const std::string& path) {
  sqlite3* db = nullptr;
  std::string found;
  int code = sqlite3_open(path.c_str(), &db);
  if (code == SQLITE_OK) {
    const auto keep = [](void* out, int, char** columns, char**) {
      if (std::string_view(columns[0]) != "ok") *static_cast<std::string*>(out) += columns[0];
      return 0;
    };
    code = sqlite3_exec(db, "PRAGMA integrity_check; INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1)",
                        keep, &found, nullptr);
  }
  if (code != SQLITE_OK) found += fmt::format("{} (SQLite result {})", sqlite3_errmsg(db), sqlite3_extended_errcode(db));
  sqlite3_close(db);
  return found;
}

class Witness::Sink final : public VectorSink {
 public:
  Sink(VectorSink& memory, VectorSink& store) : memory_(memory), store_(store) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override {
    RAGPIPE_RETURN_IF_ERROR(memory_.EnsureCollection(spec));
    return store_.EnsureCollection(spec);
  }
  absl::Status Write(std::span<const DocumentWrite> writes) override {
    RAGPIPE_RETURN_IF_ERROR(memory_.Write(writes));
    return store_.Write(writes);
  }
  absl::Status Flush() override { return store_.Flush(); }
  const void* transaction() const override { return store_.transaction(); }
  bool patches_payload() const override { return true; }
  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override {
    return store_.FindVectors(text_keys, out);
  }

 private:
  VectorSink& memory_;
  VectorSink& store_;
};

class Witness::Check final : public Checkpoint {
 public:
  Check(Witness& witness, Checkpoint& store) : witness_(witness), store_(store) {}

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override {
    return store_.LoadCursors(source);
  }
  absl::Status Commit(const CommitRequest& request) override {
    Checkpoint& memory = witness_.memory_.checkpoint();
    RAGPIPE_RETURN_IF_ERROR(memory.Commit(request));
    RAGPIPE_ASSIGN_OR_RETURN(Contents contents, ReadLedger(memory));
    contents.records = witness_.memory_.records();
    witness_.states_.push_back(std::move(contents));
    RAGPIPE_RETURN_IF_ERROR(store_.Commit(request));
    witness_.acknowledged_ = witness_.states_.size() - 1;
    return absl::OkStatus();
  }
  const void* transaction() const override { return store_.transaction(); }
  bool keeps_ledger() const override { return true; }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override { return store_.LoadRecipe(); }
  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override {
    return store_.FindEntries(source, document_ids, out);
  }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    return store_.ListDocuments(source, after, limit);
  }
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override {
    return store_.ListDeadLetters(source, after, limit);
  }

 private:
  Witness& witness_;
  Checkpoint& store_;
};

VectorSink& Witness::Watch(VectorSink& sink) {
  sink_ = std::make_shared<Sink>(memory_.sink(), sink);
  return *sink_;
}

Checkpoint& Witness::Watch(Checkpoint& checkpoint) {
  checkpoint_ = std::make_shared<Check>(*this, checkpoint);
  return *checkpoint_;
}

}  // namespace ragpipe::proof
