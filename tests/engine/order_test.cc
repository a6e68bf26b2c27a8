// Order: of one document's changes, of cursors, and of late data.
#include <absl/time/clock.h>

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/frontier.h"
#include "engine/gate.h"
#include "engine/rig.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

Document Versioned(std::string id, std::string text, std::uint64_t ordinal) {
  Document document;
  document.id = std::move(id);
  document.text = std::move(text);
  document.version = {"v" + std::to_string(ordinal), ordinal};
  return document;
}

}  // namespace

TEST_CASE("late data does not regress the index") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.source.Put(Versioned("a", "new text", 7));
  REQUIRE_OK(rig.Run());
  const auto now = rig.source.documents();
  rig.source.Put(Versioned("a", "old text", 3));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.stale == 1);
  CHECK(rig.report.chunks.reused == 1);
  rig.CheckIndexHolds(now);

  Change late_delete;
  late_delete.kind = Change::Kind::kDelete;
  late_delete.document_id = "a";
  late_delete.version.ordinal = 5;
  rig.source.Push(late_delete);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.stale == 1);
  rig.CheckIndexHolds(now);
}

TEST_CASE("the same content under a newer ordinal fences what lies between") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  Document document = Versioned("a", "text", 1);
  document.version.token = "same";
  rig.source.Put(document);
  REQUIRE_OK(rig.Run());
  document.version.ordinal = 3;
  rig.source.Put(document);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
  const auto now = rig.source.documents();
  rig.source.Put(Versioned("a", "between", 2));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.stale == 1);
  rig.CheckIndexHolds(now);
}

