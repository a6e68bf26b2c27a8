// Partitions that come and go: what was received of one is committed before the source lets go, or not at all.
#include <absl/time/clock.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/gate.h"
#include "engine/rig.h"
#include "ragpipe/testing/faulty_stages.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

using Mode = MemorySourceOptions::Mode;

/// Passes on what another source sends, and calls back when Next() is called again after a PartitionRevoked.
class WatchedSource final : public Source {
 public:
  explicit WatchedSource(Source& source) : source_(source) {}

  std::string_view name() const override { return source_.name(); }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override {
    auto stream = source_.StreamChanges(since);
    if (!stream.ok()) return stream.status();
    return std::make_unique<Stream>(*this, *std::move(stream));
  }

  std::function<void()> when_let_go;             // on the reader's thread
  std::function<void()> before_acknowledgement;  // on the writer's thread
  std::atomic<int> times_let_go{0};

 private:
  class Stream final : public ChangeStream {
   public:
    Stream(WatchedSource& source, std::unique_ptr<ChangeStream> stream) : source_(source), stream_(std::move(stream)) {}

    absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
      if (std::exchange(revoked_, false)) {
        if (source_.when_let_go) source_.when_let_go();
        ++source_.times_let_go;
      }
      const absl::Status status = stream_->Next(deadline, out);
      for (const Event& event : out) revoked_ = revoked_ || std::holds_alternative<PartitionRevoked>(event);
      return status;
    }
    absl::StatusOr<Document> Load(const Change& change) override { return stream_->Load(change); }
    absl::Status Acknowledge(std::span<const PartitionCursor> committed) override {
      if (source_.before_acknowledgement) source_.before_acknowledgement();
      return stream_->Acknowledge(committed);
    }

   private:
    WatchedSource& source_;
    std::unique_ptr<ChangeStream> stream_;
    bool revoked_ = false;
  };

  Source& source_;
};

std::map<Partition, Cursor> CommittedCursors(MemoryStore& store) {
  std::map<Partition, Cursor> cursors;
  const auto loaded = store.checkpoint().LoadCursors("memory");
  if (!loaded.ok()) std::abort();  // on any thread: no assertion of the framework
  for (const PartitionCursor& position : *loaded) cursors[position.partition] = position.cursor;
  return cursors;
}

Change Upsert(std::string id, std::string text, Partition partition) {
  Change change;
  change.document_id = id;
  change.partition = std::move(partition);
  change.document.emplace();
  change.document->id = std::move(id);
  change.document->text = std::move(text);
  return change;
}

void Await(const auto& condition) {
  while (!condition()) absl::SleepFor(absl::Milliseconds(1));
}

}  // namespace

TEST_CASE("what was received of a revoked partition is committed and acknowledged before the source lets go") {
  const bool shared_transaction = GENERATE(true, false);
  Rig rig({.mode = Mode::kFeed, .endless = true}, {.shared_transaction = shared_transaction}, {.limits = {.texts = 3}});
  rig.options.clock = nullptr;
  rig.options.commit_interval = absl::Hours(1);
  WatchedSource source(rig.source);
  source.before_acknowledgement = [] { absl::SleepFor(absl::Milliseconds(20)); };
  Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  std::map<Partition, Cursor> committed;
  std::map<Partition, Cursor> acknowledged;
  std::map<std::string, LedgerEntry> entries;
  source.when_let_go = [&] {
    committed = CommittedCursors(rig.store);
    acknowledged = rig.source.acknowledged();
    entries = rig.store.entries("memory");
  };
  for (int round = 1; round <= 3; ++round) {
    // In the last round everything is known already: only the cursor moves.
    for (int i = 0; i < 20; ++i) {
      Change change = Upsert("doc" + std::to_string(i), "text " + std::to_string(i), "p");
      change.version.token = "v" + std::to_string(std::min(round, 2));
      change.document->text += "\n\nof version " + change.version.token;
      rig.source.Push(std::move(change));
    }
    rig.source.Push(PartitionRevoked{"p"});
    if (round == 1) REQUIRE_OK(pipeline.Start());
    Await([&] { return source.times_let_go == round; });
    CHECK(entries.size() == 20);
    CHECK(committed["p"] == std::to_string(21 * round - 1));
    CHECK(acknowledged["p"] == committed["p"]);
  }
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CheckReport(rig.report);
  CHECK(rig.report.documents.processed == 40);
  CHECK(rig.report.documents.unchanged == 20);
  CHECK(rig.report.documents.pending == 0);
}

