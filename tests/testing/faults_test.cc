#include <absl/status/status.h>
#include <absl/time/clock.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/retry.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/catch.h"

namespace ragpipe::testing {
namespace {

absl::Status Embed(Embedder& embedder, const std::vector<std::string_view>& texts, std::vector<float>* out = nullptr) {
  std::vector<float> floats(texts.size() * embedder.dimension());
  EmbedRequest request;
  request.texts = texts;
  absl::Status status = embedder.Embed(request, floats);
  if (out != nullptr) *out = floats;
  return status;
}

/// The numbers of the calls, of `calls`, that fail.
std::set<int> Failures(When when, int calls, std::uint64_t seed = 1) {
  HashEmbedder embedder;
  FaultPlan plan(seed);
  FaultyEmbedder faulty(embedder, plan);
  plan.On(Call::kEmbed, std::move(when), Fail(absl::UnavailableError("busy")));
  std::set<int> failures;
  for (int i = 1; i <= calls; ++i) {
    if (!Embed(faulty, {"text"}).ok()) failures.insert(i);
  }
  CHECK(plan.calls(Call::kEmbed) == calls);
  CHECK(plan.faults(Call::kEmbed) == static_cast<int>(failures.size()));
  CHECK(embedder.counts().calls == static_cast<std::uint64_t>(calls) - failures.size());
  return failures;
}

TEST_CASE("FaultPlan: conditions on the number of the call") {
  CHECK(Failures(Nth(3), 5) == std::set<int>{3});
  CHECK(Failures(From(4), 5) == std::set<int>{4, 5});
  CHECK(Failures(Between(2, 3), 5) == std::set<int>{2, 3});
  CHECK(Failures(Always(), 2) == std::set<int>{1, 2});
}

TEST_CASE("FaultPlan: a rate is kept, and the seed repeats it") {
  const std::set<int> failures = Failures(AtRate(0.2), 1000, 7);
  CHECK(failures.size() > 140);
  CHECK(failures.size() < 260);
  CHECK(failures == Failures(AtRate(0.2), 1000, 7));
  CHECK(failures != Failures(AtRate(0.2), 1000, 8));
  CHECK(Failures(AtRate(0), 100).empty());
  CHECK(Failures(AtRate(1), 100).size() == 100);
}

TEST_CASE("FaultPlan: a condition on what the call is about") {
  HashEmbedder embedder;
  FaultPlan plan;
  FaultyEmbedder faulty(embedder, plan);
  plan.On(Call::kEmbed, About([](std::string_view text) { return text == "poison"; }), Fail(absl::DataLossError("bad")));
  CHECK(Embed(faulty, {"a", "b"}).ok());
  CHECK(Embed(faulty, {"a", "poison", "b"}).code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("FaultPlan: the first rule wins; kAny numbers all calls together; Clear ends it") {
  HashEmbedder embedder;
  ParagraphChunker chunker;
  FaultPlan plan;
  FaultyEmbedder faulty_embedder(embedder, plan);
  FaultyChunker faulty_chunker(chunker, plan);
  plan.On(Call::kEmbed, From(2), Fail(absl::AbortedError("first")));
  plan.On(Call::kAny, From(3), Fail(absl::InternalError("killed")));
  CHECK(faulty_chunker.Split({}).ok());
  CHECK(Embed(faulty_embedder, {"a"}).ok());
  CHECK(Embed(faulty_embedder, {"a"}).code() == absl::StatusCode::kAborted);
  CHECK(faulty_chunker.Split({}).status().code() == absl::StatusCode::kInternal);
  CHECK(plan.calls(Call::kAny) == 4);
  plan.Clear();
  CHECK(Embed(faulty_embedder, {"a"}).ok());
  CHECK(plan.calls(Call::kEmbed) == 3);
}

TEST_CASE("FaultPlan: a failure keeps the asked-for pause") {
  HashEmbedder embedder;
  FaultPlan plan;
  FaultyEmbedder faulty(embedder, plan);
  absl::Status busy = absl::ResourceExhaustedError("busy");
  SetRetryAfter(busy, absl::Seconds(7));
  plan.On(Call::kEmbed, Always(), Fail(busy));
  CHECK(GetRetryAfter(Embed(faulty, {"a"})) == absl::Seconds(7));
}

TEST_CASE("FaultPlan: throw, delay, run before and after, a lost reply") {
  HashEmbedder embedder;
  FaultPlan plan;
  FaultyEmbedder faulty(embedder, plan);
  int runs = 0;
  plan.On(Call::kEmbed, Nth(1), Throw());
  plan.On(Call::kEmbed, Nth(2), Delay(absl::Milliseconds(10)));
  plan.On(Call::kEmbed, Nth(3), Run([&runs] { ++runs; }));
  plan.On(Call::kEmbed, Nth(4), FailAfter(absl::DeadlineExceededError("no reply")));
  std::uint64_t calls_before_run = 0;
  plan.On(Call::kEmbed, Nth(5), RunAfter([&] { calls_before_run = embedder.counts().calls; }));
  CHECK_THROWS_AS(Embed(faulty, {"a"}), std::runtime_error);
  CHECK(embedder.counts().calls == 0);
  const absl::Time start = absl::Now();
  CHECK(Embed(faulty, {"a"}).ok());
  CHECK(absl::Now() - start >= absl::Milliseconds(10));
  CHECK(Embed(faulty, {"a"}).ok());
  CHECK(runs == 1);
  CHECK(Embed(faulty, {"a"}).code() == absl::StatusCode::kDeadlineExceeded);
  CHECK(embedder.counts().calls == 3);
  CHECK(Embed(faulty, {"a"}).ok());
  CHECK(calls_before_run == 4);
}

TEST_CASE("Faulty stages: wrong results") {
  FaultPlan plan;
  plan.On(Call::kAny, Always(), WrongResult());

  HashEmbedder embedder;
  FaultyEmbedder faulty_embedder(embedder, plan);
  std::vector<float> floats;
  CHECK(Embed(faulty_embedder, {"a"}, &floats).ok());
  CHECK(std::isnan(floats[0]));

  ParagraphChunker chunker;
  Document document;
  document.id = "a";
  document.text = "text";
  CHECK(FaultyChunker(chunker, plan).Split(document)->back().range.end == 5);

  MemorySource source({.mode = MemorySourceOptions::Mode::kFeed});
  source.Put("a", "one");
  FaultySource faulty_source(source, plan);
  const std::vector<PartitionCursor> since = {{"", "1"}};
  auto stream = faulty_source.StreamChanges(since);
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfinitePast(), events));
  REQUIRE(events.size() == 2);
  CHECK(std::get<Change>(events[1]).document_id == "a");
  CHECK((*stream)->Load(std::get<Change>(events[0]))->id == "a-another");
  REQUIRE_OK((*stream)->Acknowledge(since));
  CHECK(source.acknowledged().empty());

  MemoryStore store;
  FaultySink sink(store.sink(), plan);
  FaultyCheckpoint checkpoint(store.checkpoint(), plan);
  REQUIRE_OK(sink.EnsureCollection({Recipe{"", "", 1, Metric::kCosine, ""}}));
  CHECK(sink.Write({}).code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE_OK(store.sink().EnsureCollection({Recipe{"", "", 1, Metric::kCosine, ""}}));
  const std::vector<float> vector = {1};
  Record record;
  record.id = record.text_key = "r";
  record.vector = vector;
  std::vector<DocumentWrite> writes(2);
  writes[0].document_id = "a";
  writes[0].upserts = {&record, 1};
  writes[1].document_id = "b";
  writes[1].upserts = {&record, 1};
  REQUIRE_OK(sink.Write(writes));
  REQUIRE_OK(sink.Flush());
  CHECK(store.counts().upserts == 1);
  CHECK(store.counts().flushes == 0);
  std::vector<std::vector<float>> found;
  const std::vector<std::string_view> keys = {"r", "unknown"};
  REQUIRE_OK(sink.FindVectors(keys, found));
  CHECK(found == std::vector<std::vector<float>>{{1, 0}, {}});

  CommitRequest request;
  request.source = "source";
  request.cursors = since;
  REQUIRE_OK(checkpoint.Commit(request));
  CHECK(store.counts().commits == 0);
  REQUIRE_OK(store.checkpoint().Commit(request));
  CHECK(checkpoint.LoadCursors("source")->empty());
}

TEST_CASE("Faulty stages: without a rule they change nothing") {
  FaultPlan plan;
  MemorySource source;
  source.Put("a", "one");
  FaultySource faulty(source, plan);
  CHECK(faulty.name() == source.name());
  auto stream = faulty.StreamChanges({});
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfinitePast(), events));
  CHECK(events.size() == 2);
  CHECK(plan.calls(Call::kNext) == 1);
  CHECK(plan.faults(Call::kAny) == 0);
}

}  // namespace
}  // namespace ragpipe::testing
