#include "proof/http.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <sstream>

#include "core/status_macros.h"

namespace ragpipe::proof {
namespace {

constexpr std::size_t kMostHeadBytes = 16384;
constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20;

}  // namespace

std::optional<std::uint64_t> ToNumber(std::string_view digits) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::string HttpMessage::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string ToWire(const HttpMessage& message) {
  std::string wire = message.start + "\r\n";
  for (const auto& [name, value] : message.headers) {
    if (name != "content-length") wire += fmt::format("{}: {}\r\n", name, value);
  }
  return wire + fmt::format("content-length: {}\r\n\r\n", message.body.size()) + message.body;
}

absl::StatusOr<HttpMessage> ReadMessage(Connection& connection, Deadline deadline) {
  std::string& in = connection.received;
  std::size_t head = 0;
  while ((head = in.find("\r\n\r\n")) == std::string::npos) {
    if (in.size() > kMostHeadBytes) return absl::UnavailableError("not HTTP: the head has no end");
    RAGPIPE_RETURN_IF_ERROR(connection.Receive(deadline));
  }
  HttpMessage message;
  std::string text = in.substr(0, head);
  std::erase(text, '\r');
  std::istringstream lines(text);
  std::getline(lines, message.start);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = std::min(line.find(": "), line.size());
    message.headers[line.substr(0, colon)] = line.substr(std::min(colon + 2, line.size()));
  }
  const std::size_t size = ToNumber(message.Header("content-length")).value_or(SIZE_MAX);
  if (size > kMostBodyBytes) return absl::UnavailableError("not HTTP: no Content-Length");
  head += 4;
  while (in.size() < head + size) RAGPIPE_RETURN_IF_ERROR(connection.Receive(deadline));
  message.body = in.substr(head, size);
  in.erase(0, head + size);
  return message;
}

}  // namespace ragpipe::proof