TEST_CASE("a newer waiting change replaces an older one, and none overtakes") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {}, {.limits = {.texts = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  rig.source.Put("a", "version 1, held");
  gate.AwaitHeld();
  for (int i = 2; i <= 9; ++i) rig.source.Put("a", "version " + std::to_string(i));
  while (pipeline.Report().documents.superseded < 7) absl::SleepFor(absl::Milliseconds(1));
  gate.Open();
  rig.source.End();
  while (pipeline.Report().documents.processed < 2) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CheckReport(rig.report);
  CHECK(rig.report.documents.superseded == 7);
  CHECK(rig.report.documents.processed == 2);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a late change does not replace a newer one that waits") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {}, {.limits = {.texts = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  rig.source.Put(Versioned("a", "version 1, held", 1));
  gate.AwaitHeld();
  rig.source.Put(Versioned("a", "version 3", 3));
  const auto newest = rig.source.documents();
  rig.source.Put(Versioned("a", "version 2", 2));
  while (pipeline.Report().documents.superseded < 1) absl::SleepFor(absl::Milliseconds(1));
  gate.Open();
  rig.source.End();
  while (pipeline.Report().documents.processed < 2) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CheckReport(rig.report);
  rig.CheckIndexHolds(newest);
}

TEST_CASE("a change that is delivered twice and waits is not lost when the run ends before it") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {}, {.limits = {.texts = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  rig.options.commit_documents = 1;
  FaultPlan plan;
  plan.On(Call::kWrite, From(2), Fail(absl::InternalError("the store died")));  // the deletion
  FaultySink sink(rig.store.sink(), plan);
  {
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
    REQUIRE_OK(pipeline.Start());
    rig.source.Put("a", "held");
    gate.AwaitHeld();
    Change deletion;
    deletion.kind = Change::Kind::kDelete;
    deletion.document_id = "a";
    deletion.resume_after = "3";  // of both: after either of them the feed goes on behind them
    rig.source.Push(deletion);
    rig.source.Push(deletion);
    while (pipeline.Report().documents.superseded < 1) absl::SleepFor(absl::Milliseconds(1));
    gate.Open();
    while (pipeline.IsRunning()) absl::SleepFor(absl::Milliseconds(1));
    CHECK(absl::IsInternal(pipeline.Stop(absl::Seconds(10), rig.report)));
    CHECK(rig.report.documents.processed == 1);  // its commit must not pass the deletion
  }
  rig.source.End();
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.CheckIndexHolds({});
}

TEST_CASE("a late change neither replaces nor clears a dead letter of a newer one") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {}, {.on_call = [](const EmbedRequest& request) {
            for (const std::string_view text : request.texts) {
              if (text.find("poison") != std::string_view::npos) return absl::InvalidArgumentError("refused");
            }
            return absl::OkStatus();
          }});
  rig.source.Put(Versioned("a", "version 1", 1));
  REQUIRE_OK(rig.Run());
  const auto before = rig.source.documents();
  rig.source.Put(Versioned("a", "version 3, poison", 3));
  SECTION("in the same run") { rig.source.Put(Versioned("b", "another", 4)); }
  SECTION("in a later run") { REQUIRE_OK(rig.Run()); }
  auto expected = before;
  if (rig.source.documents().contains("b")) expected = {{"a", before.at("a")}, {"b", rig.source.documents().at("b")}};
  rig.source.Put(Versioned("a", "version 2", 2));
  REQUIRE_OK(rig.Run());
  CHECK_FALSE(rig.report.complete);
  const auto letters = rig.store.checkpoint().ListDeadLetters("memory", "", 10);
  REQUIRE_OK(letters);
  REQUIRE(letters->size() == 1);
  CHECK(letters->front().version.ordinal == 3);
  rig.CheckIndexHolds(expected);

  rig.source.Put(Versioned("a", "version 4", 4));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a cursor moves only past a contiguous prefix of finished changes") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {}, {.limits = {.texts = 1}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  rig.options.embed_calls = 2;
  rig.options.chunk_workers = 1;
  rig.options.commit_interval = absl::Milliseconds(1);
  rig.source.Put("a", "text a");
  rig.source.Put("b", "text b, held");
  for (int i = 0; i < 20; ++i) rig.source.Put("c" + std::to_string(i), "text c" + std::to_string(i));
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  gate.AwaitHeld();
  while (pipeline.Report().documents.processed < 21) absl::SleepFor(absl::Milliseconds(1));
  CHECK(rig.store.entries("memory").size() == 21);
  const auto cursors = rig.store.checkpoint().LoadCursors("memory");
  REQUIRE_OK(cursors);
  REQUIRE(cursors->size() == 1);

  // A crash here must see b again, and nothing of the rest must be embedded twice.
  MemorySource& source = rig.source;
  const auto stream = source.StreamChanges(*cursors);
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::Now(), events));
  REQUIRE_FALSE(events.empty());
  CHECK(std::get<Change>(events.front()).document_id == "b");

  gate.Open();
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.processed == 22);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.seen == 0);
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("several partitions keep a cursor each, and committed cursors are acknowledged") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .partitions = 4});
  for (int i = 0; i < 100; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  const auto cursors = rig.store.checkpoint().LoadCursors("memory");
  REQUIRE_OK(cursors);
  CHECK(cursors->size() == 4);
  CHECK(rig.source.acknowledged().size() == 4);
  for (const PartitionCursor& cursor : *cursors) CHECK(rig.source.acknowledged().at(cursor.partition) == cursor.cursor);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.seen == 0);
  CHECK(rig.source.opened_after().size() == 4);
}

TEST_CASE("texts of many documents share embedder calls, and no call exceeds the limits") {
  std::atomic<std::size_t> most_bytes{0};
  Rig rig({}, {}, {.limits = {.texts = 32, .bytes = 2000}, .on_call = [&](const EmbedRequest& request) {
                     std::size_t bytes = 0;
                     for (const std::string_view text : request.texts) bytes += text.size();
                     if (request.texts.size() > 1) most_bytes = std::max(most_bytes.load(), bytes);
                     return absl::OkStatus();
                   }});
  rig.options.embed_calls = 1;
  for (int i = 0; i < 320; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  rig.source.Put("long", std::string(5000, 'x'));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.embed.calls <= 13);  // ten full ones, one for the long text, and two cut short by it
  CHECK(most_bytes <= 2000);
}

