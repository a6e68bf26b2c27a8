// From the event at the source until it can be searched, and what can be searched while nothing comes or nothing moves.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/rig.h"
#include "ragpipe/testing/faulty_stages.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

using Script = std::function<void(int call, std::vector<Event>& out)>;

/// What its Next() does, a function says.
class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(Script script) : script_(std::move(script)) {}

  std::string_view name() const override { return "script"; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> /*since*/) override {
    return std::make_unique<Stream>(script_);
  }

 private:
  class Stream final : public ChangeStream {
   public:
    explicit Stream(const Script& script) : script_(script) {}
    absl::Status Next(absl::Time /*deadline*/, std::vector<Event>& out) override {
      script_(++calls_, out);
      return absl::OkStatus();
    }

   private:
    const Script& script_;
    int calls_ = 0;
  };

  const Script script_;
};

Change Upsert(std::string id, absl::Time updated_at, Partition partition = "") {
  Change change;
  change.document_id = id;
  change.updated_at = updated_at;
  change.partition = std::move(partition);
  change.document.emplace();
  change.document->text = "text of " + id;
  change.document->id = std::move(id);
  return change;
}

/// Runs a script with stages in memory; what `observed` holds of the pipeline while it runs is up to the script.
struct ScriptRig : Rig {
  absl::Status Run(const Script& script) {
    ScriptedSource scripted(script);
    Pipeline pipeline{scripted, chunker, embedder, faulty_sink, faulty_checkpoint, options};
    now_running = [&pipeline] { return pipeline.Report(); };
    const absl::Status status = pipeline.Run(report);
    CheckReport(report);
    return status;
  }

  FaultPlan plan;
  FaultySink faulty_sink{store.sink(), plan};
  FaultyCheckpoint faulty_checkpoint{store.checkpoint(), plan};
  std::function<RunReport()> now_running;
};

constexpr absl::Duration kSlack = absl::Seconds(10);  // of waits that move the virtual clock

}  // namespace

TEST_CASE("freshness is the time from the event to the commit, of what was processed or deleted") {
  ScriptRig rig;
  rig.options.commit_interval = absl::InfiniteDuration();  // no samples between commits
  const absl::Time start = rig.clock.Now();
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    out.push_back(Upsert("a", start - absl::Minutes(10)));
    out.push_back(Upsert("b", absl::InfinitePast()));
    Change body = Upsert("body", absl::InfinitePast());
    body.document->updated_at = start - absl::Minutes(30);
    out.push_back(body);
    Change deletion;
    deletion.kind = Change::Kind::kDelete;
    deletion.document_id = "unknown";
    deletion.updated_at = start - absl::Hours(50);  // of nothing that was there: nothing to search for, or not any more
    out.push_back(deletion);
    Change bad = Upsert("bad", start - absl::Hours(50));
    bad.document->text = "\xFF";
    out.push_back(bad);
    out.push_back(Upsert("ahead", start + absl::Hours(50)));  // of a clock that is
    out.push_back(EndOfFeed{});
  }));
  CHECK(rig.report.documents.failed == 1);
  CHECK(rig.report.freshness.count() == 3);
  CHECK(rig.report.freshness.max() >= absl::Minutes(30));
  CHECK(rig.report.freshness.max() <= absl::Minutes(30) + kSlack);
  CHECK(rig.report.freshness.Quantile(0.0) <= kSlack);

  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    out.push_back(Upsert("a", start - absl::Minutes(10)));  // unchanged: it could be searched before
    Change deletion;
    deletion.kind = Change::Kind::kDelete;
    deletion.document_id = "b";
    deletion.updated_at = start - absl::Minutes(20);
    out.push_back(deletion);
    out.push_back(EndOfFeed{});
  }));
  CHECK(rig.report.documents.unchanged == 1);
  CHECK(rig.report.documents.deleted == 1);
  CHECK(rig.report.freshness.count() == 1);
  CHECK(rig.report.freshness.max() >= absl::Minutes(20));
  CHECK(rig.report.freshness.max() <= absl::Minutes(20) + kSlack);
}

TEST_CASE("a stalled pipeline looks ever older while it is stalled") {
  const Call where = GENERATE(Call::kWrite, Call::kFlush, Call::kCommit);
  const bool from_the_start = GENERATE(true, false);
  CAPTURE(static_cast<int>(where), from_the_start);
  ScriptRig rig;
  RunReport stalled;
  std::atomic<bool> stalls{false};
  rig.plan.On(
      where, [&](const CallInfo&) { return stalls.exchange(false); }, testing::Run([&] {
        rig.clock.Advance(absl::Minutes(10));
        stalled = rig.now_running();
      }));
  const absl::Time start = rig.clock.Now();
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    const RunReport::Documents documents = rig.now_running().documents;
    if (documents.seen != documents.processed) return;
    if (documents.seen == 2) {
      out.push_back(EndOfFeed{});
      return;
    }
    stalls = from_the_start == (documents.seen == 0);
    out.push_back(Upsert("doc" + std::to_string(documents.seen), rig.clock.Now()));
  }));
  CHECK(stalled.freshness.max() >= absl::Minutes(10) - absl::Seconds(1));
  CHECK(stalled.freshness.count() >= 590);
  CHECK(stalled.freshness.count() <= 700);
  CHECK(stalled.freshness.Quantile(0.5) >= absl::Minutes(5) - kSlack);
  CHECK(stalled.freshness.Quantile(0.5) <= (absl::Minutes(5) + kSlack) * 1.25);
  CHECK(stalled.watermark <= (from_the_start ? absl::InfinitePast() : start));
  CHECK(rig.report.freshness.count() > stalled.freshness.count());
}

