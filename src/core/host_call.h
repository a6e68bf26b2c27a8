#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

namespace ragpipe::internal {

/// Calls into a host's stage: an exception that escapes it becomes kInternal. `what` names the call: "Embedder::Embed".
template <class F>
std::invoke_result_t<F> GuardHostCall(std::string_view what, F&& call) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return absl::InternalError(fmt::format("{} threw an exception: {}", what, exception.what()));
  } catch (...) {
    return absl::InternalError(fmt::format("{} threw an exception that is no std::exception", what));
  }
}

/// A status of its own: copies share a counter inside Abseil, and two threads must not hold the same one.
inline absl::Status Rebuilt(const absl::Status& status) {
  return absl::Status(status.code(), std::string(status.message()));
}

/// `status` with `prefix` before its message; payloads are kept.
inline absl::Status Annotated(std::string_view prefix, const absl::Status& status) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), fmt::format("{}: {}", prefix, std::string(status.message())));
  status.ForEachPayload([&annotated](auto url, const auto& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

}  // namespace ragpipe::internal
