#include "ragpipe/clock.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <chrono>

namespace ragpipe {
namespace {

class MachineClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }

  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override {
    if (deadline == absl::InfiniteFuture()) {
      wake.wait(lock);
      return;
    }
    // By duration, in bounded steps: the wall clock may jump while we wait.
    const absl::Duration left = std::min(deadline - absl::Now(), absl::Seconds(1));
    if (left > absl::ZeroDuration()) wake.wait_for(lock, absl::ToChronoNanoseconds(left));
  }
};

}  // namespace

Clock::~Clock() = default;

Clock& SystemClock() {
  static MachineClock* const clock = new MachineClock;
  return *clock;
}

}  // namespace ragpipe
