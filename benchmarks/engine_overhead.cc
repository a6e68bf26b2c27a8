// What the engine itself costs per document: a source and a ledger in memory, a chunker that finds paragraphs, a null
// embedder, a sink that drops everything. And whether a changed document costs more the more of them the index holds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

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

/// A ledger that answers in constant time, so that what grows with it would be the engine's.
class HashLedger final : public Checkpoint {
 public:
  bool keeps_ledger() const override { return true; }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override { return recipe_; }
  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view) override { return std::vector<PartitionCursor>(); }
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view, std::string_view, std::size_t) override {
    return std::vector<DeadLetter>();
  }

  absl::Status FindEntries(std::string_view, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override {
    const std::lock_guard lock(mutex_);
    out.assign(document_ids.size(), std::nullopt);
    for (std::size_t i = 0; i < document_ids.size(); ++i) {
      const auto found = entries_.find(std::string(document_ids[i]));
      if (found != entries_.end()) out[i] = found->second;
    }
    return absl::OkStatus();
  }

  absl::Status Commit(const CommitRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (request.recipe != nullptr) recipe_ = *request.recipe;
    for (const LedgerEntry& entry : request.entries) entries_[entry.document_id] = entry;
    return absl::OkStatus();
  }

 private:
  std::mutex mutex_;
  std::optional<Recipe> recipe_;
  std::unordered_map<std::string, LedgerEntry> entries_;
};

/// A feed of `count` documents, each `step`th of an index, with texts that differ from round to round.
class Feed final : public Source, public ChangeStream {
 public:
  Feed(std::size_t count, std::size_t step, std::size_t round) : count_(count), step_(step), round_(round) {}

  std::string_view name() const override { return "feed"; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
    return std::make_unique<Feed>(count_, step_, round_);
  }
  absl::Status Next(absl::Time, std::vector<Event>& out) override {
    const std::size_t end = std::min(count_, next_ + 256);
    for (; next_ < end; ++next_) {
      Change change;
      change.document_id = "document" + std::to_string(next_ * step_);
      change.version.token = std::to_string(round_);
      Document& document = change.document.emplace();
      document.id = change.document_id;
      document.version = change.version;
      document.text = "What " + document.id + " says in round " + std::to_string(round_) +
                      ".\n\nAnd a paragraph that stays as it was, whatever becomes of the first one of this document.";
      out.emplace_back(std::move(change));
    }
    if (next_ == count_) out.emplace_back(EndOfFeed{});
    return absl::OkStatus();
  }

 private:
  std::size_t count_;
  std::size_t step_;
  std::size_t round_;
  std::size_t next_ = 0;
};

/// 10,000 documents change in an index of so many.
void Changed(benchmark::State& state) {
  constexpr std::size_t kChanged = 10'000;
  const auto indexed = static_cast<std::size_t>(state.range(0));
  HashLedger ledger;
  FunctionSink sink = DroppingSink();
  RunReport report;
  std::size_t round = 0;
  auto run = [&](std::size_t count, std::size_t step) {
    Pipeline pipeline{Feed(count, step, round++), testing::ParagraphChunker{}, NullEmbedder{384}, sink, ledger};
    return pipeline.Run(report).ok() && report.complete;
  };
  if (!run(indexed, 1)) state.SkipWithError("the first run failed");
  for (auto _ : state) {
    if (!run(kChanged, indexed / kChanged) || report.documents.processed != kChanged)
      state.SkipWithError("not all were processed");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChanged));
}

BENCHMARK(Cold)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Unchanged)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Changed)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->UseRealTime()->MeasureProcessCPUTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
