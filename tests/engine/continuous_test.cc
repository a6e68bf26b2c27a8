// Start, Stop, Cancel, budget and commits in real time.
#include <absl/time/clock.h>

#include <atomic>
#include <string>
#include <thread>

#include "engine/rig.h"
#include "ragpipe/testing/faulty_stages.h"
#include "support/seed.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

void AwaitProcessed(const auto& pipeline, std::uint64_t count) {
  while (pipeline.Report().documents.processed < count) absl::SleepFor(absl::Milliseconds(1));
}

}  // namespace

TEST_CASE("an endless feed is indexed as it comes until it is stopped") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  CHECK_FALSE(pipeline.IsRunning());
  REQUIRE_OK(pipeline.Start());
  CHECK(pipeline.IsRunning());
  CHECK(absl::IsFailedPrecondition(pipeline.Start()));
  RunReport other;
  CHECK(absl::IsFailedPrecondition(pipeline.Run(other)));
  rig.source.Put("a", "text a");
  AwaitProcessed(pipeline, 1);
  CHECK(rig.store.records().size() == 1);  // a quiet feed commits at once
  rig.source.Put("b", "text b");
  rig.source.Delete("a");
  AwaitProcessed(pipeline, 2);
  while (pipeline.Report().documents.deleted < 1) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CheckReport(rig.report);
  CHECK(rig.report.documents.seen == 3);
  CHECK_FALSE(rig.report.complete);
  rig.CheckIndexEqualsSource();
  CHECK(absl::IsFailedPrecondition(pipeline.Stop(absl::Seconds(1), rig.report)));

  REQUIRE_OK(pipeline.Start());  // goes on where it stopped
  rig.source.Put("c", "text c");
  AwaitProcessed(pipeline, 1);
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.seen == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("stopping drains what is in flight within the grace, and abandons the rest after it") {
  std::atomic<bool> is_slow{true};
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {},
          {.limits = {.texts = 1},
           .on_call = [&](const EmbedRequest&) { return is_slow ? absl::UnavailableError("not yet") : absl::OkStatus(); }});
  rig.options.clock = nullptr;
  rig.options.retry.max_attempts = 1'000'000;
  rig.options.retry.initial_backoff = absl::Hours(1);
  rig.options.retry.max_backoff = absl::Hours(1);
  for (int i = 0; i < 10; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  while (pipeline.Report().retries == 0) absl::SleepFor(absl::Milliseconds(1));
  const absl::Time begin = absl::Now();
  REQUIRE_OK(pipeline.Stop(absl::Milliseconds(50), rig.report));
  CHECK(absl::Now() - begin < absl::Seconds(30));  // the pause of an hour was cut short
  CheckReport(rig.report);
  CHECK(rig.report.documents.pending == rig.report.documents.seen);
  is_slow = false;
  REQUIRE_OK(pipeline.Start());
  AwaitProcessed(pipeline, 10);
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a stop whose grace is over waits for the call that runs, and writes what waits behind it no more") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  for (int i = 0; i < 2000; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  std::atomic<bool> may_write{false};
  FaultPlan plan;
  plan.On(Call::kWrite, Always(), testing::Run([&] {
            while (!may_write) absl::SleepFor(absl::Milliseconds(1));
          }));
  FaultySink sink(rig.store.sink(), plan);
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  while (pipeline.Report().embed.texts < 2000 || plan.calls(Call::kWrite) == 0) absl::SleepFor(absl::Milliseconds(1));
  std::thread writer([&] {
    absl::SleepFor(absl::Milliseconds(50));
    may_write = true;
  });
  REQUIRE_OK(pipeline.Stop(absl::ZeroDuration(), rig.report));
  writer.join();
  CheckReport(rig.report);
  CHECK(plan.calls(Call::kWrite) == 1);
  CHECK(rig.report.commits <= 1);
  CHECK(rig.report.documents.processed > 0);  // what the sink held is committed
  CHECK(rig.report.documents.processed <= 256);
  CHECK(rig.report.documents.pending == 2000 - rig.report.documents.processed);
  CHECK(rig.store.records().size() == rig.report.documents.processed);
  REQUIRE_OK(pipeline.Start());
  AwaitProcessed(pipeline, rig.report.documents.pending);
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a stop whose grace is over waits for one call of a document, not for all of them") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true, .lazy = true});
  rig.options.clock = nullptr;
  rig.source.Put("a", "text");
  std::atomic<bool> is_loading{false};
  std::atomic<bool> may_load{false};
  FaultPlan plan;
  plan.On(Call::kLoad, Nth(1), testing::Run([&] {
            is_loading = true;
            while (!may_load) absl::SleepFor(absl::Milliseconds(1));
          }));
  FaultySource source(rig.source, plan);
  FaultyChunker chunker(rig.chunker, plan);
  Pipeline pipeline{source, chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  while (!is_loading) absl::SleepFor(absl::Milliseconds(1));
  std::thread loader([&] {
    absl::SleepFor(absl::Milliseconds(50));
    may_load = true;
  });
  REQUIRE_OK(pipeline.Stop(absl::ZeroDuration(), rig.report));
  loader.join();
  CheckReport(rig.report);
  CHECK(rig.report.documents.pending == 1);
  CHECK(plan.calls(Call::kSplit) == 0);
}

TEST_CASE("cancelling a run from another thread keeps what is committed") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  rig.source.Put("a", "text");
  std::thread canceller([&] {
    AwaitProcessed(pipeline, 1);
    pipeline.Cancel();
  });
  const absl::Status status = pipeline.Run(rig.report);
  canceller.join();
  CHECK(absl::IsCancelled(status));
  CheckReport(rig.report);
  CHECK(rig.report.documents.processed == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("destroying a started pipeline stops it") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  rig.source.Put("a", "text");
  {
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    REQUIRE_OK(pipeline.Start());
  }
  CHECK(rig.store.records().size() <= 1);
}

TEST_CASE("an error in a started run comes back from Stop") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {},
          {.on_call = [](const EmbedRequest&) { return absl::UnauthenticatedError("no key"); }});
  rig.options.clock = nullptr;
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  while (pipeline.IsRunning()) absl::SleepFor(absl::Milliseconds(1));
  const absl::Status status = pipeline.Stop(absl::Seconds(10), rig.report);
  CHECK(absl::IsUnauthenticated(status));
  CheckReport(rig.report);
}

