#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ragpipe::text::internal {

/// SHA-256 (FIPS 180-4) over a sequence of fields, each preceded by its length: no two sequences run together to the same
/// bytes. Inline, because components do not see each other's private symbols.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

  Sha256& Add(std::string_view field) {
    Add(std::uint64_t{field.size()});
    EVP_DigestUpdate(context_.get(), field.data(), field.size());
    return *this;
  }

  Sha256& Add(std::uint64_t field) {
    std::array<unsigned char, 8> bytes;  // little-endian on every machine
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(field >> (8 * i));
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    return *this;
  }

  /// The first 8 bytes of the digest as 16 hexadecimal digits; once.
  std::string ShortHex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    constexpr char kHex[] = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < 8; ++i) {
      hex += kHex[digest[i] >> 4U];
      hex += kHex[digest[i] & 0xFU];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace ragpipe::text::internal
