// What a run does when a stage fails: retries, dead letters, bisection, and an orderly end.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/rig.h"
#include "ragpipe/adapters.h"
#include "ragpipe/retry.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"
#include "ragpipe/testing/memory_store.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

/// Refuses every batch that holds a text with "poison" in it.
absl::Status RefusePoison(const EmbedRequest& request) {
  for (const std::string_view text : request.texts) {
    if (text.find("poison") != std::string_view::npos) return absl::InvalidArgumentError("the service refused the batch");
  }
  return absl::OkStatus();
}

/// Fails the first `failures` calls.
auto FailFirst(std::atomic<int>& failures, absl::Status status) {
  return [&failures, status](const EmbedRequest&) {
    return failures.fetch_sub(1) > 0 ? absl::Status(status.code(), std::string(status.message())) : absl::OkStatus();
  };
}

std::vector<DeadLetter> DeadLettersOf(Rig& rig) {
  const auto letters = rig.store.checkpoint().ListDeadLetters("memory", "", 100);
  REQUIRE_OK(letters);
  return *letters;
}

}  // namespace

TEST_CASE("transient errors are retried with capped, jittered backoff") {
  std::atomic<int> failures{5};
  Rig rig({}, {}, {.on_call = FailFirst(failures, absl::UnavailableError("try later"))});
  rig.options.retry.initial_backoff = absl::Milliseconds(100);
  rig.options.retry.max_backoff = absl::Milliseconds(400);
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.retries == 5);
  CHECK(rig.report.embed.calls == 6);
  const auto retries = rig.observer.retries();
  REQUIRE(retries.size() == 5);
  const double caps[] = {0.1, 0.2, 0.4, 0.4, 0.4};
  for (std::size_t i = 0; i < retries.size(); ++i) {
    CHECK(retries[i].stage == Stage::kEmbed);
    CHECK(retries[i].attempt == static_cast<int>(i) + 1);
    CHECK(retries[i].pause >= absl::ZeroDuration());
    CHECK(retries[i].pause <= absl::Seconds(caps[i]));
  }
  CHECK(retries[3].pause != retries[4].pause);
}

TEST_CASE("the pause a service asks for is kept, up to a limit") {
  std::atomic<int> failures{1};
  absl::Status busy = absl::ResourceExhaustedError("slow down");
  const absl::Duration asked = GENERATE(absl::Seconds(7), absl::Hours(3));
  SetRetryAfter(busy, asked);
  Rig rig({}, {}, {.on_call = [&](const EmbedRequest&) { return failures.fetch_sub(1) > 0 ? busy : absl::OkStatus(); }});
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.observer.retries().size() == 1);
  CHECK(rig.observer.retries()[0].pause == std::min(asked, rig.options.retry.max_retry_after));
}

TEST_CASE("an outage ends the run; the next one picks up what is missing") {
  std::atomic<int> failures{1000};
  Rig rig({}, {}, {.on_call = FailFirst(failures, absl::UnavailableError("down"))});
  rig.options.retry.max_attempts = 3;
  rig.source.Put("a", "text");
  const absl::Status status = rig.Run();
  CHECK(absl::IsUnavailable(status));
  CHECK(std::string(status.message()).find("3 times") != std::string::npos);
  CHECK(rig.report.documents.pending == 1);
  CHECK(DeadLettersOf(rig).empty());
  failures = 0;
  REQUIRE_OK(rig.Run());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a refused batch is halved down to the guilty text; only its document is set aside") {
  Rig rig({}, {}, {.on_call = RefusePoison});
  for (int i = 0; i < 40; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  rig.source.Put("bad", "good paragraph\n\na poison paragraph");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 40);
  CHECK(rig.report.documents.failed == 1);
  CHECK_FALSE(rig.report.complete);
  CHECK(rig.store.records().size() == 40);
  const auto letters = DeadLettersOf(rig);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].document_id == "bad");
  CHECK(letters[0].stage == Stage::kEmbed);
  CHECK(letters[0].attempts == 1);
  CHECK(std::string(letters[0].reason.message()).find("bytes [16, 34)") != std::string::npos);
  CHECK(std::string(letters[0].reason.message()).find("poison") == std::string::npos);
  REQUIRE(letters[0].document.has_value());
  CHECK(letters[0].document->text == "good paragraph\n\na poison paragraph");
  CHECK(rig.observer.dead_letters().size() == 1);

  SECTION("it is tried again, and counted") {
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.unchanged == 40);
    CHECK(rig.report.documents.failed == 1);
    CHECK(DeadLettersOf(rig).at(0).attempts == 2);
  }
  SECTION("a good version clears it") {
    rig.source.Put("bad", "all good now");
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.complete);
    CHECK(DeadLettersOf(rig).empty());
    rig.CheckIndexEqualsSource();
  }
  SECTION("it goes with its document") {
    rig.source.Delete("bad");
    REQUIRE_OK(rig.Run());
    CHECK(DeadLettersOf(rig).empty());
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.complete);
  }
}

