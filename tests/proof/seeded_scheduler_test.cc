#include "proof/seeded_scheduler.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "engine/mutex.h"
#include "engine/rig.h"
#include "engine/thread.h"
#include "support/catch.h"

using ragpipe::internal::CondVar;
using ragpipe::internal::Mutex;
using ragpipe::internal::MutexLock;
using ragpipe::internal::Thread;
using ragpipe::proof::SeededScheduler;

namespace {

/// The exit code of a process in which two threads run under the scheduler: 42 when the scheduler saw them stuck.
int ExitCodeOf(std::uint64_t seed, void (*first)(), void (*second)()) {
  const pid_t child = fork();
  if (child == 0) {
    SeededScheduler scheduler({.seed = seed});
    scheduler.on_stuck = [](const std::string&) { std::_Exit(42); };
    scheduler.Govern([&] {
      Thread a(first);
      Thread b(second);
      a.Join();
      b.Join();
    });
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

Mutex mutex_a;
Mutex mutex_b;
CondVar never_notified;

void LockAThenB() {
  MutexLock a(mutex_a);
  MutexLock b(mutex_b);
}
void LockBThenA() {
  MutexLock b(mutex_b);
  MutexLock a(mutex_a);
}
void WaitForEver() {
  MutexLock a(mutex_a);
  while (true) never_notified.Wait(a);
}

struct Outcome {
  std::uint64_t trace = 0;
  std::uint64_t steps = 0;
  std::vector<std::string> writes;  // in their order
};

Outcome RunPipeline(std::uint64_t seed) {
  SeededScheduler scheduler({.seed = seed});
  Rig rig({.mode = ragpipe::testing::MemorySourceOptions::Mode::kFeed, .events_per_call = 3, .clock = &scheduler.clock()});
  rig.options.clock = &scheduler.clock();
  rig.options.commit_documents = 3;
  for (int i = 0; i < 20; ++i) {
    rig.source.Put("document " + std::to_string(i % 11),
                   "one " + std::to_string(i) + "\n\ntwo\n\nthree " + std::to_string(i % 3));
  }
  Outcome outcome;
  scheduler.Govern([&] { REQUIRE_OK(rig.Run()); });
  rig.CheckIndexEqualsSource();
  for (const auto& progress : rig.observer.progress()) outcome.writes.push_back(std::to_string(progress.documents.processed));
  outcome.trace = scheduler.trace();
  outcome.steps = scheduler.steps();
  return outcome;
}

}  // namespace

TEST_CASE("a seed gives the same interleaving every time, another seed another one") {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    const Outcome once = RunPipeline(seed);
    const Outcome again = RunPipeline(seed);
    CHECK(once.trace == again.trace);
    CHECK(once.steps == again.steps);
    CHECK(once.writes == again.writes);
    traces.insert(once.trace);
  }
  CHECK(traces.size() == 20);
}

TEST_CASE("locks taken in two orders are a deadlock in some interleavings, and it is seen") {
  int stuck = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) stuck += ExitCodeOf(seed, LockAThenB, LockBThenA) == 42 ? 1 : 0;
  CHECK(stuck > 0);
  CHECK(stuck < 20);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) CHECK(ExitCodeOf(seed, LockAThenB, LockAThenB) == 0);
}

TEST_CASE("a thread that nobody wakes is seen") { CHECK(ExitCodeOf(1, LockAThenB, WaitForEver) == 42); }

TEST_CASE("time moves to the earliest deadline when nobody can run") {
  SeededScheduler scheduler({.seed = 1});
  const absl::Time start = scheduler.Now();
  std::vector<int> order;
  scheduler.Govern([&] {
    Thread late([&] {
      scheduler.Sleep(absl::Hours(2));
      order.push_back(2);
    });
    Thread early([&] {
      scheduler.Sleep(absl::Hours(1));
      order.push_back(1);
    });
    late.Join();
    early.Join();
  });
  CHECK(order == std::vector{1, 2});
  CHECK(scheduler.Now() - start == absl::Hours(2));
}
