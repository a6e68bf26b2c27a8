// What the engine itself costs per document: a source and a ledger in memory, a chunker that finds paragraphs, a null
// embedder, a sink that drops everything.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "corpus.h"
#include "null_embedder.h"
#include "ragpipe/adapters.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/testing/paragraph_chunker.h"

using namespace ragpipe;

namespace {

void Fill(testing::MemorySource& source, int documents) {
  std::mt19937_64 random(1);
  for (int i = 0; i < documents; ++i) source.Put("document" + std::to_string(i), MakeMarkdown(random, 4096));
}

FunctionSink DroppingSink() {
  return FunctionSink([](std::span<const DocumentWrite>) { return absl::OkStatus(); });
}

void Cold(benchmark::State& state) {
  testing::MemorySource source;
  Fill(source, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    testing::MemoryStore store;
    Pipeline pipeline{source, testing::ParagraphChunker{}, NullEmbedder{384}, DroppingSink(), store.checkpoint()};
    RunReport report;
    if (!pipeline.Run(report).ok() || !report.complete) state.SkipWithError("the run is not complete");
    state.counters["chunks"] = static_cast<double>(report.chunks.total);
    state.counters["texts_per_call"] = static_cast<double>(report.embed.texts) / static_cast<double>(report.embed.calls);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Unchanged(benchmark::State& state) {
  testing::MemorySource source;
  Fill(source, static_cast<int>(state.range(0)));
  testing::MemoryStore store;
  Pipeline pipeline{source, testing::ParagraphChunker{}, NullEmbedder{384}, DroppingSink(), store.checkpoint()};
  RunReport report;
  if (!pipeline.Run(report).ok()) state.SkipWithError("the first run failed");
  for (auto _ : state) {
    if (!pipeline.Run(report).ok() || report.documents.unchanged != report.documents.seen) {
      state.SkipWithError("something changed");
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(Cold)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Unchanged)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
