#pragma once

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "support/catch.h"

namespace ragpipe::fs {

/// What `work` returns in a process of its own.
inline std::string InChild(const std::function<std::string()>& work) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      const std::string result = work();
      const bool sent = write(ends[1], result.data(), result.size()) == static_cast<ssize_t>(result.size());
      _exit(sent ? 0 : 1);
    } catch (...) {  // a failed REQUIRE must not run the other tests a second time
      _exit(1);
    }
  }
  close(ends[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.append(buffer, static_cast<std::size_t>(count));
  }
  close(ends[0]);
  int exit_status = -1;
  waitpid(child, &exit_status, 0);
  REQUIRE(exit_status == 0);
  return result;
}

/// Kilobytes by which `work` raises the peak of memory. 0 under sanitizers, which keep what is freed.
inline long PeakGrowth(const std::function<void()>& work) {
  const std::string growth = InChild([&work] {
    malloc_trim(0);
    rusage before{};  // a new process begins with the memory it has, not with its parent's peak
    getrusage(RUSAGE_SELF, &before);
    work();
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    return std::to_string(after.ru_maxrss - before.ru_maxrss);
  });
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return 0;
#else
  return std::stol(growth);
#endif
#else
  return std::stol(growth);
#endif
}

}  // namespace ragpipe::fs