TEST_CASE("commits come by number of documents") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.options.clock = nullptr;
  rig.options.commit_interval = absl::Hours(1);
  rig.options.commit_documents = 100;
  for (int i = 0; i < 1000; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.commits >= 4);  // a write takes up to 256 documents
  CHECK(rig.observer.progress().size() >= rig.report.commits);
  CHECK(rig.observer.progress().back().complete);
}

namespace {

/// Takes its time, and knows by how many documents the source was ahead of it.
class SlowSink final : public VectorSink {
 public:
  SlowSink(VectorSink& sink, const MemorySource& source) : sink_(sink), source_(source) {}
  absl::Status EnsureCollection(const CollectionSpec& spec) override { return sink_.EnsureCollection(spec); }
  absl::Status Write(std::span<const DocumentWrite> writes) override {
    absl::SleepFor(absl::Milliseconds(2));
    most_ahead_ = std::max(most_ahead_, source_.counts().documents_loaded - written_);
    written_ += writes.size();
    return sink_.Write(writes);
  }
  absl::Status Flush() override { return sink_.Flush(); }

  std::uint64_t most_ahead() const { return most_ahead_; }

 private:
  VectorSink& sink_;
  const MemorySource& source_;
  std::uint64_t written_ = 0;
  std::uint64_t most_ahead_ = 0;
};

}  // namespace

TEST_CASE("a slow sink stops the source at the memory budget") {
  Rig rig({.lazy = true, .events_per_call = 1});
  rig.options.clock = nullptr;
  rig.options.memory_budget = 200'000;
  const std::string text(10'000, 'x');
  for (int i = 0; i < 200; ++i) rig.source.Put("doc" + std::to_string(1000 + i), text + std::to_string(i));
  SlowSink sink(rig.store.sink(), rig.source);
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.complete);
  CHECK(sink.most_ahead() <= 25);  // 200 KB of documents of 10 KB and what is made of them
}

TEST_CASE("vectors count against the memory budget before they are there") {
  Rig rig({.lazy = true}, {}, {.dimension = 1000});
  rig.options.clock = nullptr;
  rig.options.memory_budget = 200'000;
  for (int i = 0; i < 400; ++i) rig.source.Put("doc" + std::to_string(i), "so little text, " + std::to_string(i));
  SlowSink sink(rig.store.sink(), rig.source);
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.complete);
  CHECK(sink.most_ahead() <= 50);  // 200 KB of vectors of 4,000 bytes
}

TEST_CASE("two changes of a document in one batch: the second is judged by what the first left") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .events_per_call = 100'000});
  rig.options.clock = nullptr;
  rig.options.commit_interval = absl::Milliseconds(1);
  rig.options.memory_budget = std::size_t{1} << 30;
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "one\n\n");     // no text to embed: nothing waits for company
  for (int i = 0; i < 50'000; ++i) {  // takes the intake so long that the change above is committed meanwhile
    Change change;
    change.kind = Change::Kind::kDelete;
    change.document_id = "unknown" + std::to_string(i);
    rig.source.Push(std::move(change));
  }
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("many threads, many documents, many kinds of change: the index is right") {
  RAGPIPE_RANDOM_TEST(random);
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true, .partitions = 3}, {},
          {.limits = {.texts = 7, .calls = 3}});
  rig.options.clock = nullptr;
  rig.options.chunk_workers = 4;
  rig.options.embed_calls = 3;
  rig.options.memory_budget = 20'000;
  rig.options.commit_interval = absl::Milliseconds(2);
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  std::uint64_t changes_made = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = "doc" + std::to_string(random() % 60);
    if (random() % 5 == 0) {
      changes_made += rig.source.documents().count(id);  // a delete of what is not there is no change
      rig.source.Delete(id);
    } else {
      ++changes_made;
      std::string text;
      for (std::uint64_t p = random() % 6; p > 0; --p) text += "paragraph " + std::to_string(random() % 200) + "\n\n";
      rig.source.Put(id, text, {{"n", static_cast<std::int64_t>(random() % 3)}});
    }
    if (random() % 50 == 0) absl::SleepFor(absl::Milliseconds(1));
  }
  rig.source.End();
  // Not until it has seen all that the source has sent: between two calls of Next() that is true of a source with more to send.
  const auto is_settled = [&] {
    const auto d = pipeline.Report().documents;
    return d.seen == changes_made && d.pending == 0;
  };
  for (int i = 0; i < 60'000 && !is_settled(); ++i) absl::SleepFor(absl::Milliseconds(1));
  CHECK(is_settled());
  REQUIRE_OK(pipeline.Stop(absl::Seconds(30), rig.report));
  CheckReport(rig.report);
  rig.CheckIndexEqualsSource();
}
