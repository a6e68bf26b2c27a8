#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "ragpipe/ledger.h"
#include "ragpipe/options.h"

namespace ragpipe::internal {

/// When a change that failed `attempts` times is tried again by itself: capped exponential backoff, or never.
absl::Time NextAttempt(const DeadLetterOptions& options, const absl::Status& reason, int attempts, absl::Time now);

/// When something must be done about a dead letter: tried again, or dropped.
absl::Time DueTime(const DeadLetterOptions& options, const DeadLetter& letter);

}  // namespace ragpipe::internal