TEST_CASE("a bad new version leaves the old one in the index") {
  Rig rig({}, {}, {.on_call = RefusePoison});
  rig.source.Put("a", "first version");
  REQUIRE_OK(rig.Run());
  const auto good = rig.source.documents();
  rig.source.Put("a", "poison version");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 1);
  rig.CheckIndexHolds(good);
}

TEST_CASE("going back to what the index holds clears the dead letter") {
  Rig rig({.versions = MemorySourceOptions::Versions::kNone}, {}, {.on_call = RefusePoison});
  auto put = [&](std::string text) {
    Document document;
    document.id = "a";
    document.text = text;
    document.version.token = text;
    rig.source.Put(document);
  };
  put("good");
  REQUIRE_OK(rig.Run());
  put("poison");
  REQUIRE_OK(rig.Run());
  CHECK_FALSE(rig.report.complete);
  put("good");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(DeadLettersOf(rig).empty());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("an old dead letter keeps later runs from calling themselves complete") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {}, {.on_call = RefusePoison});
  rig.source.Put("a", "poison");
  REQUIRE_OK(rig.Run());
  rig.source.Put("b", "fine");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 0);
  CHECK_FALSE(rig.report.complete);
  CHECK(rig.report.problems.at(0).find("'a'") != std::string::npos);
}

TEST_CASE("vectors that cannot be used set their document aside") {
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 0.0F);
  Rig rig;
  FunctionEmbedder embedder("test", 4, [bad](const EmbedRequest& request) -> absl::StatusOr<std::vector<std::vector<float>>> {
    std::vector<std::vector<float>> vectors;
    for (const std::string_view text : request.texts) {
      const float value = text.find("odd") != std::string_view::npos ? bad : 0.5F;
      vectors.push_back({value, value, value, value});
    }
    return vectors;
  });
  rig.source.Put("a", "fine");
  rig.source.Put("b", "odd");
  rig.source.Put("c", "fine too");
  Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.processed == 2);
  CHECK(rig.report.documents.failed == 1);
  CHECK(DeadLettersOf(rig).at(0).document_id == "b");
}

TEST_CASE("a zero vector is fine under another metric than cosine") {
  Rig rig;
  rig.options.metric = Metric::kL2;
  FunctionEmbedder embedder("zeros", 2, [](const EmbedRequest& request) -> absl::StatusOr<std::vector<std::vector<float>>> {
    return std::vector<std::vector<float>>(request.texts.size(), {0.0F, 0.0F});
  });
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.complete);
}

TEST_CASE("an embedder that answers with the wrong count or length ends the run with its name") {
  const int what = GENERATE(0, 1);
  Rig rig;
  FunctionEmbedder embedder("odd one", 2,
                            [what](const EmbedRequest& request) -> absl::StatusOr<std::vector<std::vector<float>>> {
                              if (what == 0) return std::vector<std::vector<float>>(request.texts.size() + 1, {1.0F, 0.0F});
                              return std::vector<std::vector<float>>(request.texts.size(), {1.0F});
                            });
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  const absl::Status status = pipeline.Run(rig.report);
  CHECK(absl::IsInternal(status));
  CHECK(std::string(status.message()).find("odd one") != std::string::npos);
  CheckReport(rig.report);
}