TEST_CASE("heartbeats keep a silent feed fresh, and nothing else does") {
  const bool has_heartbeats = GENERATE(true, false);
  ScriptRig rig;
  const absl::Time start = rig.clock.Now();
  bool sent = false;
  int seconds = 0;
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    if (!std::exchange(sent, true)) {
      out.push_back(Upsert("a", start));
      return;
    }
    if (rig.now_running().documents.processed == 0) return;
    rig.clock.Advance(absl::Seconds(1));
    if (++seconds == 600) {
      out.push_back(EndOfFeed{});
    } else if (has_heartbeats) {
      out.push_back(Heartbeat{rig.clock.Now() - absl::Seconds(2)});
    }
  }));
  const LatencyHistogram& freshness = rig.report.freshness;
  CHECK(freshness.count() >= 590);
  if (has_heartbeats) {
    CHECK(freshness.Quantile(0.99) <= absl::Seconds(3) * 1.25);
    CHECK(freshness.max() <= absl::Seconds(2) + kSlack);
    CHECK(rig.report.watermark >= start + absl::Seconds(590));
  } else {
    CHECK(freshness.max() >= absl::Seconds(590));
    CHECK(freshness.Quantile(0.5) >= absl::Seconds(290));
    CHECK(freshness.Quantile(0.5) <= absl::Seconds(310) * 1.25);
  }
}

TEST_CASE("one stalled partition is not hidden by another that is fresh") {
  ScriptRig rig;
  rig.options.commit_documents = 1;
  RunReport stalled;
  rig.plan.On(Call::kWrite, About([](std::string_view id) { return id == "slow"; }), testing::Run([&] {
                if (stalled.documents.seen != 0) return;
                rig.clock.Advance(absl::Minutes(10));
                stalled = rig.now_running();
              }));
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    const RunReport::Documents documents = rig.now_running().documents;
    if (documents.seen != documents.processed) return;
    if (documents.seen == 0) {
      out.push_back(Upsert("old", rig.clock.Now(), "q"));
      out.push_back(Upsert("new", rig.clock.Now() + absl::Hours(1), "p"));  // far ahead
    } else if (documents.seen == 2) {
      out.push_back(Upsert("slow", rig.clock.Now(), "q"));
    } else {
      out.push_back(EndOfFeed{});
    }
  }));
  CHECK(stalled.freshness.max() >= absl::Minutes(9));
  CHECK(stalled.freshness.max() <= absl::Minutes(11));
}

TEST_CASE("without event times there are no samples") {
  ScriptRig rig;
  int calls = 0;
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    rig.clock.Advance(absl::Minutes(1));
    if (++calls < 10) out.push_back(Upsert("doc" + std::to_string(calls), absl::InfinitePast()));
    if (calls == 10) out.push_back(EndOfFeed{});
  }));
  CHECK(rig.report.documents.processed == 9);
  CHECK(rig.report.freshness.count() == 0);
}

TEST_CASE("a clock that is set back ends no samples") {
  ScriptRig rig;
  const absl::Time start = rig.clock.Now();
  bool sent = false;
  int steps = 0;
  REQUIRE_OK(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    if (!std::exchange(sent, true)) out.push_back(Upsert("a", start));
    if (rig.now_running().documents.processed == 0) return;
    rig.clock.Advance(++steps == 20 ? -absl::Hours(100) : absl::Seconds(10));
    if (steps == 200) out.push_back(EndOfFeed{});
  }));
  CHECK(rig.report.freshness.count() >= 1900);
}

TEST_CASE("neither freshness nor watermark is ahead of a commit that is under way, or failed") {
  ScriptRig rig;
  const absl::Time start = rig.clock.Now();
  RunReport stalled;
  std::atomic<bool> stalls{false};
  rig.plan.On(
      Call::kFlush, [&](const CallInfo&) { return stalls.load(); }, testing::Run([&] {
        rig.clock.Advance(absl::Minutes(10));
        stalled = rig.now_running();
      }));
  rig.plan.On(
      Call::kCommit, [&](const CallInfo&) { return stalls.load(); }, Fail(absl::InternalError("the disk is gone")));
  CHECK(absl::IsInternal(rig.Run([&](int /*call*/, std::vector<Event>& out) {
    const RunReport::Documents documents = rig.now_running().documents;
    if (documents.seen != documents.processed) return;
    if (documents.seen == 0) {
      out.push_back(Upsert("a", start));
      return;
    }
    rig.clock.Advance(absl::Minutes(5));
    stalls = true;
    out.push_back(Upsert("b", rig.clock.Now()));
  })));
  CHECK(stalled.watermark == start);
  CHECK(stalled.freshness.max() >= absl::Minutes(15) - absl::Seconds(1));
  CHECK(rig.report.watermark == start);
}
