#include "fs/sha256.h"

#include <openssl/evp.h>

#include <array>

namespace ragpipe::fs {
namespace {

// Fetched once: an implicit fetch in every digest costs more than hashing a line.
const EVP_MD* Algorithm() {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return sha256;
}

}  // namespace

struct Sha256::Context {
  Context() : running(EVP_MD_CTX_new()), finished(EVP_MD_CTX_new()) {}
  ~Context() {
    EVP_MD_CTX_free(running);
    EVP_MD_CTX_free(finished);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* running;
  EVP_MD_CTX* finished;  // kept, so that Hex() need not allocate one
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { EVP_DigestInit_ex(context_->running, Algorithm(), nullptr); }

Sha256::Sha256(const Sha256& other) : context_(std::make_unique<Context>()) {
  EVP_MD_CTX_copy_ex(context_->running, other.context_->running);
}

Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) { EVP_DigestUpdate(context_->running, bytes.data(), bytes.size()); }

std::string Sha256::Hex(std::size_t digits) const {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_MD_CTX_copy_ex(context_->finished, context_->running);
  EVP_DigestFinal_ex(context_->finished, digest.data(), nullptr);
  std::string hex(digits, '0');
  for (std::size_t i = 0; i < digits; ++i) hex[i] = kHex[(digest[i / 2] >> (i % 2 == 0 ? 4U : 0U)) & 0xFU];
  return hex;
}

}  // namespace ragpipe::fs
