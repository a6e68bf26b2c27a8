#pragma once

#include <condition_variable>
#include <mutex>
#include <string_view>

/// An embedder whose calls wait until a text that is not held comes, or until it is opened.
class Gate {
 public:
  void Wait(std::string_view text) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (text.find("held") == std::string_view::npos) return;
    is_held_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void AwaitHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return is_held_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_held_ = false;
  bool is_open_ = false;
};
