#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ragpipe/export.h"
#include "ragpipe/metadata.h"

namespace ragpipe::internal {

/// SHA-256 (FIPS 180-4) over a sequence of fields. Every field is preceded by its length, so that no two sequences run
/// together to the same bytes. Exported for the other components, not for hosts.
class RAGPIPE_EXPORT Fingerprint {
 public:
  Fingerprint();
  Fingerprint(const Fingerprint& other);
  Fingerprint& operator=(const Fingerprint&) = delete;
  ~Fingerprint();

  Fingerprint& Add(std::string_view field);
  Fingerprint& Add(std::uint64_t field);
  Fingerprint& Add(const Metadata& metadata);

  /// The first 16 bytes of the digest; nothing may be added after.
  std::string Digest();

  /// The same as 32 hexadecimal digits.
  std::string Hex();

 private:
  void Update(const void* data, std::size_t size);

  struct Context;
  std::unique_ptr<Context> context_;
};

/// 16 bytes as the text of a UUID of version 8 (RFC 9562, section 5.8): stores that take only UUIDs take these ids.
std::string ToUuid(std::string_view digest);

}  // namespace ragpipe::internal
