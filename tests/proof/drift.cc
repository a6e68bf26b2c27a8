// P17: what somebody else's hand did to the store's file is found by Verify() and mended by Repair().
#include <absl/status/status.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "proof/proof.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using testing::HashEmbedder;
using testing::MemorySource;
using testing::MemorySourceOptions;
using testing::ParagraphChunker;

struct Harm {
  const char* name;
  const char* sql;  ///< ?1 = a random number
};

// A slot beyond all others stands for "another hand's row".
constexpr Harm kHarms[] = {
    {"a record deleted",
     "DELETE FROM records WHERE slot = (SELECT slot FROM records ORDER BY (slot * 7919 + ?1) % 1009 LIMIT 1)"},
    {"records of a third of the documents deleted", "DELETE FROM records WHERE (document + ?1) % 3 = 0"},
    {"a document's row deleted",
     "DELETE FROM documents WHERE id = (SELECT id FROM documents ORDER BY (id * 7919 + ?1) % 1009 LIMIT 1)"},
    {"a text altered",
     "UPDATE records SET text = 'altered' WHERE slot = (SELECT slot FROM records ORDER BY (slot * 7919 + ?1) % 1009 LIMIT 1)"},
    {"a text key altered",
     "UPDATE records SET text_key = x'00112233445566778899aabbccddeeff' WHERE slot = (SELECT slot FROM records ORDER BY"
     " (slot * 7919 + ?1) % 1009 LIMIT 1)"},
    {"places altered", "UPDATE records SET position = position + 1 WHERE (slot + ?1) % 5 = 0"},
    {"headings made unreadable", "UPDATE records SET headings = '[' WHERE (slot + ?1) % 7 = 0"},
    {"metadata altered", "UPDATE documents SET metadata = '{\"n\":99}' WHERE (id + ?1) % 4 = 0"},
    {"metadata made unreadable", "UPDATE documents SET metadata = '{' WHERE (id + ?1) % 4 = 0"},
    {"a record duplicated",
     "INSERT INTO records(slot, record_id, document, position, range_begin, range_end, overlap, tokens, text_key, headings,"
     " context, text, tokens_are_estimated) SELECT (SELECT max(slot) + 1 FROM records), record_id || '-2', document, position, "
     "range_begin,"
     " range_end, overlap, tokens, text_key, headings, context, text, tokens_are_estimated FROM records"
     " ORDER BY (slot * 7919 + ?1) % 1009 LIMIT 1"},
    {"a document renamed", "UPDATE documents SET document_id = document_id || '-2' WHERE (id + ?1) % 6 = 0"},
    {"a document that nobody knows",
     "INSERT INTO documents(source, document_id, version_token, media_type, metadata) VALUES('memory', 'unknown' || ?1, '', "
     "'', '{}');"
     "INSERT INTO records(slot, record_id, document, position, range_begin, range_end, overlap, tokens, text_key, headings,"
     " context, text, tokens_are_estimated) SELECT (SELECT max(slot) + 1 FROM records), record_id || '-2', (SELECT max(id) "
     "FROM documents), "
     "position,"
     " range_begin, range_end, overlap, tokens, text_key, headings, context, text, tokens_are_estimated FROM records LIMIT 1"},
    {"vectors zeroed", "UPDATE vectors SET data = zeroblob(length(data)) WHERE segment = (SELECT min(segment) FROM vectors)"},
    {"vectors cut", "UPDATE vectors SET data = substr(data, 1, 100) WHERE segment = (SELECT min(segment) FROM vectors)"},
    {"vectors deleted", "DELETE FROM vectors"},
    {"segments deleted", "DELETE FROM segments; UPDATE records SET text = 'altered' WHERE (slot + ?1) % 5 = 0"},
    {"all records deleted", "DELETE FROM records"},
    {"all documents deleted", "DELETE FROM documents"},
    {"the table of records dropped", "DROP TABLE records"},
    {"the table of documents dropped", "DROP TABLE documents"},
    {"the table of vectors dropped", "DROP TABLE vectors"},
    {"the full-text index dropped, and records", "DROP TABLE record_words; DELETE FROM records WHERE (slot + ?1) % 3 = 0"},
    {"entries of the ledger deleted", "DELETE FROM ledger WHERE (length(document_id) + ?1) % 2 = 0 OR document_id = 'doc1'"},
    {"the ledger dropped", "DROP TABLE ledger"},
};

/// What the index must hold: document, place, text, metadata.
using Contents = std::set<std::tuple<std::string, std::size_t, std::string, std::int64_t>>;

/// One seed: a store, what the source holds, and one harm.
class Drift {
 public:
  explicit Drift(std::uint64_t seed)
      : random_(seed),
        harm_(kHarms[seed % std::size(kHarms)]),
        source_({.mode = random_() % 2 == 0 ? MemorySourceOptions::Mode::kSnapshot : MemorySourceOptions::Mode::kFeed}) {}

  const char* harm() const { return harm_.name; }