TEST_CASE("a partition that comes back after it was revoked is read on") {
  Rig rig({.mode = Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  rig.source.Push(Upsert("a", "text a", "p"));
  rig.source.Push(PartitionRevoked{"p"});
  rig.source.Push(PartitionAssigned{"p"});
  rig.source.Push(Upsert("b", "text b", "p"));
  rig.source.Push(PartitionRevoked{"never seen"});
  rig.source.Push(PartitionRevoked{"never seen", true});
  rig.source.Push(EndOfFeed{});
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.store.entries("memory").size() == 2);
  CHECK(CommittedCursors(rig.store) == std::map<Partition, Cursor>{{"p", "4"}});
}

TEST_CASE("stopping does not wait for the end of a revocation") {
  Rig rig({.mode = Mode::kFeed, .endless = true}, {},
          {.on_call = [](const EmbedRequest&) { return absl::UnavailableError("not yet"); }});
  rig.options.clock = nullptr;
  rig.options.retry.initial_backoff = rig.options.retry.max_backoff = absl::Hours(1);
  WatchedSource source(rig.source);
  rig.source.Push(Upsert("a", "text a", "p"));
  rig.source.Push(PartitionRevoked{"p"});
  Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  Await([&] { return pipeline.Report().retries != 0; });
  REQUIRE_OK(pipeline.Stop(absl::Milliseconds(20), rig.report));
  CHECK(rig.report.documents.pending == 1);
  CHECK(source.times_let_go == 0);
  CHECK(CommittedCursors(rig.store).empty());
}

TEST_CASE("a lost partition is abandoned: neither written nor committed") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {}, {.limits = {.texts = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  rig.source.Put("a", "held");
  gate.AwaitHeld();
  rig.source.Push(PartitionRevoked{"", true});
  rig.source.Put("b", "text b");
  while (pipeline.Report().documents.seen < 2) absl::SleepFor(absl::Milliseconds(1));
  gate.Open();
  while (pipeline.Report().documents.processed < 1) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.pending == 1);
  CHECK(rig.store.entries("memory").count("a") == 0);
  CHECK(rig.store.entries("memory").count("b") == 1);
}

TEST_CASE("texts of a lost partition are not embedded, its documents not read") {
  Gate gate;
  Rig rig({.mode = Mode::kFeed, .endless = true}, {}, {.limits = {.texts = 1, .calls = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  WatchedSource source(rig.source);
  Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  rig.source.Push(Upsert("a", "held", "p"));
  REQUIRE_OK(pipeline.Start());
  gate.AwaitHeld();
  for (int i = 0; i < 10; ++i) rig.source.Push(Upsert("b" + std::to_string(i), "text " + std::to_string(i), "p"));
  rig.source.Push(PartitionRevoked{"p", true});
  Await([&] { return source.times_let_go == 1; });
  gate.Open();
  rig.source.Push(Upsert("c", "text c", "q"));
  Await([&] { return pipeline.Report().documents.processed == 1; });
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.pending == 11);
  CHECK(rig.report.embed.texts == 2);
  CHECK(rig.store.entries("memory").size() == 1);
}

TEST_CASE("what the sink holds of a lost partition and nobody committed is in doubt, and is replaced when it comes again") {
  const bool shared_transaction = GENERATE(true, false);
  Gate gate;
  Rig rig({.mode = Mode::kFeed, .endless = true}, {.shared_transaction = shared_transaction},
          {.limits = {.texts = 1, .calls = 2}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  rig.options.commit_interval = absl::Hours(1);
  WatchedSource source(rig.source);
  Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  rig.source.Push(Upsert("held", "held", "q"));  // while it is in work, nothing is committed
  rig.source.Push(Upsert("a", "old text of a", "p"));
  REQUIRE_OK(pipeline.Start());
  gate.AwaitHeld();
  Await([&] { return rig.store.counts().writes == 1; });
  rig.source.Push(PartitionRevoked{"p", true});
  Await([&] { return source.times_let_go == 1; });
  CHECK(CommittedCursors(rig.store).empty());
  gate.Open();
  Await([&] { return pipeline.Report().documents.processed >= 1; });
  CHECK(CommittedCursors(rig.store) == std::map<Partition, Cursor>{{"q", "1"}});
  REQUIRE(rig.store.entries("memory").count("a") == 1);
  CHECK(rig.store.entries("memory").at("a").is_in_doubt());

  rig.source.Push(PartitionAssigned{"p"});
  rig.source.Push(Upsert("a", "new text of a", "p"));
  Await([&] { return pipeline.Report().documents.processed >= 2; });
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.pending == 1);
  CHECK_FALSE(rig.store.entries("memory").at("a").is_in_doubt());
  std::vector<std::string> texts;
  for (const auto& [id, record] : rig.store.records()) texts.push_back(record.text);
  std::sort(texts.begin(), texts.end());
  CHECK(texts == std::vector<std::string>{"held", "new text of a"});
}

TEST_CASE("a commit that is under way when a partition is lost ends before the source goes on") {
  Rig rig({.mode = Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  FaultPlan plan;
  std::atomic<bool> is_committing{false};
  std::atomic<bool> may_commit{false};
  plan.On(Call::kFlush, Always(), testing::Run([&] {
            is_committing = true;
            Await([&] { return may_commit.load(); });
          }));
  FaultySink sink(rig.store.sink(), plan);
  WatchedSource source(rig.source);
  std::map<Partition, Cursor> committed;
  source.when_let_go = [&] { committed = CommittedCursors(rig.store); };
  may_commit = true;
  Pipeline pipeline{source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  rig.source.Push(Upsert("a", "text a", "p"));
  Await([&] { return pipeline.Report().documents.processed == 1; });
  is_committing = false;
  may_commit = false;
  rig.source.Push(Upsert("b", "text b", "p"));
  Await([&] { return is_committing.load(); });
  rig.source.Push(PartitionRevoked{"p", true});
  absl::SleepFor(absl::Milliseconds(50));
  CHECK(source.times_let_go == 0);
  may_commit = true;
  Await([&] { return source.times_let_go == 1; });
  CHECK(committed == std::map<Partition, Cursor>{{"p", "2"}});
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.pending == 0);
  CHECK(CommittedCursors(rig.store) == committed);
}
