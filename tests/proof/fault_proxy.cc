#include "proof/fault_proxy.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "proof/http_messages.h"

namespace ragpipe::proof {
namespace {

using namespace std::string_view_literals;

constexpr int kPollMs = 5;
constexpr std::uint64_t kLongestStorm = 10;
constexpr std::uint64_t kLatest = 30;                                                         // requests that go before
constexpr std::string_view kGarbageBytes = "\x15\x03\x01\0\x02\x02\x28 220 ready\r\n\r\n"sv;  // an alert of TLS; SMTP

HttpMessage Refusal(const HttpMessage& request, std::string_view code) {
  return {fmt::format("HTTP/1.1 {} -", code), {{"x-request-id", request.Header("x-request-id")}}, "busy"};
}

std::string WithoutLastVector(const std::string& body) {
  nlohmann::json json = FromBody(body);
  if (json.contains("vectors") && !json["vectors"].empty()) json["vectors"].erase(json["vectors"].size() - 1);
  return ToBody(json);
}

}  // namespace

std::string_view ToString(NetworkFault fault) {
  constexpr std::array<std::string_view, kFaults + 1> kNames = {
      "no name",     "refused",       "cut handshake", "reset before", "closed in the request",
      "late",        "reset after",   "stall",         "half, closed", "half, reset",
      "slow loris",  "two responses", "request twice", "garbage",      "short length",
      "wrong count", "429",           "503",           "504",          "none"};
  return kNames[static_cast<std::size_t>(fault)];
}

FaultProxy::FaultProxy(int service_port, std::shared_ptr<SSL_CTX> tls, std::uint64_t seed)
    : service_port_(service_port), tls_(std::move(tls)), acceptor_([this](Connection& client) { Serve(client); }) {
  std::uint64_t number = seed * 3;
  for (Script* const script : {&resolving_, &shaking_hands_, &exchanging_}) script->random.seed(number++);
}

FaultProxy::~FaultProxy() { heals_ = true; }

void FaultProxy::Begin(double rate) {
  const std::lock_guard lock(mutex_);
  rate_ = rate;
  heals_ = false;
}

void FaultProxy::Heal() {
  {
    const std::lock_guard lock(mutex_);
    rate_ = 0;
    for (Script* const script : {&resolving_, &shaking_hands_, &exchanging_}) script->storm_left = 0;
  }
  heals_ = true;
}

absl::StatusOr<int> FaultProxy::Resolve() {
  const NetworkFault fault = Next(resolving_, NetworkFault::kNoName, NetworkFault::kRefused);
  if (fault == NetworkFault::kNoName) return absl::UnavailableError("the name of the service is not resolved: try again");
  return fault == NetworkFault::kRefused ? closed_port_.port() : acceptor_.port();
}

std::array<std::uint64_t, kFaults> FaultProxy::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

NetworkFault FaultProxy::Next(Script& script, NetworkFault first, NetworkFault last) {
  const std::lock_guard lock(mutex_);
  if (script.storm_left == 0) {
    if (static_cast<double>(script.random() >> 11) * 0x1p-53 >= rate_) return NetworkFault::kNone;
    const auto begin = static_cast<std::uint64_t>(first);
    script.storm = static_cast<NetworkFault>(begin + script.random() % (static_cast<std::uint64_t>(last) - begin + 1));
    script.storm_left = script.random() % 4 == 0 ? 1 + script.random() % kLongestStorm : 1;
  }
  --script.storm_left;
  ++counts_[static_cast<std::size_t>(script.storm)];
  return script.storm;
}

void FaultProxy::Serve(Connection& client) {
  if (Next(shaking_hands_, NetworkFault::kCutHandshake, NetworkFault::kCutHandshake) == NetworkFault::kCutHandshake) {
    std::string hello;
    if (tls_ != nullptr && client.ReceiveRaw(hello, kNever).ok()) client.SendRaw("\x16\x03\x03", kNever).IgnoreError();
    return;
  }
  if (tls_ != nullptr && !client.StartTls(tls_.get(), /*is_server=*/true, kNever).ok()) return;
  std::unique_ptr<Connection> service;
  while (Exchange(client, service)) {
  }
}

/// False = the connection is used up.
bool FaultProxy::Exchange(Connection& client, std::unique_ptr<Connection>& service) {
  if (client.received.empty() && !client.Receive(kNever).ok()) return false;
  const NetworkFault fault = Next(exchanging_, NetworkFault::kResetBefore, NetworkFault::kGatewayTimeout);
  if (fault == NetworkFault::kClosedInRequest) return false;
  const absl::StatusOr<HttpMessage> request = ReadMessage(client, kNever);
  if (!request.ok()) return false;
  if (fault == NetworkFault::kResetBefore) {
    client.ResetAtEnd();
    return false;
  }
  if (fault == NetworkFault::kLate) {
    {
      const std::lock_guard lock(mutex_);
      late_.push_back({*request, 1 + exchanging_.random() % kLatest});
    }
    AwaitEnd(client);
    return false;
  }
  if (fault == NetworkFault::kDown) return client.Send(ToWire(Refusal(*request, "503")), kNever).ok();
  if (fault == NetworkFault::kBusy) {
    HttpMessage busy = Refusal(*request, "429");
    busy.headers["retry-after-ms"] = "12";  // longer than the engine would wait of its own
    return client.Send(ToWire(busy), kNever).ok();
  }
  absl::StatusOr<HttpMessage> response = Forward(service, *request);
  if (fault == NetworkFault::kRequestTwice && response.ok()) response = Forward(service, *request);
  if (!response.ok()) return false;
  DeliverLate(service);
  if (fault == NetworkFault::kGatewayTimeout) return client.Send(ToWire(Refusal(*request, "504")), kNever).ok();
  return Answer(client, fault, *std::move(response));
}

bool FaultProxy::Answer(Connection& client, NetworkFault fault, HttpMessage response) {
  if (fault == NetworkFault::kGarbage) return client.SendRaw(kGarbageBytes, kNever).ok();
  if (fault == NetworkFault::kWrongCount) response.body = WithoutLastVector(response.body);
  std::string text = ToWire(response);
  if (fault == NetworkFault::kShortLength) {
    const std::string length = std::to_string(response.body.size());
    text.replace(text.find("content-length: ") + 16, length.size(), std::to_string(response.body.size() / 2));
  }
  const std::string wire = client.Seal(text);
  switch (fault) {
    case NetworkFault::kResetAfter:
      client.ResetAtEnd();
      return false;
    case NetworkFault::kStall:
      AwaitEnd(client);
      return false;
    case NetworkFault::kHalfThenReset:
      client.ResetAtEnd();
      [[fallthrough]];
    case NetworkFault::kHalfThenClosed:
      client.SendRaw(std::string_view(wire).substr(0, wire.size() / 2), kNever).IgnoreError();
      return false;
    case NetworkFault::kSlowLoris:
      for (const char byte : wire) {
        if (!client.SendRaw({&byte, 1}, kNever).ok() || client.IsGone(kPollMs) || heals_) break;
      }
      return false;
    case NetworkFault::kTwoResponses:
      return client.SendRaw(wire + client.Seal(text), kNever).ok();
    default:
      return client.SendRaw(wire, kNever).ok();
  }
}

absl::StatusOr<HttpMessage> FaultProxy::Forward(std::unique_ptr<Connection>& service, const HttpMessage& request) {
  if (service == nullptr) {
    RAGPIPE_ASSIGN_OR_RETURN(service, Connection::Open(service_port_, kNever));
  }
  RAGPIPE_RETURN_IF_ERROR(service->Send(ToWire(request), kNever));
  return ReadMessage(*service, kNever);
}

void FaultProxy::DeliverLate(std::unique_ptr<Connection>& service) {
  std::vector<HttpMessage> due;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(late_, [&due](Late& late) {
      if (--late.after == 0) due.push_back(late.request);
      return late.after == 0;
    });
  }
  for (const HttpMessage& request : due) Forward(service, request).IgnoreError();
}

/// Until the client has had enough.
void FaultProxy::AwaitEnd(const Connection& client) const {
  while (!heals_ && !client.IsGone(kPollMs)) {
  }
}

}  // namespace ragpipe::proof
