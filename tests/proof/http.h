#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proof/connection.h"

namespace ragpipe::proof {

struct HttpMessage {
  std::string start;                           ///< the request line or status line
  std::map<std::string, std::string> headers;  ///< names in lower case, as all here are written
  std::string body;

  std::string Header(const std::string& name) const;
};

std::optional<std::uint64_t> ToNumber(std::string_view digits);

std::string ToWire(const HttpMessage& message);  ///< with Content-Length

/// Reads one message and leaves what follows in `connection.received`. Only Content-Length says where a body ends.
absl::StatusOr<HttpMessage> ReadMessage(Connection& connection, Deadline deadline);

}  // namespace ragpipe::proof
