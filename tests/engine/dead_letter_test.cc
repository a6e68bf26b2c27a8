// Dead letters after they were written: retried by themselves, replayed, expired, and too many.
#include <absl/time/clock.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/rig.h"
#include "ragpipe/testing/faulty_stages.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

using Mode = MemorySourceOptions::Mode;

/// A rig whose source and sink fail as the plan says.
struct FaultyRig : Rig {
  explicit FaultyRig(MemorySourceOptions source_options = {}) : Rig(source_options) { options.retry.max_attempts = 2; }

  absl::Status Run() {
    return With([this](auto& pipeline) { return pipeline.Run(report); });
  }
  absl::Status Replay(const DeadLetterFilter& which = {}) {
    return With([&](auto& pipeline) { return pipeline.ReplayDeadLetters(which, report); });
  }
  std::vector<DeadLetter> Letters() {
    const auto letters = store.checkpoint().ListDeadLetters("memory", "", 5000);
    REQUIRE_OK(letters);
    return *letters;
  }
  void FailLoadOf(std::string id, absl::Status status = absl::UnavailableError("no answer")) {
    plan.On(Call::kLoad, About([id](std::string_view document) { return document == id; }), Fail(std::move(status)));
  }

  FaultPlan plan;
  FaultySource faulty_source{source, plan};
  FaultySink faulty_sink{store.sink(), plan};
  FaultyEmbedder faulty_embedder{embedder, plan};

 private:
  absl::Status With(auto run) {
    Pipeline pipeline{faulty_source, chunker, faulty_embedder, faulty_sink, store.checkpoint(), options};
    const absl::Status status = run(pipeline);
    INFO("status: " << status.ToString() << "\n" << ToText(report));
    CheckReport(report);
    return status;
  }
};

void PutMany(MemorySource& source, int count, const std::string& text = "text ") {
  for (int i = 0; i < count; ++i) source.Put("doc" + std::to_string(1000 + i), text + std::to_string(i));
}

}  // namespace

