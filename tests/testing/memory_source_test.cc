#include "ragpipe/testing/memory_source.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "ragpipe/testing/virtual_clock.h"
#include "support/catch.h"

namespace ragpipe::testing {
namespace {

using Mode = MemorySourceOptions::Mode;
using Strings = std::vector<std::string>;

/// One word an event: "+a" "-a" "bad:a" "complete" "holes" "end".
std::string Word(const Event& event) {
  if (const auto* change = std::get_if<Change>(&event)) {
    return (change->kind == Change::Kind::kUpsert ? "+" : "-") + change->document_id;
  }
  if (const auto* bad = std::get_if<BadChange>(&event)) return "bad:" + bad->document_id;
  if (std::holds_alternative<SnapshotComplete>(event)) return "complete";
  if (std::holds_alternative<SnapshotIncomplete>(event)) return "holes";
  if (std::holds_alternative<EndOfFeed>(event)) return "end";
  return "other";
}

std::unique_ptr<ChangeStream> Open(MemorySource& source, const std::vector<PartitionCursor>& since = {}) {
  auto stream = source.StreamChanges(since);
  REQUIRE_OK(stream);
  return *std::move(stream);
}

std::vector<Event> Drain(ChangeStream& stream) {
  std::vector<Event> events;
  for (std::size_t before = 1; before != events.size();) {
    before = events.size();
    REQUIRE_OK(stream.Next(absl::InfinitePast(), events));
  }
  return events;
}

Strings Words(ChangeStream& stream) {
  Strings words;
  for (const Event& event : Drain(stream)) words.push_back(Word(event));
  return words;
}

TEST_CASE("MemorySource: a snapshot lists what is there") {
  MemorySource source;
  CHECK(Words(*Open(source)) == Strings{"complete", "end"});
  source.Put("b", "two");
  source.Put("a", "one");
  CHECK(Words(*Open(source)) == Strings{"+a", "+b", "complete", "end"});
  source.Delete("a");
  source.Delete("never was");
  CHECK(Words(*Open(source)) == Strings{"+b", "complete", "end"});
  source.Clear();
  CHECK(Words(*Open(source)) == Strings{"complete", "end"});
  CHECK(source.counts().streams_opened == 4);
  CHECK(source.counts().changes_sent == 3);
}

TEST_CASE("MemorySource: a snapshot is of the time it was opened; a token stays until the document is put again") {
  MemorySource source;
  source.Put("a", "one");
  auto stream = Open(source);
  source.Put("a", "other");
  source.Put("b", "two");
  const auto old = std::get<Change>(Drain(*stream)[0]);
  CHECK(old.document->text == "one");
  const auto first = std::get<Change>(Drain(*Open(source))[0]);
  const auto again = std::get<Change>(Drain(*Open(source))[0]);
  CHECK(first.document->text == "other");
  CHECK(first.version.token != old.version.token);
  CHECK(first.version == again.version);
  CHECK(first.version == first.document->version);
  CHECK(first.resume_after.empty());
}

TEST_CASE("MemorySource: versions as the options say, or the document's own") {
  auto version = [](MemorySourceOptions::Versions versions) {
    MemorySource source({.versions = versions});
    source.Put("a", "one");
    Document own;
    own.id = "b";
    own.version.token = "mine";
    source.Put(own);
    CHECK(source.documents().at("b").version.token == "mine");
    return source.documents().at("a").version;
  };
  CHECK(version(MemorySourceOptions::Versions::kNone) == Version{});
  CHECK(version(MemorySourceOptions::Versions::kToken) == Version{.token = "1", .ordinal = {}});
  CHECK(version(MemorySourceOptions::Versions::kTokenAndOrdinal) == Version{.token = "1", .ordinal = 1});
}

TEST_CASE("MemorySource: a feed replays the log after the cursor") {
  MemorySource source({.mode = Mode::kFeed});
  source.Put("a", "one");
  source.Put("b", "two");
  source.Put("a", "three");
  source.Delete("b");
  CHECK(Words(*Open(source)) == Strings{"+a", "+b", "+a", "-b", "end"});
  CHECK(Words(*Open(source, {{"", "2"}})) == Strings{"+a", "-b", "end"});
  CHECK(Words(*Open(source, {{"", "4"}})) == Strings{"end"});
  const auto events = Drain(*Open(source));
  CHECK(std::get<Change>(events[1]).resume_after == "2");
  CHECK(std::get<Change>(events[0]).document->text == "one");
  CHECK(source.opened_after().empty());
}

TEST_CASE("MemorySource: a cursor that the log does not know starts over") {
  MemorySource source({.mode = Mode::kFeed});
  source.Put("a", "one");
  for (const char* const cursor : {"2", "-1", "1x", "", "99999999999999999999999"}) {
    CHECK(Words(*Open(source, {{"", cursor}})) == Strings{"+a", "end"});
  }
  CHECK(Words(*Open(source, {{"no such partition", "1"}})) == Strings{"+a", "end"});
}

TEST_CASE("MemorySource: partitions have cursors of their own") {
  MemorySource source({.mode = Mode::kFeed, .partitions = 3});
  for (int i = 0; i < 60; ++i) source.Put("document " + std::to_string(i), "text");
  std::map<Partition, std::vector<Change>> by_partition;
  for (const Event& event : Drain(*Open(source))) {
    if (const auto* change = std::get_if<Change>(&event)) by_partition[change->partition].push_back(*change);
  }
  REQUIRE(by_partition.size() == 3);
  const std::vector<Change>& one = by_partition["1"];
  const PartitionCursor position = {"1", one[4].resume_after};
  std::map<Partition, std::size_t> resumed;
  for (const Event& event : Drain(*Open(source, {position}))) {
    if (const auto* change = std::get_if<Change>(&event)) ++resumed[change->partition];
  }
  CHECK(resumed["0"] == by_partition["0"].size());
  CHECK(resumed["1"] == one.size() - 5);
  CHECK(resumed["2"] == by_partition["2"].size());
}

TEST_CASE("MemorySource: lazy bodies come through Load, as they are then") {
  MemorySource source({.lazy = true});
  source.Put("a", "one");
  source.Put("b", "two");
  auto stream = Open(source);
  const auto events = Drain(*stream);
  const auto& a = std::get<Change>(events[0]);
  CHECK_FALSE(a.document.has_value());
  CHECK(a.size_hint == 3);
  source.Put("a", "newer");
  source.Delete("b");
  const auto loaded = stream->Load(a);
  REQUIRE_OK(loaded);
  CHECK(loaded->text == "newer");
  CHECK(loaded->version.token != a.version.token);
  CHECK(stream->Load(std::get<Change>(events[1])).status().code() == absl::StatusCode::kNotFound);
  CHECK(source.counts().documents_loaded == 1);
}

TEST_CASE("MemorySource: events pushed by hand") {
  SECTION("a feed has them in its log") {
    MemorySource source({.mode = Mode::kFeed});
    source.Put("a", "one");
    source.Push(BadChange{"line 2", absl::InvalidArgumentError("not JSON"), "", ""});
    source.Push(Heartbeat{});
    const auto events = Drain(*Open(source));
    REQUIRE(events.size() == 4);
    const auto& bad = std::get<BadChange>(events[1]);
    CHECK(bad.resume_after == "2");
    CHECK(bad.reason == absl::InvalidArgumentError("not JSON"));
    CHECK(std::holds_alternative<Heartbeat>(events[2]));
  }
  SECTION("a snapshot sends them with every listing") {
    MemorySource source;
    source.Put("a", "one");
    source.Push(BadChange{"b", absl::DataLossError("torn"), "", ""});
    CHECK(Words(*Open(source)) == Strings{"+a", "bad:b", "complete", "end"});
    source.Push(SnapshotIncomplete{"", absl::UnavailableError("folder")});
    CHECK(Words(*Open(source)) == Strings{"+a", "bad:b", "holes", "end"});
    CHECK(Words(*Open(source)) == Strings{"+a", "bad:b", "holes", "end"});
  }
}

TEST_CASE("MemorySource: at most events_per_call at once, appended") {
  MemorySource source({.events_per_call = 2});
  for (const char* const id : {"a", "b", "c"}) source.Put(id, "text");
  auto stream = Open(source);
  std::vector<Event> events = {Heartbeat{}};
  REQUIRE_OK(stream->Next(absl::InfinitePast(), events));
  CHECK(events.size() == 3);
  CHECK(std::holds_alternative<Heartbeat>(events[0]));
  REQUIRE_OK(stream->Next(absl::InfinitePast(), events));
  CHECK(events.size() == 5);
}

TEST_CASE("MemorySource: an endless feed waits for the next change") {
  MemorySource source({.mode = Mode::kFeed, .endless = true});
  auto stream = Open(source);
  CHECK(Drain(*stream).empty());
  std::thread later([&source] { source.Put("a", "one"); });
  std::vector<Event> events;
  REQUIRE_OK(stream->Next(absl::InfiniteFuture(), events));
  later.join();
  REQUIRE(events.size() == 1);
  CHECK(Word(events[0]) == "+a");
  source.End();
  CHECK(Words(*stream) == Strings{"end"});
  CHECK(Drain(*stream).empty());
}

TEST_CASE("MemorySource: an endless snapshot goes on with the changes made since") {
  MemorySource source({.endless = true});
  source.Put("a", "one");
  auto stream = Open(source);
  CHECK(Words(*stream) == Strings{"+a", "complete"});
  source.Put("b", "two");
  source.Delete("a");
  CHECK(Words(*stream) == Strings{"+b", "-a"});
}

TEST_CASE("MemorySource: the deadline is one of the given clock") {
  VirtualClock clock;
  MemorySource source({.mode = Mode::kFeed, .endless = true, .clock = &clock});
  auto stream = Open(source);
  std::vector<Event> events;
  REQUIRE_OK(stream->Next(clock.Now() + absl::Hours(1), events));
  CHECK(events.empty());
  CHECK(clock.total_waited() == absl::Hours(1));
}

TEST_CASE("MemorySource: remembers what was acknowledged and resumed from") {
  MemorySource source({.mode = Mode::kFeed});
  source.Put("a", "one");
  const std::vector<PartitionCursor> since = {{"", "1"}};
  auto stream = Open(source, since);
  REQUIRE_OK(stream->Acknowledge(since));
  CHECK(source.acknowledged() == std::map<Partition, Cursor>{{"", "1"}});
  CHECK(source.opened_after() == since);
}

}  // namespace
}  // namespace ragpipe::testing
