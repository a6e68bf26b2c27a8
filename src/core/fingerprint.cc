#include "core/fingerprint.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace ragpipe::internal {
namespace {

// Fetched once: an implicit fetch in every digest costs more than hashing a chunk.
const EVP_MD* Sha256() {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return sha256;
}

constexpr std::size_t kDigestBytes = 16;
constexpr char kHexDigits[] = "0123456789abcdef";

}  // namespace

struct Fingerprint::Context {
  Context() : digest(EVP_MD_CTX_new()) { EVP_DigestInit_ex(digest, Sha256(), nullptr); }
  ~Context() { EVP_MD_CTX_free(digest); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* digest;
};

Fingerprint::Fingerprint() : context_(std::make_unique<Context>()) {}
Fingerprint::Fingerprint(const Fingerprint& other) : context_(std::make_unique<Context>()) {
  EVP_MD_CTX_copy_ex(context_->digest, other.context_->digest);
}
Fingerprint::~Fingerprint() = default;

void Fingerprint::Update(const void* data, std::size_t size) { EVP_DigestUpdate(context_->digest, data, size); }

Fingerprint& Fingerprint::Add(std::uint64_t field) {
  std::array<unsigned char, 8> bytes;  // little-endian on every machine
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(field >> (8 * i));
  Update(bytes.data(), bytes.size());
  return *this;
}

Fingerprint& Fingerprint::Add(std::string_view field) {
  Add(std::uint64_t{field.size()});
  Update(field.data(), field.size());
  return *this;
}

Fingerprint& Fingerprint::Add(const Metadata& metadata) {
  Add(std::uint64_t{metadata.size()});
  for (const auto& [name, value] : metadata) {
    Add(name);
    Add(std::uint64_t{value.index()});
    std::visit(
        [this](const auto& alternative) {
          using T = std::decay_t<decltype(alternative)>;
          if constexpr (std::is_same_v<T, std::string>) {
            Add(std::string_view(alternative));
          } else if constexpr (std::is_same_v<T, double>) {
            Add(std::bit_cast<std::uint64_t>(alternative));
          } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            Add(std::uint64_t{alternative.size()});
            for (const std::string& item : alternative) Add(std::string_view(item));
          } else {
            Add(static_cast<std::uint64_t>(alternative));
          }
        },
        value);
  }
  return *this;
}

std::string Fingerprint::Digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_->digest, bytes.data(), &size);
  return std::string(reinterpret_cast<const char*>(bytes.data()), kDigestBytes);
}

std::string Fingerprint::Hex() {
  std::string hex;
  for (const char c : Digest()) {
    const unsigned byte = static_cast<unsigned char>(c);
    hex += kHexDigits[byte >> 4U];
    hex += kHexDigits[byte & 0xFU];
  }
  return hex;
}

std::string ToUuid(std::string_view digest) {
  std::string uuid;
  uuid.reserve(36);
  for (std::size_t i = 0; i < kDigestBytes; ++i) {
    unsigned byte = static_cast<unsigned char>(digest[i]);
    if (i == 6) byte = (byte & 0x0FU) | 0x80U;  // version 8
    if (i == 8) byte = (byte & 0x3FU) | 0x80U;  // variant
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += kHexDigits[byte >> 4U];
    uuid += kHexDigits[byte & 0xFU];
  }
  return uuid;
}

}  // namespace ragpipe::internal
