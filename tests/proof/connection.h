#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <openssl/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ragpipe::proof {

using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kNever = Deadline::max();

/// The two ends of TLS on loopback: a certificate made in memory, and a client that trusts no other.
struct TlsPair {
  std::shared_ptr<SSL_CTX> server;
  std::shared_ptr<SSL_CTX> client;
};
TlsPair MakeTlsPair();

/// One TCP connection, with TLS on it after StartTls(). Errors: kUnavailable when it is refused, reset, cut or at its end,
/// kDeadlineExceeded. Threading: one thread at a time.
class Connection final {
 public:
  explicit Connection(int fd);  ///< takes a connected socket
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static absl::StatusOr<std::unique_ptr<Connection>> Open(int port, Deadline deadline);

  absl::Status StartTls(SSL_CTX* context, bool is_server, Deadline deadline);

  absl::Status Send(std::string_view bytes, Deadline deadline) { return SendRaw(Seal(bytes), deadline); }
  absl::Status Receive(Deadline deadline);  ///< appends to `received`, at least a byte

  std::string Seal(std::string_view bytes);  ///< as they go over the wire: records of TLS, where there is TLS
  absl::Status SendRaw(std::string_view wire_bytes, Deadline deadline);
  absl::Status ReceiveRaw(std::string& wire_bytes, Deadline deadline, std::size_t most = 16384);

  void ResetAtEnd();               ///< ends with RST instead of FIN
  bool IsGone(int wait_ms) const;  ///< the other end closed; waits so long for it
  int fd() const { return fd_; }

  std::string received;  ///< and not yet read by anybody

 private:
  absl::Status Wait(short events, Deadline deadline) const;

  const int fd_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
};

/// Listens on an ephemeral port of loopback and serves each connection on a thread of its own; ends them all with itself.
class Acceptor final {
 public:
  explicit Acceptor(std::function<void(Connection&)> serve);
  ~Acceptor();

  int port() const { return port_; }

 private:
  void Accept();

  const std::function<void(Connection&)> serve_;
  int port_ = 0;
  const int listener_;
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  std::set<int> open_;  // guarded by mutex_
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

/// A port of loopback that refuses connections, kept from others.
class ClosedPort final {
 public:
  ClosedPort();
  ~ClosedPort();
  int port() const { return port_; }

 private:
  int port_ = 0;
  const int fd_;
};

}  // namespace ragpipe::proof