TEST_CASE("a permanent error ends the run with everything before it committed") {
  Rig rig({}, {}, {.limits = {.texts = 1}, .on_call = [](const EmbedRequest& request) {
                     return request.texts[0].find("expensive") != std::string_view::npos
                                ? absl::PermissionDeniedError("the key has expired")
                                : absl::OkStatus();
                   }});
  rig.options.embed_calls = 1;
  rig.options.chunk_workers = 1;
  for (int i = 0; i < 20; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  rig.source.Put("zzz", "expensive");
  const absl::Status status = rig.Run();
  CHECK(absl::IsPermissionDenied(status));
  CHECK(rig.report.documents.processed == 20);
  CHECK(rig.report.documents.pending == 1);
  CHECK(rig.store.records().size() == 20);
}

TEST_CASE("a run that an error ended says so, even if nothing else is wrong") {
  Rig rig;
  FaultPlan plan;
  FaultyCheckpoint checkpoint(rig.store.checkpoint(), plan);
  plan.On(Call::kListDeadLetters, From(3), Fail(absl::InternalError("the disk is gone")));  // the last call of a run
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), checkpoint, rig.options};
  CHECK(absl::IsInternal(pipeline.Run(rig.report)));
  CheckReport(rig.report);
  CHECK_FALSE(rig.report.complete);
  REQUIRE(rig.report.problems.size() == 1);
  CHECK(rig.report.problems.front().find("the disk is gone") != std::string::npos);
}

TEST_CASE("a stage that throws is an error with its name, not a crash") {
  Rig rig;
  rig.source.Put("a", "fine");
  rig.source.Put("b", "throw");
  SECTION("a chunker loses only the document") {
    FunctionChunker chunker("throws", [&](const Document& document) -> absl::StatusOr<std::vector<Chunk>> {
      if (document.text == "throw") throw std::runtime_error("chunker bug");
      return rig.chunker.Split(document);
    });
    Pipeline pipeline{rig.source, chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    REQUIRE_OK(pipeline.Run(rig.report));
    CHECK(rig.report.documents.failed == 1);
    CHECK(rig.report.documents.processed == 1);
    const auto letter = DeadLettersOf(rig).at(0);
    CHECK(letter.stage == Stage::kChunk);
    CHECK(std::string(letter.reason.message()).find("chunker bug") != std::string::npos);
  }
  SECTION("a chunker without memory is called again: the document is not to blame") {
    bool threw = false;
    FunctionChunker chunker("throws", [&](const Document& document) -> absl::StatusOr<std::vector<Chunk>> {
      if (document.text == "throw" && !std::exchange(threw, true)) throw std::bad_alloc();
      return rig.chunker.Split(document);
    });
    Pipeline pipeline{rig.source, chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    REQUIRE_OK(pipeline.Run(rig.report));
    CHECK(rig.report.complete);
    CHECK(rig.report.retries == 1);
  }
  SECTION("an embedder ends the run") {
    FunctionEmbedder embedder("throws", 2, [](const EmbedRequest&) -> absl::StatusOr<std::vector<std::vector<float>>> {
      throw 42;  // not even a std::exception
    });
    Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    CHECK(absl::IsInternal(pipeline.Run(rig.report)));
    CHECK(rig.report.documents.pending == 2);
  }
  SECTION("a source ends the run") {
    FunctionSource source("throws", []() -> absl::StatusOr<std::vector<Document>> { throw std::runtime_error("no database"); });
    Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    const absl::Status status = pipeline.Run(rig.report);
    CHECK(absl::IsInternal(status));
    CHECK(std::string(status.message()).find("Source::StreamChanges") != std::string::npos);
  }
  SECTION("a sink ends the run and nothing is committed") {
    FunctionSink sink([](std::span<const DocumentWrite>) -> absl::Status { throw std::runtime_error("sink bug"); });
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
    CHECK(absl::IsInternal(pipeline.Run(rig.report)));
    for (const auto& [id, entry] : rig.store.entries("memory")) CHECK(entry.content_hash.empty());  // marked: unknown
  }
  SECTION("an observer changes nothing") {
    struct Thrower final : Observer {
      void OnProgress(const RunReport&) override { throw std::runtime_error("observer bug"); }
    } thrower;
    rig.options.observer = &thrower;
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.complete);
  }
}

TEST_CASE("a chunker's impossible answer sets the document aside") {
  Rig rig;
  Chunk chunk;
  SECTION("outside the document") { chunk.range = {0, 1000}; }
  SECTION("backwards") { chunk.range = {3, 1}; }
  SECTION("dividing a code point") { chunk.range = {0, 1}; }
  SECTION("overlap before the beginning") {
    chunk.range = {2, 4};
    chunk.overlap = 3;
  }
  SECTION("context that is not UTF-8") {
    chunk.range = {0, 2};
    chunk.context = "\xFF";
  }
  FunctionChunker chunker("odd", [&](const Document&) -> absl::StatusOr<std::vector<Chunk>> { return std::vector{chunk}; });
  rig.source.Put("a", "\xC3\xA9xyz");
  Pipeline pipeline{rig.source, chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.failed == 1);
  CHECK(absl::IsInternal(DeadLettersOf(rig).at(0).reason));
  CheckReport(rig.report);
}

TEST_CASE("a chunk's own text is embedded and stored instead of its bytes") {
  Rig rig;
  FunctionChunker chunker("visible", [&](const Document& document) -> absl::StatusOr<std::vector<Chunk>> {
    Chunk chunk;
    chunk.range = {0, document.text.size()};
    chunk.context = "Title\n";
    chunk.text = "seen";
    return std::vector{chunk};
  });
  rig.source.Put("a", "<p>seen</p>");
  Pipeline pipeline{rig.source, chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.failed == 0);
  const auto records = rig.store.records();
  REQUIRE(records.size() == 1);
  CHECK(records.begin()->second.text == "seen");
  CHECK(records.begin()->second.chunk.range.end == 11);
}

TEST_CASE("a document that the sink refuses is set aside; the others of its batch are written") {
  Rig rig;
  std::set<std::string> written;
  FunctionSink sink([&](std::span<const DocumentWrite> writes) {
    for (const DocumentWrite& write : writes) {
      if (write.document_id == "doc7") return absl::InvalidArgumentError("the payload is too large");
    }
    for (const DocumentWrite& write : writes) written.insert(std::string(write.document_id));
    return absl::OkStatus();
  });
  for (int i = 0; i < 20; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(written.size() == 19);
  CHECK(rig.report.documents.processed == 19);
  CHECK(DeadLettersOf(rig).at(0).stage == Stage::kWrite);
}

TEST_CASE("a bad change in the feed is a dead letter and the feed goes on") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.source.Put("a", "text");
  BadChange bad;
  bad.document_id = "line 17";
  bad.reason = absl::InvalidArgumentError("no id");
  rig.source.Push(bad);
  rig.source.Put("b", "text b");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 1);
  CHECK(rig.report.documents.processed == 2);
  CHECK(DeadLettersOf(rig).at(0).document_id == "line 17");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.seen == 0);
}

