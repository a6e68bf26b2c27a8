#include "ragpipe/testing/virtual_clock.h"

#include <absl/time/clock.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.h"

namespace ragpipe::testing {
namespace {

struct Waiter {
  std::mutex mutex;
  std::condition_variable wake;

  void WaitUntil(Clock& clock, absl::Time deadline) {
    std::unique_lock lock(mutex);
    clock.WaitUntil(lock, wake, deadline);
    CHECK(lock.owns_lock());
  }
};

TEST_CASE("VirtualClock: a wait moves the time to its deadline at once") {
  const absl::Time start = absl::FromUnixSeconds(1000);
  VirtualClock clock(start);
  Waiter waiter;
  const absl::Time really = absl::Now();
  waiter.WaitUntil(clock, start + absl::Hours(1));
  CHECK(clock.Now() == start + absl::Hours(1));
  waiter.WaitUntil(clock, clock.Now() + absl::Seconds(5));
  CHECK(absl::Now() - really < absl::Minutes(1));
  CHECK(clock.waits() == std::vector<absl::Duration>{absl::Hours(1), absl::Seconds(5)});
  CHECK(clock.total_waited() == absl::Hours(1) + absl::Seconds(5));
}

TEST_CASE("VirtualClock: a deadline already reached is no wait") {
  VirtualClock clock;
  Waiter waiter;
  const absl::Time start = clock.Now();
  waiter.WaitUntil(clock, start);
  waiter.WaitUntil(clock, start - absl::Seconds(1));
  waiter.WaitUntil(clock, absl::InfinitePast());
  CHECK(clock.Now() == start);
  CHECK(clock.waits().empty());
}

TEST_CASE("VirtualClock: Advance lets time pass without a wait") {
  VirtualClock clock;
  const absl::Time start = clock.Now();
  clock.Advance(absl::Milliseconds(1500));
  CHECK(clock.Now() == start + absl::Milliseconds(1500));
  CHECK(clock.waits().empty());
}

TEST_CASE("VirtualClock: a wait without a deadline lasts until it is notified") {
  VirtualClock clock;
  const absl::Time start = clock.Now();
  Waiter waiter;
  bool ready = false;
  bool seen = false;
  std::thread thread([&] {
    std::unique_lock lock(waiter.mutex);
    while (!ready) clock.WaitUntil(lock, waiter.wake, absl::InfiniteFuture());
    seen = true;
  });
  {
    const std::lock_guard guard(waiter.mutex);
    ready = true;
    waiter.wake.notify_all();
  }
  thread.join();
  CHECK(seen);
  CHECK(clock.Now() == start);
  CHECK(clock.waits().empty());
}

TEST_CASE("VirtualClock: a thread that waits again and again does not starve the one it waits for") {
  VirtualClock clock;
  Waiter waiter;
  bool done = false;
  std::thread worker([&] {
    const std::lock_guard guard(waiter.mutex);
    done = true;
  });
  std::unique_lock lock(waiter.mutex);
  while (!done) clock.WaitUntil(lock, waiter.wake, clock.Now() + absl::Seconds(1));
  lock.unlock();
  worker.join();
  CHECK(done);
}

}  // namespace
}  // namespace ragpipe::testing
