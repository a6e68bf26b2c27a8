#include "proof/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::proof {
namespace {

absl::Status Broken(std::string_view what, int error) {
  return absl::UnavailableError(fmt::format("{}: {}", what, std::strerror(error)));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int BoundSocket(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

TlsPair MakeTlsPair() {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("loopback"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());

  TlsPair pair{{SSL_CTX_new(TLS_server_method()), SSL_CTX_free}, {SSL_CTX_new(TLS_client_method()), SSL_CTX_free}};
  SSL_CTX_use_certificate(pair.server.get(), certificate.get());
  SSL_CTX_use_PrivateKey(pair.server.get(), key.get());
  SSL_CTX_set_num_tickets(pair.server.get(), 0);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(pair.client.get()), certificate.get());
  SSL_CTX_set_verify(pair.client.get(), SSL_VERIFY_PEER, nullptr);
  return pair;
}

Connection::Connection(int fd) : fd_(fd), tls_(nullptr, SSL_free) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() { close(fd_); }

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(int port, Deadline deadline) {
  auto connection = std::make_unique<Connection>(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (connect(connection->fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) return Broken("connect", errno);
    RAGPIPE_RETURN_IF_ERROR(connection->Wait(POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return Broken("connect", error);
  }
  return connection;
}

absl::Status Connection::StartTls(SSL_CTX* context, bool is_server, Deadline deadline) {
  tls_.reset(SSL_new(context));
  SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));  // the engine of TLS alone: bytes are moved here
  is_server ? SSL_set_accept_state(tls_.get()) : SSL_set_connect_state(tls_.get());
  while (true) {
    ERR_clear_error();
    const int code = SSL_do_handshake(tls_.get());
    const int error = SSL_get_error(tls_.get(), code);
    RAGPIPE_RETURN_IF_ERROR(SendRaw(Seal({}), deadline));
    if (code == 1) return absl::OkStatus();
    if (error != SSL_ERROR_WANT_READ) return absl::UnavailableError("the TLS handshake failed");
    std::string bytes;
    RAGPIPE_RETURN_IF_ERROR(ReceiveRaw(bytes, deadline));
    BIO_write(SSL_get_rbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
  }
}

absl::Status Connection::Receive(Deadline deadline) {
  if (tls_ == nullptr) return ReceiveRaw(received, deadline);
  while (true) {
    char plain[16384];
    ERR_clear_error();
    const int size = SSL_read(tls_.get(), plain, sizeof plain);
    if (size > 0) {
      received.append(plain, static_cast<std::size_t>(size));
      return absl::OkStatus();
    }
    if (SSL_get_error(tls_.get(), size) != SSL_ERROR_WANT_READ) return absl::UnavailableError("no TLS record, or its end");
    std::string bytes;
    RAGPIPE_RETURN_IF_ERROR(ReceiveRaw(bytes, deadline));  // an end of TCP here is a cut: TLS has an end of its own
    BIO_write(SSL_get_rbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
  }
}

std::string Connection::Seal(std::string_view bytes) {
  if (tls_ == nullptr) return std::string(bytes);
  ERR_clear_error();
  if (!bytes.empty()) SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
  BIO* const out = SSL_get_wbio(tls_.get());
  std::string sealed(BIO_ctrl_pending(out), '\0');
  if (!sealed.empty()) BIO_read(out, sealed.data(), static_cast<int>(sealed.size()));
  return sealed;
}

absl::Status Connection::SendRaw(std::string_view wire_bytes, Deadline deadline) {
  while (!wire_bytes.empty()) {
    const ssize_t sent = send(fd_, wire_bytes.data(), wire_bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      wire_bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      RAGPIPE_RETURN_IF_ERROR(Wait(POLLOUT, deadline));
    } else {
      return Broken("send", errno);
    }
  }
  return absl::OkStatus();
}

absl::Status Connection::ReceiveRaw(std::string& wire_bytes, Deadline deadline, std::size_t most) {
  std::string bytes(most, '\0');
  while (true) {
    const ssize_t size = recv(fd_, bytes.data(), bytes.size(), 0);
    if (size > 0) {
      wire_bytes.append(bytes, 0, static_cast<std::size_t>(size));
      return absl::OkStatus();
    }
    if (size == 0) return absl::UnavailableError("the connection ended");
    if (errno != EAGAIN && errno != EINTR) return Broken("recv", errno);
    RAGPIPE_RETURN_IF_ERROR(Wait(POLLIN, deadline));
  }
}

absl::Status Connection::Wait(short events, Deadline deadline) const {
  int wait_ms = -1;
  if (deadline != kNever) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
  }
  pollfd waited{fd_, events, 0};
  if (poll(&waited, 1, wait_ms) == 0) return absl::DeadlineExceededError("no answer in time");
  return absl::OkStatus();
}

void Connection::ResetAtEnd() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool Connection::IsGone(int wait_ms) const {
  pollfd waited{fd_, POLLRDHUP, 0};
  return poll(&waited, 1, wait_ms) > 0;
}

Acceptor::Acceptor(std::function<void(Connection&)> serve) : serve_(std::move(serve)), listener_(BoundSocket(port_)) {
  listen(listener_, SOMAXCONN);
  accepting_ = std::thread([this] { Accept(); });
}

Acceptor::~Acceptor() {
  is_ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

void Acceptor::Accept() {
  while (!is_ending_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    open_.insert(fd);
    threads_.emplace_back([this, fd] {
      Connection connection(fd);
      serve_(connection);
      const std::lock_guard guard(mutex_);
      open_.erase(fd);  // before another connection can have its number
    });
  }
}

ClosedPort::ClosedPort() : fd_(BoundSocket(port_)) {}
ClosedPort::~ClosedPort() { close(fd_); }

}  // namespace ragpipe::proof