TEST_CASE("a document that cannot be read for now is set aside, and a later run tries it again when it is due") {
  const Mode mode = GENERATE(Mode::kFeed, Mode::kSnapshot);
  FaultyRig rig({.mode = mode, .lazy = true});
  rig.options.dead_letters = {.first_retry = absl::Minutes(10), .max_retry = absl::Minutes(30)};
  PutMany(rig.source, 20);
  rig.FailLoadOf("doc1007");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 19);
  CHECK(rig.report.documents.failed == 1);
  REQUIRE(rig.Letters().size() == 1);
  const DeadLetter first = rig.Letters()[0];
  CHECK(first.stage == Stage::kLoad);
  CHECK(absl::IsUnavailable(first.reason));
  CHECK(first.next_attempt == first.last_failure + absl::Minutes(10));

  if (mode == Mode::kFeed) {
    REQUIRE_OK(rig.Run());  // not due yet
    CHECK(rig.report.documents.seen == 0);
    CHECK_FALSE(rig.report.complete);

    for (const int minutes : {20, 30, 30}) {  // doubled, up to the most
      rig.clock.Advance(absl::Minutes(30));
      REQUIRE_OK(rig.Run());
      CHECK(rig.report.documents.seen == 1);
      CHECK(rig.report.documents.failed == 1);
      REQUIRE(rig.Letters().size() == 1);
      CHECK(rig.Letters()[0].next_attempt == rig.Letters()[0].last_failure + absl::Minutes(minutes));
    }
    CHECK(rig.Letters()[0].attempts == 4);
    CHECK(rig.Letters()[0].first_failure == first.first_failure);
  }
  rig.plan.Clear();
  rig.clock.Advance(absl::Minutes(30));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.processed == 1);
  CHECK(rig.Letters().empty());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("what no time heals is not tried again by itself") {
  FaultyRig rig({.mode = Mode::kFeed, .lazy = true});
  rig.source.Put("a", "text");
  rig.FailLoadOf("a", absl::DataLossError("torn"));
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 1);
  CHECK(rig.Letters()[0].next_attempt == absl::InfiniteFuture());
  rig.plan.Clear();
  rig.clock.Advance(absl::Hours(10'000));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.seen == 0);
  CHECK(rig.Letters().size() == 1);
}

TEST_CASE("a continuous run tries a dead letter again when it is due, its feed at rest or busy") {
  const bool is_busy = GENERATE(false, true);
  FaultyRig rig({.mode = Mode::kFeed, .endless = true, .lazy = true});
  rig.options.clock = nullptr;
  rig.options.retry.initial_backoff = absl::Milliseconds(1);
  rig.options.dead_letters.first_retry = absl::Milliseconds(20);
  rig.plan.On(Call::kLoad, Between(1, 2), Fail(absl::UnavailableError("no answer")));  // two attempts are one failure
  Pipeline pipeline{rig.faulty_source, rig.chunker, rig.faulty_embedder, rig.faulty_sink, rig.store.checkpoint(), rig.options};
  rig.source.Put("a", "text a");
  REQUIRE_OK(pipeline.Start());
  while (pipeline.Report().documents.failed < 1) absl::SleepFor(absl::Milliseconds(1));
  for (int i = 0; is_busy && i < 50; ++i) rig.source.Put("b" + std::to_string(i), "text b");
  while (pipeline.Report().documents.processed < (is_busy ? 51U : 1U)) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.Letters().empty());
  CHECK(rig.report.documents.failed == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("many documents in a row that cannot be read are an outage and end the run") {
  FaultyRig rig({.mode = Mode::kFeed, .lazy = true});
  PutMany(rig.source, 100);
  rig.plan.On(Call::kLoad, From(41), Fail(absl::UnavailableError("the server is down")));
  const absl::Status status = rig.Run();
  CHECK(absl::IsUnavailable(status));
  CHECK(rig.report.documents.failed <= 16);
  CHECK(rig.report.documents.pending >= 44);
  rig.plan.Clear();
  rig.clock.Advance(absl::Hours(1));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("replay processes again what the filter chooses, with the body that was kept or by reading it") {
  const bool lazy = GENERATE(false, true);
  FaultyRig rig({.mode = Mode::kFeed, .lazy = lazy});
  rig.source.Put("good", "fine");
  rig.source.Put("refused", "poison one");
  rig.source.Put("unwritten", "the sink does not like this");
  rig.source.Put("also refused", "poison two");
  rig.plan.On(Call::kEmbed, About([](std::string_view text) { return text.find("poison") != std::string_view::npos; }),
              Fail(absl::InvalidArgumentError("refused")));
  rig.plan.On(Call::kWrite, About([](std::string_view id) { return id == "unwritten"; }),
              Fail(absl::OutOfRangeError("too large")));
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 3);
  const auto cursors = *rig.store.checkpoint().LoadCursors("memory");

  REQUIRE_OK(rig.Replay());  // nothing has changed
  CHECK(rig.report.documents.seen == 3);
  CHECK(rig.report.documents.failed == 3);
  CHECK_FALSE(rig.report.complete);
  for (const DeadLetter& letter : rig.Letters()) CHECK(letter.attempts == 2);

  rig.plan.Clear();
  SECTION("all") {
    REQUIRE_OK(rig.Replay());
    CHECK(rig.report.documents.processed == 3);
    CHECK(rig.report.complete);
    CHECK(rig.Letters().empty());
    rig.CheckIndexEqualsSource();
  }
  SECTION("by stage") {
    REQUIRE_OK(rig.Replay({.stage = Stage::kWrite}));
    CHECK(rig.report.documents.processed == 1);
    CHECK_FALSE(rig.report.complete);
    CHECK(rig.Letters().size() == 2);
  }
  SECTION("by code") {
    REQUIRE_OK(rig.Replay({.code = absl::StatusCode::kInvalidArgument}));
    CHECK(rig.report.documents.processed == 2);
    REQUIRE(rig.Letters().size() == 1);
    CHECK(rig.Letters()[0].document_id == "unwritten");
  }
  SECTION("by ids") {
    REQUIRE_OK(rig.Replay({.document_ids = {"refused", "good", "never there"}}));
    CHECK(rig.report.documents.seen == 1);
    CHECK(rig.report.documents.processed == 1);
    CHECK(rig.Letters().size() == 2);
  }
  SECTION("by everything at once") {
    REQUIRE_OK(rig.Replay({.stage = Stage::kEmbed, .code = absl::StatusCode::kInvalidArgument, .document_ids = {"unwritten"}}));
    CHECK(rig.report.documents.seen == 0);
  }
  CHECK(*rig.store.checkpoint().LoadCursors("memory") == cursors);
}

TEST_CASE("the replay of a document that is gone removes its records and the letter") {
  FaultyRig rig({.mode = Mode::kFeed, .lazy = true});
  rig.source.Put("a", "version 1");
  rig.source.Put("b", "text b");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "version 2");
  rig.source.Put("c", "never indexed");
  rig.FailLoadOf("a");
  rig.FailLoadOf("c");
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 2);
  rig.plan.Clear();
  rig.FailLoadOf("a", absl::NotFoundError("gone"));
  rig.FailLoadOf("c", absl::NotFoundError("gone"));
  REQUIRE_OK(rig.Replay());
  CHECK(rig.report.documents.deleted == 2);
  CHECK(rig.report.complete);
  CHECK(rig.Letters().empty());
  CHECK(rig.store.records().size() == 1);
  CHECK(rig.store.entries("memory").count("a") == 0);
}

