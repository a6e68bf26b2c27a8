#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "engine/scheduler.h"

namespace ragpipe::internal {

/// A std::thread that a scheduler can govern. To be joined before it is destroyed.
class Thread {
 public:
  Thread() = default;
  explicit Thread(std::function<void()> body) {
    if (Scheduler* scheduler = Scheduler::Current()) {
      thread_ = scheduler->Start(std::move(body));
    } else {
      thread_ = std::thread(std::move(body));
    }
  }

  bool IsJoinable() const { return thread_.joinable(); }

  void Join() {
    if (Scheduler* scheduler = Scheduler::Current()) {
      scheduler->Join(thread_);
    } else {
      thread_.join();
    }
  }

 private:
  std::thread thread_;
};

}  // namespace ragpipe::internal
