// Dead letters that are tried again: those that the host chose, or those whose time has come.
#include "engine/redelivery.h"

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "engine/intake.h"
#include "engine/ledger_scan.h"
#include "ragpipe/ledger.h"
#include "ragpipe/retry.h"

namespace ragpipe::internal {
namespace {

/// Without a body there is nothing to read again by: the id is that of a place in the feed.
bool CanRetry(const DeadLetter& letter) { return letter.stage != Stage::kRead || letter.document.has_value(); }

bool Matches(const DeadLetterFilter& filter, const DeadLetter& letter) {
  const std::vector<std::string>& ids = filter.document_ids;
  return (!filter.stage.has_value() || *filter.stage == letter.stage) &&
         (!filter.code.has_value() || *filter.code == letter.reason.code()) &&
         (ids.empty() || std::find(ids.begin(), ids.end(), letter.document_id) != ids.end());
}

Change ToChange(DeadLetter& letter) {
  Change change;
  change.kind = letter.is_delete ? Change::Kind::kDelete : Change::Kind::kUpsert;
  change.document_id = std::move(letter.document_id);
  change.version = std::move(letter.version);
  change.partition = std::move(letter.partition);
  change.document = std::move(letter.document);
  if (change.document.has_value()) change.updated_at = change.document->updated_at;
  return change;
}

}  // namespace

absl::Time NextAttempt(const DeadLetterOptions& options, const absl::Status& reason, int attempts, absl::Time now) {
  if (!IsTransient(reason)) return absl::InfiniteFuture();
  const double growth = std::pow(2.0, std::min(attempts - 1, 60));
  return now + std::min(options.max_retry, options.first_retry * growth);
}

absl::Time DueTime(const DeadLetterOptions& options, const DeadLetter& letter) {
  return std::min(letter.next_attempt, letter.first_failure + options.expire_after);
}

absl::Status Intake::Replay(const DeadLetterFilter& filter) {
  return RetryLetters([&filter](const DeadLetter& letter) { return Matches(filter, letter); });
}

bool Intake::AreLettersDue(absl::Duration for_at_least) const {
  MutexLock lock(state_.mutex);
  const absl::Time due = std::max(state_.letters_due, state_.report.started);
  return due < absl::InfiniteFuture() && due + for_at_least <= state_.clock.Now();
}

absl::Status Intake::RetryDueLetters() {
  if (!WaitForDrain()) return absl::OkStatus();  // what is in work may clear a letter, or be one
  const DeadLetterOptions& options = state_.options.dead_letters;
  const absl::Time now = state_.clock.Now();
  {
    MutexLock lock(state_.mutex);
    state_.letters_due = absl::InfiniteFuture();
  }
  return RetryLetters([&](const DeadLetter& letter) {
    MutexLock lock(state_.mutex);
    if (letter.first_failure + options.expire_after <= now) {
      if (state_.DropLetter(letter.document_id)) ++state_.report.expired_letters;
      return false;
    }
    if (letter.next_attempt <= now) return true;
    state_.letters_due = std::min(state_.letters_due, DueTime(options, letter));
    return false;
  });
}

absl::Status Intake::RetryLetters(absl::FunctionRef<bool(const DeadLetter&)> is_wanted) {
  return ForEachDeadLetterPage(state_, [&](std::vector<DeadLetter>& page) -> absl::Status {
    std::vector<Change> changes;
    for (DeadLetter& letter : page) {
      if (!is_wanted(letter) || !CanRetry(letter)) continue;
      MutexLock lock(state_.mutex);
      // A newer change may be in work, or have cleared the letter since the page was read: an old body must not follow it.
      if (state_.order.IsBusy(letter.document_id) || state_.FindLetter(letter.document_id) == nullptr) continue;
      changes.push_back(ToChange(letter));
    }
    return AdmitChanges(changes, Origin::kDeadLetter);
  });
}

}  // namespace ragpipe::internal