TEST_CASE("a refused deletion is replayed as a deletion") {
  FaultyRig rig({.mode = Mode::kFeed});
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  rig.plan.On(Call::kWrite, Always(), Fail(absl::InvalidArgumentError("refused")));
  rig.source.Delete("a");
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 1);
  CHECK(rig.Letters()[0].is_delete);
  rig.plan.Clear();
  REQUIRE_OK(rig.Replay());
  CHECK(rig.report.documents.deleted == 1);
  CHECK(rig.Letters().empty());
  CHECK(rig.store.records().empty());
}

TEST_CASE("a replay leaves what only the source can send again, and what its source cannot read") {
  struct Unreadable final : Source {
    struct Stream final : ChangeStream {
      absl::Status Next(absl::Time, std::vector<Event>&) override { return absl::InternalError("the feed was read"); }
    };
    std::string_view name() const override { return "memory"; }
    absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
      return std::make_unique<Stream>();
    }
  };
  FaultyRig rig({.mode = Mode::kFeed, .lazy = true});
  rig.source.Push(BadChange{"line 17", absl::InvalidArgumentError("no JSON"), "", ""});
  rig.source.Put("a", "text");
  rig.FailLoadOf("a");
  REQUIRE_OK(rig.Run());
  Pipeline pipeline{Unreadable{}, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.ReplayDeadLetters({}, rig.report));
  CHECK(rig.report.documents.seen == 1);
  CHECK(rig.report.documents.failed == 1);
  const auto letters = rig.Letters();
  REQUIRE(letters.size() == 2);
  CHECK(absl::IsFailedPrecondition(letters[0].reason));
  CHECK(letters[1].document_id == "line 17");
  CHECK(letters[1].attempts == 1);
}

