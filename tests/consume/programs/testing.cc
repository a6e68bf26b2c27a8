#include <cstdio>

#include "ragpipe/pipeline.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/testing/paragraph_chunker.h"

int main() {
  ragpipe::testing::MemorySource source;
  source.Put("a", "One paragraph.");
  ragpipe::testing::HashEmbedder embedder;
  ragpipe::testing::MemoryStore store;
  ragpipe::Pipeline pipeline{source, ragpipe::testing::ParagraphChunker{}, embedder, store.sink(), store.checkpoint()};
  ragpipe::RunReport report;
  const absl::Status status = pipeline.Run(report);
  std::printf("%s\n", status.ToString().c_str());
  return status.ok() && store.records().size() == 1 ? 0 : 1;
}
