#include "ragpipe/retry.h"

#include <absl/status/status.h>
#include <absl/strings/cord.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

namespace ragpipe {
namespace {

constexpr char kRetryAfterUrl[] = "type.ragpipe/retry_after";

}  // namespace

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

bool IsBadItem(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

void SetRetryAfter(absl::Status& status, absl::Duration pause) {
  status.SetPayload(kRetryAfterUrl, absl::Cord(absl::FormatDuration(pause)));
}

std::optional<absl::Duration> GetRetryAfter(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryAfterUrl);
  absl::Duration pause;
  if (!payload.has_value() || !absl::ParseDuration(std::string(*payload), &pause)) return std::nullopt;
  return pause;
}

}  // namespace ragpipe