TEST_CASE("the watermark follows the event times of what is committed") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  Document document = Versioned("a", "text", 1);
  document.updated_at = absl::FromUnixSeconds(1'700'000'000);
  rig.source.Put(document);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.watermark == document.updated_at);
  rig.source.Push(Heartbeat{absl::FromUnixSeconds(1'700'000'500)});
  Document later = Versioned("b", "text b", 2);
  later.updated_at = absl::FromUnixSeconds(1'700'000'600);
  rig.source.Put(later);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.watermark == later.updated_at);
}

namespace {

Change Deletion(std::string id, std::optional<std::uint64_t> ordinal) {
  Change change;
  change.kind = Change::Kind::kDelete;
  change.document_id = std::move(id);
  change.version.ordinal = ordinal;
  return change;
}

std::optional<LedgerEntry> EntryOf(Rig& rig, std::string_view id) {
  std::vector<std::optional<LedgerEntry>> found;
  REQUIRE_OK(rig.store.checkpoint().FindEntries("memory", {&id, 1}, found));
  return found.at(0);
}

}  // namespace

TEST_CASE("an older update that arrives after a deletion does not bring the document back, within the horizon") {
  const bool was_indexed = GENERATE(true, false);  // else the deletion overtook the first version
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  if (was_indexed) {
    rig.source.Put(Versioned("a", "text", 3));
    REQUIRE_OK(rig.Run());
  }
  rig.source.Push(Deletion("a", 7));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == (was_indexed ? 1 : 0));
  CHECK(rig.report.complete);
  REQUIRE(EntryOf(rig, "a").has_value());
  CHECK(EntryOf(rig, "a")->deleted_at.has_value());
  CHECK(rig.store.checkpoint().ListDocuments("memory", "", 10)->empty());

  SECTION("older or equal: stale") {
    const std::uint64_t ordinal = GENERATE(as<std::uint64_t>(), 5, 7);
    Document late = Versioned("a", "late text", ordinal);
    late.updated_at = rig.clock.Now() - absl::Hours(5);
    rig.source.Put(late);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.stale == 1);
    CHECK(rig.report.max_lateness >= absl::Hours(5));
    CHECK(rig.report.max_lateness < absl::Hours(6));
    CHECK(rig.store.records().empty());
  }
  SECTION("newer: the document is back") {
    rig.source.Put(Versioned("a", "text", 8));
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.processed == 1);
    CHECK_FALSE(EntryOf(rig, "a")->deleted_at.has_value());
    rig.CheckIndexEqualsSource();
  }
  SECTION("without an ordinal nobody can say: the document is back") {
    Document document;
    document.id = "a";
    document.text = "text";
    rig.source.Put(document);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.processed == 1);
  }
  SECTION("a newer deletion moves the tombstone, an older one does not") {
    rig.source.Push(Deletion("a", 6));
    rig.source.Push(Deletion("a", 9));
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.stale == 1);
    CHECK(rig.report.documents.unchanged == 1);
    CHECK(EntryOf(rig, "a")->version.ordinal == std::uint64_t{9});
  }
  SECTION("a commit after the horizon purges it") {
    rig.clock.Advance(absl::Hours(7 * 24 - 1));
    rig.source.Put("b", "text b");
    REQUIRE_OK(rig.Run());
    CHECK(EntryOf(rig, "a").has_value());
    rig.clock.Advance(absl::Hours(2));
    rig.source.Put("c", "text c");
    REQUIRE_OK(rig.Run());
    CHECK_FALSE(EntryOf(rig, "a").has_value());
  }
}

