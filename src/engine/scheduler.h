#pragma once

#include <absl/time/time.h>

#include <functional>
#include <thread>

#include "ragpipe/export.h"

namespace ragpipe::internal {

/// Decides which of the engine's threads runs next, so that a test can repeat an interleaving. In production there is none,
/// and each question below costs the look at a thread-local pointer.
///
/// The threads that a scheduler governs run one at a time, from one of these calls to the next.
class RAGPIPE_EXPORT Scheduler {
 public:
  /// Of the calling thread; null = the operating system's.
  static Scheduler* Current() { return current_; }

  /// Another thread may run now.
  static void Yield() {
    if (Scheduler* scheduler = Current()) scheduler->LetOthersRun();
  }

  virtual void LetOthersRun() = 0;

  /// The calling thread waits until somebody wakes `what` or the scheduler's time is `deadline`, or until no reason at all.
  virtual void Block(const void* what, absl::Time deadline) = 0;

  /// One or all of the threads that wait for `what` may go on. The caller does too.
  virtual void WakeOne(const void* what) = 0;
  virtual void WakeAll(const void* what) = 0;

  /// A new thread, governed too.
  virtual std::thread Start(std::function<void()> body) = 0;
  virtual void Join(std::thread& thread) = 0;

 protected:
  Scheduler() = default;
  ~Scheduler() = default;

  static inline constinit thread_local Scheduler* current_ = nullptr;
};

}  // namespace ragpipe::internal
