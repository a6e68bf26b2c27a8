#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace ragpipe::fs {

/// SHA-256 (FIPS 180-4) of bytes in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);

  /// The first `digits` (at most 64) hexadecimal digits of the digest of all that was added; more may be added after.
  std::string Hex(std::size_t digits) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace ragpipe::fs
