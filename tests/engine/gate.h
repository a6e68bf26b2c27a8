#pragma once

#include <absl/status/status.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>

#include "ragpipe/embedder.h"

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
  /// HashEmbedderOptions::on_call of such an embedder.
  std::function<absl::Status(const ragpipe::EmbedRequest&)> OnCall() {
    return [this](const ragpipe::EmbedRequest& request) {
      for (const std::string_view text : request.texts) Wait(text);
      return absl::OkStatus();
    };
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