TEST_CASE("an old body does not come back after a newer version") {
  FaultyRig rig({.mode = Mode::kFeed, .versions = MemorySourceOptions::Versions::kNone});
  rig.plan.On(Call::kEmbed, Nth(1), Fail(absl::InvalidArgumentError("refused")));
  rig.source.Put("a", "old");
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 1);
  rig.source.Put("a", "new");
  REQUIRE_OK(rig.Run());
  CHECK(rig.Letters().empty());
  REQUIRE_OK(rig.Replay());
  CHECK(rig.report.documents.seen == 0);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a late older version does not clear the dead letter of a newer one") {
  FaultyRig rig({.mode = Mode::kFeed});
  const auto put = [&](std::uint64_t ordinal) {
    Document document;
    document.id = "a";
    document.text = "version " + std::to_string(ordinal);
    document.version.ordinal = ordinal;
    rig.source.Put(document);
  };
  put(3);
  REQUIRE_OK(rig.Run());
  rig.plan.On(Call::kEmbed, Nth(2), Fail(absl::InvalidArgumentError("refused")));
  put(5);
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.Letters().size() == 1);
  const auto newest = rig.source.documents();
  put(4);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.stale == 1);
  REQUIRE(rig.Letters().size() == 1);
  CHECK(rig.Letters()[0].version.ordinal == std::uint64_t{5});
  REQUIRE_OK(rig.Replay());
  CHECK(rig.report.complete);
  rig.CheckIndexHolds(newest);
}

TEST_CASE("dead letters expire, and the report counts them") {
  FaultyRig rig({.mode = Mode::kFeed, .lazy = true});
  const bool expires = GENERATE(false, true);
  if (expires) rig.options.dead_letters.expire_after = absl::Hours(24 * 7);
  rig.source.Put("a", "version 1");
  REQUIRE_OK(rig.Run());
  const auto held = rig.source.documents();
  rig.source.Put("a", "version 2");
  rig.FailLoadOf("a", absl::DataLossError("torn"));
  REQUIRE_OK(rig.Run());
  rig.clock.Advance(absl::Hours(24 * 6));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.expired_letters == 0);
  CHECK(rig.Letters().size() == 1);
  rig.clock.Advance(absl::Hours(25));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.expired_letters == (expires ? 1 : 0));
  CHECK(rig.Letters().size() == (expires ? 0 : 1));
  CHECK(rig.report.complete == expires);
  rig.CheckIndexHolds(held);  // the letter went, what is indexed stays
  CHECK(rig.store.entries("memory").size() == 1);
}

TEST_CASE("too many new dead letters are an outage: the run ends, and what failed is seen again") {
  FaultyRig rig({.mode = Mode::kFeed, .events_per_call = 1000});
  rig.options.dead_letters.max_failures = 30;
  rig.options.commit_documents = 10;
  PutMany(rig.source, 40, "good ");
  REQUIRE_OK(rig.Run());
  rig.plan.On(Call::kEmbed, About([](std::string_view text) { return text.find("bad") != std::string_view::npos; }),
              Fail(absl::InvalidArgumentError("the model is gone")));
  for (int i = 0; i < 100; ++i) rig.source.Put("bad" + std::to_string(100 + i), "bad text " + std::to_string(i));
  rig.source.Put("good", "last");

  SECTION("beyond both limits") {
    const absl::Status status = rig.Run();
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(std::string(status.message()).find("the model is gone") != std::string::npos);
    CHECK(std::string(status.message()).find("PipelineOptions::dead_letters") != std::string::npos);
    CHECK(rig.report.documents.failed <= 50);  // half of those seen, however many these were at a commit
    CHECK(rig.report.documents.pending >= 50);
    CHECK(rig.Letters().size() == rig.report.documents.failed);
    rig.plan.Clear();
    REQUIRE_OK(rig.Run());  // what was pending comes again; letters of an earlier run are replayed
    CHECK(rig.report.documents.failed == 0);
    REQUIRE_OK(rig.Replay());
    CHECK(rig.report.complete);
    rig.CheckIndexEqualsSource();
  }
  SECTION("a host may allow it") {
    rig.options.dead_letters.max_percent = 100;
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.failed == 100);
    REQUIRE_OK(rig.Replay());  // they are no news
    CHECK(rig.report.documents.failed == 100);
  }
  SECTION("few of many are bad documents") {
    PutMany(rig.source, 140, "other good ");
    rig.options.commit_documents = 1000;  // not before all are seen
    rig.options.commit_interval = absl::Hours(1);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.failed == 100);
  }
}
