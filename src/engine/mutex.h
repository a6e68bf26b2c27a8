#pragma once

#include <mutex>

// std::mutex with clang's thread-safety annotations. Not absl::Mutex: a packaged Abseil is not instrumented, and
// ThreadSanitizer reports races that are none.
#if defined(__clang__)
#define RAGPIPE_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define RAGPIPE_THREAD_ATTRIBUTE(x)
#endif

#define RAGPIPE_GUARDED_BY(x) RAGPIPE_THREAD_ATTRIBUTE(guarded_by(x))
#define RAGPIPE_REQUIRES(...) RAGPIPE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))

namespace ragpipe::internal {

class RAGPIPE_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

class RAGPIPE_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) RAGPIPE_THREAD_ATTRIBUTE(acquire_capability(mutex)) : lock_(mutex.native()) {}
  ~MutexLock() RAGPIPE_THREAD_ATTRIBUTE(release_capability()) = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  /// For waiting on a condition variable; it is locked again when the wait returns.
  std::unique_lock<std::mutex>& native() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace ragpipe::internal
