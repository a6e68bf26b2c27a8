// Embedders that are down, busy, or refuse one text: how many calls that makes, and what is lost.
#include <absl/time/clock.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <string>
#include <vector>

#include "engine/circuit_breaker.h"
#include "engine/rig.h"
#include "support/seed.h"

using namespace ragpipe;
using namespace ragpipe::testing;
using internal::CircuitBreaker;
using Entry = CircuitBreaker::Entry;

TEST_CASE("the circuit opens after five failures in a row, and one probe at a time finds out whether it may close") {
  CircuitBreaker circuit;
  absl::Time now = absl::FromUnixSeconds(0);
  for (int i = 0; i < 4; ++i) {
    CHECK(circuit.TryEnter(now) == Entry::kCall);
    circuit.Failed(Entry::kCall, now, absl::Seconds(10));
    CHECK_FALSE(circuit.is_open());
  }
  CHECK(circuit.TryEnter(now) == Entry::kCall);
  CHECK(circuit.TryEnter(now) == Entry::kCall);  // under way when it opens
  circuit.Failed(Entry::kCall, now, absl::Seconds(10));
  CHECK(circuit.is_open());
  CHECK(circuit.next_entry() == now + absl::Seconds(10));
  now += absl::Seconds(9);
  CHECK(circuit.TryEnter(now) == Entry::kRefused);
  circuit.Failed(Entry::kCall, now, absl::Seconds(10));  // the late one does not prolong the pause
  CHECK(circuit.next_entry() == now + absl::Seconds(1));

  now += absl::Seconds(1);
  CHECK(circuit.TryEnter(now) == Entry::kProbe);
  CHECK(circuit.TryEnter(now) == Entry::kRefused);
  CHECK(circuit.next_entry() == absl::InfiniteFuture());
  circuit.Failed(Entry::kProbe, now, absl::Seconds(20));
  CHECK(circuit.next_entry() == now + absl::Seconds(20));
  now += absl::Seconds(20);
  CHECK(circuit.TryEnter(now) == Entry::kProbe);
  circuit.Answered();
  CHECK(circuit.TryEnter(now) == Entry::kCall);
  CHECK(circuit.TryEnter(now) == Entry::kCall);
  CHECK(circuit.failures() == 0);
}

TEST_CASE("retries are at most a tenth of the calls, and ten; what goes beyond opens the circuit") {
  RAGPIPE_RANDOM_TEST(random);
  CircuitBreaker circuit;
  absl::Time now = absl::FromUnixSeconds(0);
  int answers = 0;
  int free_retries = 0;  // failures that left the circuit closed
  int probes = 0;
  for (int i = 0; i < 10'000; ++i) {
    Entry entry = circuit.TryEnter(now);
    if (entry == Entry::kRefused) {
      now = circuit.next_entry();
      entry = circuit.TryEnter(now);
      ++probes;
    }
    REQUIRE(entry != Entry::kRefused);
    if (random() % 2 == 0) {
      circuit.Answered();
      ++answers;
    } else {
      circuit.Failed(entry, now, absl::Seconds(1));
      if (!circuit.is_open()) ++free_retries;
    }
  }
  CHECK(free_retries <= 10 + answers / 10);
  CHECK(free_retries >= answers / 10 - 10);
  CHECK(probes > 1000);
  CHECK(now >= absl::FromUnixSeconds(probes));
}

TEST_CASE("an outage does not multiply the load: few calls, ever rarer, one at a time, until the attempts are spent") {
  std::atomic<int> calls{0};
  std::mutex mutex;
  std::vector<absl::Time> times;
  VirtualClock* clock = nullptr;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {},
          {.limits = {.texts = 1, .calls = 4}, .on_call = [&](const EmbedRequest&) {
             const std::lock_guard<std::mutex> lock(mutex);
             times.push_back(clock->Now());
             ++calls;
             return absl::UnavailableError("down");
           }});
  clock = &rig.clock;
  rig.options.retry.max_attempts = 12;
  for (int i = 0; i < 500; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  const absl::Status status = rig.Run();
  CHECK(absl::IsUnavailable(status));
  CHECK(std::string(status.message()).find("12 times") != std::string::npos);
  CHECK(calls <= 8 + 4 * 12);  // without the breaker 4 callers would have made as many at once
  CHECK(rig.report.documents.pending == rig.report.documents.seen);
  REQUIRE(times.size() > 10);
  CHECK(times.back() - times[times.size() - 2] >= absl::Seconds(15));  // half of RetryOptions::max_backoff at least
}