TEST_CASE("dead letters without an id are listed, each under a name for its place") {
  const bool is_feed = GENERATE(true, false);
  Rig rig({.mode = is_feed ? MemorySourceOptions::Mode::kFeed : MemorySourceOptions::Mode::kSnapshot});
  for (int i = 0; i < 2; ++i) {
    BadChange bad;
    bad.reason = absl::InvalidArgumentError("a row without a key");
    rig.source.Push(bad);
  }
  rig.source.Put("a", "fine");
  rig.source.Put("", "a document without an id");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 1);
  CHECK(rig.report.documents.failed == 3);
  const auto letters = DeadLettersOf(rig);
  REQUIRE(letters.size() == 3);
  for (const DeadLetter& letter : letters) CHECK(letter.document_id.rfind("(no id) ", 0) == 0);
  REQUIRE_OK(rig.Run());
  CHECK_FALSE(rig.report.complete);
  CHECK(DeadLettersOf(rig).size() == 3);
}

TEST_CASE("deleting a document of which only a dead letter is known clears the letter") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {}, {.on_call = RefusePoison});
  rig.source.Put("a", "poison");
  REQUIRE_OK(rig.Run());
  REQUIRE(DeadLettersOf(rig).size() == 1);
  rig.source.Delete("a");
  REQUIRE_OK(rig.Run());
  CHECK(DeadLettersOf(rig).empty());
  CHECK(rig.report.complete);
}

TEST_CASE("an absent document that the sink refuses to delete stays in the ledger until it does") {
  Rig rig;
  rig.source.Put("a", "text a");
  rig.source.Put("b", "text b");
  REQUIRE_OK(rig.Run());
  FaultPlan plan;
  plan.On(Call::kWrite, Always(), Fail(absl::InvalidArgumentError("refused")));
  FaultySink sink(rig.store.sink(), plan);
  rig.source.Delete("a");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.failed == 1);
  CHECK_FALSE(rig.report.complete);
  CHECK(rig.store.records().size() == 2);
  plan.Clear();
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a failed checkpoint ends the run and leaves the sink's writes uncommitted") {
  Rig rig({}, {.shared_transaction = false});
  FunctionCheckpoint checkpoint([](std::string_view) { return std::vector<PartitionCursor>(); },
                                [](const CommitRequest&) { return absl::FailedPreconditionError("the disk is full"); });
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), checkpoint, rig.options};
  const absl::Status status = pipeline.Run(rig.report);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(rig.report.documents.pending == 1);
  CHECK(rig.report.documents.processed == 0);
}

