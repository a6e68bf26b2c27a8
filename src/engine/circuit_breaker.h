#pragma once

#include <absl/time/time.h>

#include <algorithm>

namespace ragpipe::internal {

/// Stands before the calls to one service, so that an outage does not multiply its load. It opens after some transient
/// failures in a row, whoever made the calls, and when retries have become more than a tenth of the calls (a few aside). While
/// it is open the service is left alone for a pause; then one call at a time probes it, and a failure makes the next pause
/// longer. Any answer closes it.
/// Threading: none; the owner's lock guards it, and wakes who waits whenever a call ends.
class CircuitBreaker {
 public:
  enum class Entry { kRefused, kCall, kProbe };

  /// Unless refused, the caller makes its call now and says how it ended.
  Entry TryEnter(absl::Time now) {
    if (!is_open_) return Entry::kCall;
    if (is_probing_ || now < open_until_) return Entry::kRefused;
    is_probing_ = true;
    return Entry::kProbe;
  }

  /// When to try again, unless some call ends before.
  absl::Time next_entry() const { return is_probing_ ? absl::InfiniteFuture() : open_until_; }

  bool is_open() const { return is_open_; }

  /// Failures in a row; what a pause grows with.
  int failures() const { return failures_; }

  /// The service answered, if only to refuse.
  void Answered() {
    is_open_ = false;
    is_probing_ = false;
    failures_ = 0;
    retries_left_ = std::min(kRetriesAtOnce, retries_left_ + kRetriesPerCall);
  }

  /// A transient failure, about to be retried. `pause` is how long the service is left alone if that opens the circuit.
  void Failed(Entry entry, absl::Time now, absl::Duration pause) {
    ++failures_;
    if (entry == Entry::kProbe) is_probing_ = false;
    if (!is_open_ && failures_ < kFailuresToOpen && retries_left_ >= 1) {
      retries_left_ -= 1;
      return;
    }
    if (entry == Entry::kProbe || !is_open_) open_until_ = now + pause;
    is_open_ = true;  // a call that was under way when it opened changes nothing
  }

 private:
  static constexpr int kFailuresToOpen = 5;
  static constexpr double kRetriesAtOnce = 10;
  static constexpr double kRetriesPerCall = 0.1;

  bool is_open_ = false;
  bool is_probing_ = false;
  int failures_ = 0;
  double retries_left_ = kRetriesAtOnce;
  absl::Time open_until_ = absl::InfinitePast();
};

}  // namespace ragpipe::internal
