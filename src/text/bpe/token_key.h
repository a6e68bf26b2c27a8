#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ragpipe::text::internal {

/// Up to 15 bytes as one number: padded with zeros, the length in the low half of the last byte.
struct TokenKey {
  static constexpr std::size_t kMaxBytes = 15;

  std::uint64_t low;
  std::uint64_t high;

  friend bool operator==(const TokenKey&, const TokenKey&) = default;
};

namespace token_key {
inline constexpr auto kMasks = [] {
  struct Masks {
    std::uint64_t low[17];
    std::uint64_t high[17];
  } masks{};  // all zeros for 16, which stands for "longer"
  for (unsigned n = 0; n < 16; ++n) {
    masks.low[n] = n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * n) - 1;
    masks.high[n] = n <= 8 ? 0 : (std::uint64_t{1} << 8 * (n - 8)) - 1;
  }
  return masks;
}();
}  // namespace token_key

/// The key of `length` <= 15 bytes; reads 16 bytes from `p`, whatever the length. For 16: one that no table holds.
inline TokenKey LoadKey(const char* p, std::size_t length) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  TokenKey key;
  std::memcpy(&key.low, p, 8);
  std::memcpy(&key.high, p + 8, 8);
  key.low &= token_key::kMasks.low[length];
  key.high = (key.high & token_key::kMasks.high[length]) | std::uint64_t{length} << 56;
  return key;
}

/// The key of the first `length` bytes of one that has more.
inline TokenKey Shorten(TokenKey key, std::size_t length) {
  return {key.low & token_key::kMasks.low[length], (key.high & token_key::kMasks.high[length]) | std::uint64_t{length} << 56};
}

/// Mixed into the high bits.
inline std::uint64_t Hash(TokenKey key) {
  const std::uint64_t mixed = key.low * 0x9E3779B97F4A7C15U ^ key.high * 0xD6E8FEB86659FD93U;
  return (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9U;
}

}  // namespace ragpipe::text::internal