TEST_CASE("the order is Write, Flush, Commit") {
  struct Journal {
    std::vector<std::string> calls;
  } journal;
  struct Sink final : VectorSink {
    explicit Sink(Journal& j) : journal(j) {}
    absl::Status EnsureCollection(const CollectionSpec&) override { return absl::OkStatus(); }
    absl::Status Write(std::span<const DocumentWrite>) override {
      journal.calls.push_back("write");
      return absl::OkStatus();
    }
    absl::Status Flush() override {
      journal.calls.push_back("flush");
      return absl::OkStatus();
    }
    Journal& journal;
  } sink(journal);
  FunctionCheckpoint checkpoint([](std::string_view) { return std::vector<PartitionCursor>(); },
                                [&](const CommitRequest&) {
                                  journal.calls.push_back("commit");
                                  return absl::OkStatus();
                                });
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, checkpoint, rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(journal.calls == std::vector<std::string>{"write", "flush", "commit"});
}

namespace {

/// Goes back a day when it is read for the tenth time.
class SetBackClock final : public Clock {
 public:
  absl::Time Now() override {
    if (++readings_ == 10) clock_.Advance(-absl::Hours(24));
    return clock_.Now();
  }
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override {
    clock_.WaitUntil(lock, wake, std::min(deadline, clock_.Now() + absl::Seconds(1)));
  }
  absl::Duration waited() const { return clock_.total_waited(); }

 private:
  VirtualClock clock_;
  std::atomic<int> readings_ = 0;
};

}  // namespace

TEST_CASE("a clock that is set back makes no pause longer") {
  SetBackClock clock;
  FaultPlan plan;
  plan.On(Call::kEmbed, Between(1, 7), Fail(absl::UnavailableError("busy")));
  Rig rig;
  rig.options.clock = &clock;
  rig.source.Put("a", "text");
  FaultyEmbedder embedder(rig.embedder, plan);
  Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.complete);
  CHECK(clock.waited() < absl::Minutes(5));
}

TEST_CASE("after an end between write and commit, nothing is lost or left behind, whatever becomes of the documents") {
  Rig rig({}, {.shared_transaction = false});
  Document first;
  first.id = "a";
  first.text = "one\n\ntwo";
  first.version = {"first", 7};
  rig.source.Put(first);
  rig.source.Put("same", "text");
  REQUIRE_OK(rig.Run());

  Document second = first;
  second.text = "one\n\nthree";
  second.version = {"second", 8};
  rig.source.Put(second);
  rig.source.Put("new", "more text");
  FaultPlan plan;
  plan.On(Call::kCommit, Nth(2), Fail(absl::InternalError("killed")));  // the first one marks
  {
    FaultyCheckpoint checkpoint(rig.store.checkpoint(), plan);
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), checkpoint, rig.options};
    REQUIRE_FALSE(pipeline.Run(rig.report).ok());
  }
  REQUIRE(plan.faults(Call::kCommit) == 1);
  rig.store.Crash(MemoryStore::UnflushedWrites::kKept);
  const std::uint64_t embedded = rig.embedder.counts().texts;

  SECTION("they stay as they are") {
    REQUIRE_OK(rig.Run());
    CHECK(rig.embedder.counts().texts == embedded);  // the sink has the vectors
  }
  SECTION("they change again") {
    second.text = "two\n\nfour";
    second.version = {"third", 9};
    rig.source.Put(second);
    rig.source.Put("new", "other text");
    REQUIRE_OK(rig.Run());
  }
  SECTION("they go back to what the ledger knew") {
    rig.source.Put(first);
    rig.source.Delete("new");
    REQUIRE_OK(rig.Run());
  }
  SECTION("they go away") {
    rig.source.Delete("a");
    rig.source.Delete("new");
    REQUIRE_OK(rig.Run());
  }
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
  for (const auto& [id, entry] : rig.store.entries("memory")) CHECK_FALSE(entry.content_hash.empty());
}

TEST_CASE("a store that commits records and ledger at once needs no marks") {
  Rig rig;
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  CHECK(rig.store.counts().commits == 2);  // the recipe, the document
}

TEST_CASE("a sink whose writes only another checkpoint's commit makes durable is refused") {
  Rig rig;
  MemoryStore other;
  rig.source.Put("a", "text");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), other.checkpoint(), rig.options};
  CHECK(absl::IsFailedPrecondition(pipeline.Run(rig.report)));
  CHECK(rig.source.counts().streams_opened == 0);
}
