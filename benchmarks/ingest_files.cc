// A tree of 10,000 Markdown files of 4 KB mean into one SQLite file, with a null embedder of 256 dimensions: the first run, and
// a run in which nothing changed beside what nobody can avoid, a stat of every file and one reading of the ledger.
#include <benchmark/benchmark.h>
#include <fts.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "corpus.h"
#include "null_embedder.h"
#include "ragpipe/default_model/default_model.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/markdown_chunker.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kFiles = 10'000;

/// The tree, and room for an index; both go with the program.
class Workplace {
 public:
  Workplace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ragpipe-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
    MakeTree(root_ / "tree", kFiles);
  }
  ~Workplace() { std::filesystem::remove_all(root_); }

  std::string tree() const { return root_ / "tree"; }
  std::string index() const { return root_ / "index.db"; }
  void DropIndex() const {
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) std::filesystem::remove(index() + suffix);
  }

 private:
  std::filesystem::path root_;
};

const Workplace& Place() {
  static const Workplace place;
  return place;
}

std::shared_ptr<const text::Tokenizer> Tokenizer() {
  static const auto model = embed::DefaultModel();
  return model->tokenizer();
}

absl::Status Ingest(RunReport& report) {
  auto store = sqlite::Store::Open(Place().index());
  if (!store.ok()) return store.status();
  auto chunker = text::MarkdownChunker::Create(Tokenizer());
  if (!chunker.ok()) return chunker.status();
  Pipeline pipeline{fs::DirectorySource{Place().tree(), {.name = "tree"}}, *std::move(chunker), NullEmbedder{256},
                    store->sink(), store->checkpoint()};
  return pipeline.Run(report);
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

void Cold(benchmark::State& state) {
  Place();
  Tokenizer();
  RunReport report;
  double cpu_seconds = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Place().DropIndex();
    const double before = CpuSeconds();
    state.ResumeTiming();
    if (!Ingest(report).ok() || !report.complete) state.SkipWithError("the run is not complete");
    state.PauseTiming();
    cpu_seconds += CpuSeconds() - before;
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFiles));
  state.counters["chunks"] = static_cast<double>(report.chunks.total);
  state.counters["cpu_seconds"] = cpu_seconds / static_cast<double>(state.iterations());
  state.counters["load"] = absl::ToDoubleSeconds(report.stage_times.load);
  state.counters["chunk"] = absl::ToDoubleSeconds(report.stage_times.chunk);
  state.counters["write"] = absl::ToDoubleSeconds(report.stage_times.write);
  state.counters["commit"] = absl::ToDoubleSeconds(report.stage_times.commit);
}

/// What a pass over an unchanged tree cannot avoid: a plain walk with a stat of every file, and one sequential reading of the
/// ledger.
void StatWalkAndLedger(benchmark::State& state) {
  RunReport report;
  if (!Ingest(report).ok()) state.SkipWithError("the first run failed");
  std::size_t files = 0;
  std::size_t entries = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    const std::string tree = Place().tree();
    char* const roots[] = {const_cast<char*>(tree.c_str()), nullptr};
    FTS* const walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr);
    while (const FTSENT* entry = fts_read(walk)) {
      if (entry->fts_info != FTS_F) continue;
      bytes += static_cast<std::uint64_t>(entry->fts_statp->st_size);
      ++files;
    }
    fts_close(walk);

    sqlite3* db = nullptr;
    sqlite3_stmt* rows = nullptr;
    sqlite3_open_v2(Place().index().c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_prepare_v2(db, "SELECT * FROM ledger", -1, &rows, nullptr);
    while (sqlite3_step(rows) == SQLITE_ROW) {
      for (int column = 0; column < sqlite3_column_count(rows); ++column) {
        bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(rows, column));
      }
      ++entries;
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
  }
  benchmark::DoNotOptimize(bytes);
  const std::size_t expected = static_cast<std::size_t>(state.iterations()) * kFiles;
  if (files != expected || entries != expected) state.SkipWithError("the walk or the ledger is not whole");
}

void Unchanged(benchmark::State& state) {
  RunReport report;
  if (!Ingest(report).ok()) state.SkipWithError("the first run failed");
  for (auto _ : state) {
    if (!Ingest(report).ok() || report.documents.unchanged != kFiles) state.SkipWithError("something changed");
  }
  state.counters["bytes_read"] = static_cast<double>(report.bytes.read);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFiles));
}

BENCHMARK(Cold)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(StatWalkAndLedger)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Unchanged)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