TEST_CASE("a continuous run waits for the end of an outage: what is done is committed, reading stops, then it goes on") {
  std::atomic<bool> is_down{false};
  std::atomic<int> calls{0};
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .endless = true, .events_per_call = 1}, {},
          {.limits = {.texts = 4, .calls = 3}, .on_call = [&](const EmbedRequest&) {
             if (!is_down) return absl::OkStatus();
             ++calls;
             return absl::UnavailableError("down");
           }});
  rig.options.clock = nullptr;
  rig.options.memory_budget = 200'000;
  rig.options.retry = {.max_attempts = 3,
                       .initial_backoff = absl::Milliseconds(1),
                       .max_backoff = absl::Milliseconds(50),
                       .max_retry_after = absl::Minutes(2)};
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Start());
  rig.source.Put("before", "text before");
  while (pipeline.Report().documents.processed < 1) absl::SleepFor(absl::Milliseconds(1));
  is_down = true;
  const std::string text(5'000, 'x');
  for (int i = 0; i < 200; ++i) rig.source.Put("doc" + std::to_string(i), text + std::to_string(i));
  absl::SleepFor(absl::Seconds(1));
  CHECK(pipeline.IsRunning());
  CHECK(calls < 100);  // a second of pauses of 25 to 50 ms, and the first failures
  CHECK(calls > 5);
  CHECK(pipeline.Report().documents.seen < 100);
  CHECK(rig.store.entries("memory").size() == 1);
  is_down = false;
  while (pipeline.Report().documents.processed < 201) absl::SleepFor(absl::Milliseconds(1));
  REQUIRE_OK(pipeline.Stop(absl::Seconds(10), rig.report));
  CHECK(rig.report.documents.failed == 0);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("one bad text among 2,463 in 77 documents loses its document and costs two calls a halving") {
  RAGPIPE_RANDOM_TEST(random);
  constexpr int kDocuments = 77;
  constexpr int kTexts = 2463;
  constexpr int kTextsPerCall = 64;
  const int bad = static_cast<int>(random() % kTexts);
  std::atomic<int> refused{0};
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {},
          {.limits = {.texts = kTextsPerCall, .calls = 1}, .on_call = [&](const EmbedRequest& request) {
             for (const std::string_view text : request.texts) {
               if (text.find("poison") == std::string_view::npos) continue;
               ++refused;
               return absl::InvalidArgumentError("refused");
             }
             return absl::OkStatus();
           }});
  auto documents = std::map<std::string, Document>();
  int next = 0;
  for (int d = 0; d < kDocuments; ++d) {
    std::string text;
    bool is_bad = false;
    for (const int end = kTexts * (d + 1) / kDocuments; next < end; ++next) {
      is_bad = is_bad || next == bad;
      text += (next == bad ? "poison " : "paragraph ") + std::to_string(next) + "\n\n";
    }
    rig.source.Put("doc" + std::to_string(100 + d), text);
    if (!is_bad) documents.insert(*rig.source.documents().find("doc" + std::to_string(100 + d)));
  }
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == kDocuments - 1);
  CHECK(rig.report.documents.failed == 1);
  rig.CheckIndexHolds(documents);
  CHECK(refused <= 1 + 6);  // the whole batch, and a half at each halving
  CHECK(rig.report.embed.calls <= (kTexts + kTextsPerCall - 1) / kTextsPerCall + 2 * 6 + 1);
  CHECK(rig.report.embed.texts <= kTexts + kTextsPerCall * 2);
}

TEST_CASE("a pause that the embedder asks for is kept, also where the failures of other calls have opened the circuit") {
  std::atomic<int> failures{0};
  std::atomic<bool> came_back{false};
  std::vector<absl::Time> times;  // of one caller
  VirtualClock* clock = nullptr;
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {},
          {.limits = {.texts = 1, .calls = 2}, .on_call = [&](const EmbedRequest& request) {
             if (request.texts.front().find("patient") == std::string_view::npos) {
               if (came_back) return absl::OkStatus();
               ++failures;
               return absl::UnavailableError("down");
             }
             while (failures < 6) absl::SleepFor(absl::Milliseconds(1));
             times.push_back(clock->Now());
             came_back = times.size() == 2;
             if (came_back) return absl::OkStatus();
             absl::Status busy = absl::ResourceExhaustedError("busy");
             SetRetryAfter(busy, absl::Minutes(1));
             return busy;
           }});
  clock = &rig.clock;
  rig.options.retry.max_attempts = 1'000'000;
  rig.source.Put("a", "hasty");
  rig.source.Put("b", "patient");
  REQUIRE_OK(rig.Run());
  REQUIRE(times.size() == 2);
  CHECK(times[1] - times[0] >= absl::Minutes(1));
  for (const RecordingObserver::Retry& retry : rig.observer.retries()) {
    if (GetRetryAfter(retry.error).has_value()) CHECK(retry.pause >= absl::Minutes(1));
  }
  rig.CheckIndexEqualsSource();
}
