#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "ragpipe/clock.h"
#include "ragpipe/export.h"

namespace ragpipe::testing {

/// Time that passes only when somebody waits for it, and then at once: a test of backoff or commit intervals takes no time.
/// A wait without a deadline is a real one.
/// Threading: from any thread.
class RAGPIPE_EXPORT VirtualClock final : public Clock {
 public:
  explicit VirtualClock(absl::Time start = absl::FromUnixSeconds(1'767'225'600));  // 2026-01-01T00:00:00Z

  absl::Time Now() override;

  /// Moves Now() to `deadline`, gives other threads a moment with the lock, and returns.
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override;

  /// Lets `duration` pass, without anybody's waiting.
  void Advance(absl::Duration duration);

  /// The waits that moved the time, in their order. A deadline already reached is no wait, nor is one without end.
  std::vector<absl::Duration> waits() const;

  absl::Duration total_waited() const;

 private:
  mutable std::mutex mutex_;
  absl::Time now_;
  std::vector<absl::Duration> waits_;
};

}  // namespace ragpipe::testing
