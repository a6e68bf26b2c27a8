#include "ragpipe/testing/virtual_clock.h"

#include <chrono>

namespace ragpipe::testing {

VirtualClock::VirtualClock(absl::Time start) : now_(start) {}

absl::Time VirtualClock::Now() {
  const std::lock_guard guard(mutex_);
  return now_;
}

void VirtualClock::WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) {
    wake.wait(lock);
    return;
  }
  {
    const std::lock_guard guard(mutex_);
    if (deadline > now_) {
      waits_.push_back(deadline - now_);
      now_ = deadline;
    }
  }
  // Merely to unlock and lock again would starve the threads that must do something before the caller can go on.
  wake.wait_for(lock, std::chrono::microseconds(50));
}

void VirtualClock::Advance(absl::Duration duration) {
  const std::lock_guard guard(mutex_);
  now_ += duration;
}

std::vector<absl::Duration> VirtualClock::waits() const {
  const std::lock_guard guard(mutex_);
  return waits_;
}

absl::Duration VirtualClock::total_waited() const {
  absl::Duration total;
  for (const absl::Duration wait : waits()) total += wait;
  return total;
}

}  // namespace ragpipe::testing
