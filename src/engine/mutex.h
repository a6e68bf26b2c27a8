#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>

#include "engine/scheduler.h"
#include "ragpipe/clock.h"

// std::mutex with clang's thread-safety annotations, and std::condition_variable; both leave it to a scheduler, where there is
// one, who goes on. Not absl::Mutex: a packaged Abseil is not instrumented, and ThreadSanitizer reports races that are none.
#if defined(__clang__)
#define RAGPIPE_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define RAGPIPE_THREAD_ATTRIBUTE(x)
#endif

#define RAGPIPE_GUARDED_BY(x) RAGPIPE_THREAD_ATTRIBUTE(guarded_by(x))
#define RAGPIPE_REQUIRES(...) RAGPIPE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))

namespace ragpipe::internal {

class RAGPIPE_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 private:
  friend class MutexLock;
  std::mutex mutex_;
};

class RAGPIPE_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) RAGPIPE_THREAD_ATTRIBUTE(acquire_capability(mutex)) : lock_(mutex.mutex_, std::defer_lock) {
    Lock();
  }
  ~MutexLock() RAGPIPE_THREAD_ATTRIBUTE(release_capability()) { Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  friend class CondVar;

  void Lock() {
    Scheduler* const scheduler = Scheduler::Current();
    if (scheduler == nullptr) return lock_.lock();
    scheduler->LetOthersRun();
    while (!lock_.try_lock()) scheduler->Block(lock_.mutex(), absl::InfiniteFuture());
  }

  void Unlock() {
    lock_.unlock();
    if (Scheduler* scheduler = Scheduler::Current()) scheduler->WakeAll(lock_.mutex());
  }

  std::unique_lock<std::mutex> lock_;
};

/// Waits may end early: wait in a loop.
class CondVar {
 public:
  /// Releases the lock, waits to be notified, and takes the lock again.
  void Wait(MutexLock& lock) {
    if (Scheduler* scheduler = Scheduler::Current()) return WaitGoverned(*scheduler, lock, absl::InfiniteFuture());
    condition_.wait(lock.lock_);
  }

  /// The same, until clock.Now() is `deadline`. A scheduler takes its own time for the clock's.
  void WaitUntil(MutexLock& lock, Clock& clock, absl::Time deadline) {
    if (Scheduler* scheduler = Scheduler::Current()) return WaitGoverned(*scheduler, lock, deadline);
    clock.WaitUntil(lock.lock_, condition_, deadline);
  }

  void NotifyOne() {
    if (Scheduler* scheduler = Scheduler::Current()) {
      scheduler->LetOthersRun();
      return scheduler->WakeOne(this);
    }
    condition_.notify_one();
  }

  void NotifyAll() {
    if (Scheduler* scheduler = Scheduler::Current()) {
      scheduler->LetOthersRun();
      return scheduler->WakeAll(this);
    }
    condition_.notify_all();
  }

 private:
  void WaitGoverned(Scheduler& scheduler, MutexLock& lock, absl::Time deadline) {
    lock.Unlock();
    scheduler.Block(this, deadline);
    lock.Lock();
  }

  std::condition_variable condition_;
};

}  // namespace ragpipe::internal
