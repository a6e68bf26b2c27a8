#pragma once

#include <absl/time/time.h>

#include <algorithm>

#include "ragpipe/clock.h"

namespace ragpipe::internal {

/// A pause by a clock that others may set: one set back does not make the pause longer, one set forward ends it.
class Countdown {
 public:
  Countdown(Clock& clock, absl::Duration pause) : clock_(clock), last_(clock.Now()), deadline_(last_ + pause) {}

  bool IsOver() {
    const absl::Time now = clock_.Now();
    deadline_ -= std::max(last_ - now, absl::ZeroDuration());
    last_ = now;
    return now >= deadline_;
  }

  /// As of the last IsOver().
  absl::Time deadline() const { return deadline_; }

 private:
  Clock& clock_;
  absl::Time last_;
  absl::Time deadline_;
};

}  // namespace ragpipe::internal
