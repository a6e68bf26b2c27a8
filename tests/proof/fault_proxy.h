#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string_view>
#include <vector>

#include "proof/connection.h"
#include "proof/http.h"

namespace ragpipe::proof {

/// What can happen to a connection, or to one request and its answer.
enum class NetworkFault {
  kNoName,           ///< the name of the service is not resolved
  kRefused,          ///< the connection is refused
  kCutHandshake,     ///< the connection ends within the handshake of TLS; without TLS, before the first request
  kResetBefore,      ///< RST, and the service never saw the request
  kClosedInRequest,  ///< the end, while the request is still on its way
  kLate,             ///< silence; the service gets the request after some that follow
  kResetAfter,       ///< RST; the service has done what was asked
  kStall,            ///< done, and then not a byte
  kHalfThenClosed,   ///< half of the answer; with TLS cut within a record
  kHalfThenReset,
  kSlowLoris,       ///< the answer comes byte by byte, slower than anybody waits
  kTwoResponses,    ///< the answer comes twice
  kRequestTwice,    ///< the service gets the request twice
  kGarbage,         ///< something else than HTTP
  kShortLength,     ///< Content-Length says half of the body
  kWrongCount,      ///< a vector too few, where there are any
  kBusy,            ///< 429 with a pause, not done
  kDown,            ///< 503, not done
  kGatewayTimeout,  ///< 504, and done
  kNone,            ///< passes; also the number of faults
};
constexpr std::size_t kFaults = static_cast<std::size_t>(NetworkFault::kNone);
std::string_view ToString(NetworkFault fault);

/// Stands before a service and lets happen to what passes what its seed says: single faults, and storms of one fault. The seed
/// decides the order of faults; which request meets which one is a matter of time.
/// Threading: from any thread.
class FaultProxy final {
 public:
  /// `tls`: of the client's side; null = without.
  FaultProxy(int service_port, std::shared_ptr<SSL_CTX> tls, std::uint64_t seed);
  ~FaultProxy();

  /// The part of connections and requests that begin a fault from now on, in [0, 1].
  void Begin(double rate);

  /// From now on all passes, and what stalls is cut off. What is late still arrives.
  void Heal();

  /// The port to connect to, as a resolver of names would say: at times no port, or one that refuses.
  absl::StatusOr<int> Resolve();

  std::array<std::uint64_t, kFaults> counts() const;

 private:
  struct Script {
    std::mt19937_64 random;
    NetworkFault storm = NetworkFault::kNone;
    std::uint64_t storm_left = 0;
  };

  struct Late {
    HttpMessage request;
    std::uint64_t after = 0;  // so many others
  };

  NetworkFault Next(Script& script, NetworkFault first, NetworkFault last);
  void Serve(Connection& client);
  bool Exchange(Connection& client, std::unique_ptr<Connection>& service);
  bool Answer(Connection& client, NetworkFault fault, HttpMessage response);
  absl::StatusOr<HttpMessage> Forward(std::unique_ptr<Connection>& service, const HttpMessage& request);
  void DeliverLate(std::unique_ptr<Connection>& service);
  void AwaitEnd(const Connection& client) const;

  const int service_port_;
  const std::shared_ptr<SSL_CTX> tls_;
  const ClosedPort closed_port_;
  std::atomic<bool> heals_{true};
  mutable std::mutex mutex_;
  double rate_ = 0;  // guarded by mutex_, as what follows
  Script resolving_;
  Script shaking_hands_;
  Script exchanging_;
  std::vector<Late> late_;
  std::array<std::uint64_t, kFaults> counts_{};
  Acceptor acceptor_;  // last: it ends before the rest goes
};

}  // namespace ragpipe::proof