TEST_CASE("without a horizon, and without an ordinal, a deletion leaves no tombstone") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  const bool has_horizon = GENERATE(true, false);
  if (!has_horizon) rig.options.tombstone_horizon = absl::ZeroDuration();
  rig.source.Put(Versioned("a", "text", 3));
  REQUIRE_OK(rig.Run());
  rig.source.Push(has_horizon ? Deletion("a", std::nullopt) : Deletion("a", 4));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 1);
  CHECK_FALSE(EntryOf(rig, "a").has_value());
}

TEST_CASE("a tombstone does not count as a document that a listing lacks") {
  Rig rig;
  rig.source.Put(Versioned("a", "text", 3));
  rig.source.Put(Versioned("b", "text b", 1));
  rig.source.Push(Deletion("a", 7));
  REQUIRE_OK(rig.Run());
  REQUIRE(EntryOf(rig, "a")->deleted_at.has_value());
  rig.source.Delete("a");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 0);
  CHECK(EntryOf(rig, "a")->deleted_at.has_value());
}

TEST_CASE("the watermark of several partitions is the least, not that of the one ahead") {
  Gate gate;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true}, {},
          {.limits = {.texts = 1, .calls = 2}, .on_call = gate.OnCall()});
  rig.options.clock = nullptr;
  const auto at = [](int second) { return absl::FromUnixSeconds(1'700'000'000 + second); };
  const auto push = [&](std::string partition, std::string id, std::string text, int second) {
    Change change;
    change.document_id = id;
    change.partition = std::move(partition);
    change.updated_at = at(second);
    change.version.token = text;
    change.document.emplace();
    change.document->id = std::move(id);
    change.document->text = std::move(text);
    rig.source.Push(std::move(change));
  };
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  const auto await = [&](std::uint64_t processed) {
    while (pipeline.Report().documents.processed < processed) absl::SleepFor(absl::Milliseconds(1));
  };
  push("behind", "b1", "text 1", 10);
  push("ahead", "a1", "text 2", 1000);
  await(2);
  CHECK(pipeline.Report().watermark == at(10));
  push("behind", "b2", "text 3, held", 20);
  gate.AwaitHeld();
  push("ahead", "a2", "text 4", 2000);
  await(3);
  CHECK(pipeline.Report().watermark == at(10));
  rig.source.Push(Heartbeat{at(1500)});
  push("ahead", "a3", "text 5", 2100);
  await(4);
  CHECK(pipeline.Report().watermark == at(10));  // a heartbeat does not pass what is unfinished
  gate.Open();
  await(5);
  CHECK(pipeline.Report().watermark == at(1500));  // but lifts the partition that then has nothing more
  rig.source.End();
  while (pipeline.IsRunning()) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.watermark == at(2100));  // all that there is was read
}

TEST_CASE("a partition that falls silent does not hold the watermark for ever, nor does one without event times") {
  internal::Frontier frontier;
  const auto at = [](int second) { return absl::FromUnixSeconds(second); };
  absl::Time now = at(10'000);
  frontier.Finish("silent", frontier.Add("silent", "", at(10), now));
  frontier.Finish("timeless", frontier.Add("timeless", "", absl::InfinitePast(), now));
  now += absl::Seconds(59);
  frontier.Finish("busy", frontier.Add("busy", "", at(500), now));
  CHECK(frontier.watermark(now) == at(10));
  now += absl::Seconds(1);
  CHECK(frontier.watermark(now) == at(500));
  now += absl::Hours(1);
  CHECK(frontier.watermark(now) == at(500));  // when all are silent: of the newest
  const auto unfinished = frontier.Add("silent", "", at(20), now - absl::Hours(1));
  CHECK(frontier.watermark(now) == at(10));  // silent, but not done
  frontier.Heartbeat(at(600));
  CHECK(frontier.watermark(now) == at(10));
  frontier.Finish("silent", unfinished);
  CHECK(frontier.watermark(now) == at(600));
  frontier.Add("new", "", at(30), now);
  CHECK(frontier.watermark(now) == absl::InfinitePast());  // of it nothing is known yet
  frontier.Forget("new");
  CHECK(frontier.watermark(now) == at(600));
}
