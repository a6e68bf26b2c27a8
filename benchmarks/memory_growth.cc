// Peak resident memory of a process that ingests a tree of the given number of files: it should not grow with the tree.
//
//     memory_growth FILES          prints one JSON object
#include <sys/resource.h>

#include <cstdio>
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

namespace {

double PeakMegabytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: memory_growth FILES\n", stderr);
    return 2;
  }
  const std::size_t files = std::strtoull(argv[1], nullptr, 10);
  std::string root = (std::filesystem::temp_directory_path() / "ragpipe-memory-XXXXXX").string();
  if (mkdtemp(root.data()) == nullptr) return 1;
  MakeTree(root + "/tree", files);

  absl::Status status;
  ragpipe::RunReport cold;
  ragpipe::RunReport again;
  const double before = PeakMegabytes();
  {
    auto store = ragpipe::sqlite::Store::Open(root + "/index.db");
    auto model = ragpipe::embed::DefaultModel();
    if (!store.ok() || !model.ok()) return 1;
    auto chunker = ragpipe::text::MarkdownChunker::Create(model->tokenizer());
    if (!chunker.ok()) return 1;
    ragpipe::Pipeline pipeline{ragpipe::fs::DirectorySource{root + "/tree"},
                               *std::move(chunker),
                               NullEmbedder{256},
                               store->sink(),
                               store->checkpoint(),
                               {.memory_budget = std::size_t{16} << 20}};
    status = pipeline.Run(cold);
    if (status.ok()) status = pipeline.Run(again);
  }
  std::printf("{\"files\":%zu,\"before_mb\":%.1f,\"peak_mb\":%.1f,\"cold_seconds\":%.3f,\"again_seconds\":%.3f,\"complete\":%s}\n",
              files, before, PeakMegabytes(), absl::ToDoubleSeconds(cold.elapsed), absl::ToDoubleSeconds(again.elapsed),
              cold.complete && again.complete ? "true" : "false");
  std::filesystem::remove_all(root);
  return status.ok() ? 0 : 1;
}