  /// Empty = found and mended.
  std::string Run() {
    for (int i = 0; i < 40; ++i) Put(i);
    if (std::string fault = Ingest(); !fault.empty()) return fault;
    for (int i = 0; i < 5; ++i) Put(static_cast<int>(random_() % 40));
    source_.Delete("doc7");
    if (std::string fault = Ingest(); !fault.empty()) return fault;
    if (std::string fault = Compare(); !fault.empty()) return "before the harm: " + fault;
    if (std::string fault = Execute(harm_.sql); !fault.empty()) return fault;

    absl::StatusOr<sqlite::Store> store = sqlite::Store::Open(path_);
    if (!store.ok()) return "Open(): " + store.status().ToString();
    Pipeline pipeline{source_, chunker_, embedder_, store->sink(), store->checkpoint(), options()};
    RepairReport repaired;
    if (absl::Status status = pipeline.Repair(repaired); !status.ok()) return "Repair(): " + status.ToString();
    if (repaired.found.is_sound()) return "Verify() found nothing";
    IndexQuery query;
    query.text = "paragraph";
    query.top_k = 10;
    query.mode = SearchMode::kText;
    absl::StatusOr<std::vector<Hit>> hits = store->index().Search(query);
    if (!hits.ok()) return "Search(): " + hits.status().ToString();
    if (hits->size() != 10) return fmt::format("Search() found {} of 10", hits->size());
    if (absl::Status status = pipeline.Repair(repaired); !status.ok()) return "a second Repair(): " + status.ToString();
    if (!repaired.found.is_sound()) return "a second Repair() found damage";
    RunReport report;
    if (absl::Status status = pipeline.Run(report); !status.ok()) return "Run(): " + status.ToString();
    if (!report.complete) return "a run afterwards was not complete";
    return Compare();
  }

 private:
  PipelineOptions options() {
    PipelineOptions options;
    options.chunk_workers = 1;
    options.deletion_guard.max_percent = 100;
    return options;
  }

  void Put(int i) {
    std::string text;
    for (std::uint64_t p = 1 + random_() % 5; p > 0; --p) text += fmt::format("paragraph {}\n\n", random_() % 100);
    source_.Put("doc" + std::to_string(i), text, {{"n", static_cast<std::int64_t>(random_() % 10)}});
  }

  std::string Ingest() {
    absl::StatusOr<sqlite::Store> store = sqlite::Store::Open(path_);
    if (!store.ok()) return "Open(): " + store.status().ToString();
    Pipeline pipeline{source_, chunker_, embedder_, store->sink(), store->checkpoint(), options()};
    RunReport report;
    if (absl::Status status = pipeline.Run(report); !status.ok()) return "Run(): " + status.ToString();
    return report.complete ? "" : "a run was not complete";
  }

  std::string Execute(const std::string& sql) {
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    std::string numbered = sql;
    const std::string number = std::to_string(random_() % 1000);
    for (std::size_t at = 0; (at = numbered.find("?1", at)) != std::string::npos;) numbered.replace(at, 2, number);
    char* message = nullptr;
    std::string fault;
    if (sqlite3_exec(db, numbered.c_str(), nullptr, nullptr, &message) != SQLITE_OK)
      fault = fmt::format("{}: {}", sql, message);
    sqlite3_free(message);
    sqlite3_close(db);
    return fault;
  }

  /// Whether the file holds what the source does, read without the library.
  std::string Compare() {
    Contents expected;
    for (const auto& [id, document] : source_.documents()) {
      const auto chunks = chunker_.Split(document);
      for (std::size_t i = 0; i < chunks->size(); ++i) {
        const ByteRange range = (*chunks)[i].range;
        expected.emplace(id, i, document.text.substr(range.begin, range.size()),
                         std::get<std::int64_t>(document.metadata.at("n")));
      }
    }
    Contents actual;
    std::string integrity;
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    std::size_t rows = 0;
    const bool readable =
        Each(db,
             "SELECT document_id, position, text, json_extract(metadata, '$.n') FROM records LEFT JOIN documents"
             " ON documents.id = records.document",
             [&](sqlite3_stmt* row) {
               ++rows;
               actual.emplace(Text(row, 0), static_cast<std::size_t>(sqlite3_column_int64(row, 1)), Text(row, 2),
                              sqlite3_column_int64(row, 3));
             });
    Each(db, "PRAGMA integrity_check", [&](sqlite3_stmt* row) { integrity += Text(row, 0); });
    const bool words =
        Each(db, "INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1)", [](sqlite3_stmt*) {});
    if (!words) integrity += ", the full-text index differs from the records";
    sqlite3_close(db);
    if (integrity != "ok") return "integrity check: " + integrity;
    if (!readable) return "the file cannot be read";
    if (rows != expected.size() || actual != expected) return "the index differs from the source";
    return {};
  }

  template <class Visit>
  static bool Each(sqlite3* db, const char* sql, const Visit& visit) {
    sqlite3_stmt* row = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &row, nullptr) != SQLITE_OK) return false;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) visit(row);
    sqlite3_finalize(row);
    return code == SQLITE_DONE;
  }

  static std::string Text(sqlite3_stmt* row, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    return text != nullptr ? text : "";
  }

  std::mt19937_64 random_;
  const Harm& harm_;
  MemorySource source_;
  ParagraphChunker chunker_;
  HashEmbedder embedder_;
  TempDir folder_;
  const std::string path_ = folder_ / "index.db";
};

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally tally("P17", "drift: rows altered, lost, doubled or dropped are found by Verify, mended by Repair");
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    tally.Case();
    Drift drift(seed);
    if (const std::string fault = drift.Run(); !fault.empty()) {
      tally.Violation(fmt::format("proof_drift --first {} --cases 1", seed), fmt::format("{}: {}", drift.harm(), fault));
    }
  }
  tally.Spent(std::chrono::steady_clock::now() - begin);
  return {tally};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 96, ragpipe::proof::Prove); }
