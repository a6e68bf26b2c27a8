// Ingests a folder of Markdown once, with a null embedder of 384 dimensions and chunks of 512 tokens, and prints the run's
// report as one line of JSON. benchmarks/compare/ingest.sh runs it beside others.
//
//     ingest_files FOLDER INDEX    into the SQLite file INDEX
//     ingest_files --drop FOLDER INDEX    the records are dropped; INDEX holds the ledger only
//     ingest_files --stat FOLDER   only asks for the state of each file, which no run over an unchanged folder can avoid
#include <fts.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "null_embedder.h"
#include "ragpipe/adapters.h"
#include "ragpipe/default_model/default_model.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/markdown_chunker.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kDimension = 384;
constexpr std::size_t kMemoryBudget = std::size_t{16} << 20;

absl::Status Ingest(const std::string& folder, VectorSink& sink, Checkpoint& checkpoint, RunReport& report) {
  auto model = embed::DefaultModel();
  if (!model.ok()) return model.status();
  auto chunker = text::MarkdownChunker::Create(model->tokenizer(), {.max_tokens = 512});
  if (!chunker.ok()) return chunker.status();
  Pipeline pipeline{fs::DirectorySource{folder, {.name = "tree"}},
                    *std::move(chunker),
                    NullEmbedder{kDimension},
                    sink,
                    checkpoint,
                    {.memory_budget = kMemoryBudget}};
  return pipeline.Run(report);
}

absl::Status IngestIntoFile(const std::string& folder, const std::string& index, RunReport& report) {
  auto store = sqlite::Store::Open(index);
  if (!store.ok()) return store.status();
  return Ingest(folder, store->sink(), store->checkpoint(), report);
}

absl::Status IngestIntoNothing(const std::string& folder, const std::string& ledger, RunReport& report) {
  auto store = sqlite::Store::Open(ledger);
  if (!store.ok()) return store.status();
  FunctionSink sink([](std::span<const DocumentWrite>) { return absl::OkStatus(); });
  return Ingest(folder, sink, store->checkpoint(), report);
}

int StatWalk(std::string folder) {
  char* const roots[] = {folder.data(), nullptr};
  FTS* const walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr);
  if (walk == nullptr) return 1;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  while (const FTSENT* entry = fts_read(walk)) {
    if (entry->fts_info != FTS_F) continue;
    ++files;
    bytes += static_cast<std::uint64_t>(entry->fts_statp->st_size);
  }
  fts_close(walk);
  std::printf("{\"files\":%llu,\"bytes\":%llu}\n", static_cast<unsigned long long>(files),
              static_cast<unsigned long long>(bytes));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--stat") return StatWalk(argv[2]);
  const bool drops = argc == 4 && std::string_view(argv[1]) == "--drop";
  if (argc != 3 && !drops) {
    std::fputs("usage: ingest_files [--drop] FOLDER INDEX | ingest_files --stat FOLDER\n", stderr);
    return 2;
  }
  RunReport report;
  const absl::Status status = drops ? IngestIntoNothing(argv[2], argv[3], report) : IngestIntoFile(argv[1], argv[2], report);
  if (!status.ok()) {
    std::fprintf(stderr, "ingest_files: %s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("%s\n", ToJson(report).c_str());
  return 0;
}
