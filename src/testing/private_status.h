#pragma once

#include <absl/status/status.h>

#include "ragpipe/ledger.h"
#include "ragpipe/retry.h"
#include "ragpipe/source.h"

namespace ragpipe::testing {

/// A status that shares nothing with `status`. Copies share a reference count inside Abseil, and where that is not built with
/// the thread sanitizer, two threads that each hold a copy look like a race.
inline absl::Status PrivateStatus(const absl::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(status.code(), status.message());
  if (const auto pause = GetRetryAfter(status)) SetRetryAfter(result, *pause);
  return result;
}

inline DeadLetter PrivateCopy(const DeadLetter& letter) {
  return {.document_id = letter.document_id,
          .is_delete = letter.is_delete,
          .version = letter.version,
          .partition = letter.partition,
          .stage = letter.stage,
          .reason = PrivateStatus(letter.reason),
          .attempts = letter.attempts,
          .first_failure = letter.first_failure,
          .last_failure = letter.last_failure,
          .next_attempt = letter.next_attempt,
          .document = letter.document};
}

inline Event PrivateCopy(const Event& event) {
  if (const auto* bad = std::get_if<BadChange>(&event)) {
    return BadChange{bad->document_id, PrivateStatus(bad->reason), bad->partition, bad->resume_after};
  }
  if (const auto* incomplete = std::get_if<SnapshotIncomplete>(&event)) {
    return SnapshotIncomplete{incomplete->partition, PrivateStatus(incomplete->reason)};
  }
  return event;
}

}  // namespace ragpipe::testing
