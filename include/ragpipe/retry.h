#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>

#include "ragpipe/export.h"

namespace ragpipe {

/// Capped exponential backoff with full jitter: the n-th pause is uniform in [0, min(max_backoff, initial_backoff * 2^n)]
/// (M. Brooker, "Exponential Backoff And Jitter", 2015). "Retry after" replaces it.
struct RetryOptions {
  /// Of one call, the first included; then the error ends the run. Not of reading or splitting one document, which is set
  /// aside; nor, in a continuous run, of embedder calls while the embedder answers nobody: it is probed until it does.
  int max_attempts = 8;
  absl::Duration initial_backoff = absl::Milliseconds(200);
  absl::Duration max_backoff = absl::Seconds(30);
  absl::Duration max_retry_after = absl::Minutes(2);  ///< a longer "retry after" is cut to this
};

/// kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted: the same call may succeed later.
RAGPIPE_EXPORT bool IsTransient(const absl::Status& status);

/// kInvalidArgument, kOutOfRange, kDataLoss: this item is bad; others are not.
RAGPIPE_EXPORT bool IsBadItem(const absl::Status& status);

/// Attaches the pause that a service asked for. `status` must not be OK.
RAGPIPE_EXPORT void SetRetryAfter(absl::Status& status, absl::Duration pause);

RAGPIPE_EXPORT std::optional<absl::Duration> GetRetryAfter(const absl::Status& status);

}  // namespace ragpipe
