#include "ragpipe/retry.h"
#include "support/catch.h"

using namespace ragpipe;

TEST_CASE("the pause a service asked for travels with the status") {
  absl::Status status = absl::ResourceExhaustedError("slow down");
  CHECK_FALSE(GetRetryAfter(status).has_value());
  SetRetryAfter(status, absl::Milliseconds(1500));
  CHECK(GetRetryAfter(status) == absl::Milliseconds(1500));
  const absl::Status copy = status;
  CHECK(GetRetryAfter(copy) == absl::Milliseconds(1500));
  CHECK_FALSE(GetRetryAfter(absl::OkStatus()).has_value());
}

TEST_CASE("the code of an error says whether to try again, set the item aside, or stop") {
  for (const absl::Status& status : {absl::UnavailableError(""), absl::ResourceExhaustedError(""),
                                     absl::DeadlineExceededError(""), absl::AbortedError("")}) {
    CHECK(IsTransient(status));
    CHECK_FALSE(IsBadItem(status));
  }
  for (const absl::Status& status : {absl::InvalidArgumentError(""), absl::OutOfRangeError(""), absl::DataLossError("")}) {
    CHECK_FALSE(IsTransient(status));
    CHECK(IsBadItem(status));
  }
  for (const absl::Status& status :
       {absl::OkStatus(), absl::InternalError(""), absl::PermissionDeniedError(""), absl::FailedPreconditionError(""),
        absl::NotFoundError(""), absl::UnauthenticatedError(""), absl::UnimplementedError(""), absl::CancelledError("")}) {
    CHECK_FALSE(IsTransient(status));
    CHECK_FALSE(IsBadItem(status));
  }
}
