#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>

#include "ragpipe/export.h"

namespace ragpipe {

/// Time as the engine sees it: injectable, so that tests of backoff and commit intervals need no waiting.
/// Threading: from any thread.
class RAGPIPE_EXPORT Clock {
 public:
  virtual ~Clock();

  virtual absl::Time Now() = 0;

  /// Releases `lock`, waits until `wake` is notified or Now() reaches `deadline`, and takes `lock` again. May wake early.
  virtual void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) = 0;

 protected:
  Clock() = default;
  Clock(const Clock&) = default;
  Clock& operator=(const Clock&) = default;
};

/// The machine's. Never destroyed.
RAGPIPE_EXPORT Clock& SystemClock();

}  // namespace ragpipe
