#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ragpipe::text::internal {

/// Up to 13 bytes as one number, padded with zeros, with room for a value beside them: bytes, 20 bits of value, 4 of length. So
/// what is known of a string lies on the cache line that says it is that string.
struct TokenKey {
  static constexpr std::size_t kMaxBytes = 13;
  static constexpr unsigned kValueShift = 40;
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << 20) - 1;
  static constexpr std::uint64_t kValueBits = kMaxValue << kValueShift;  // of `high`
  static constexpr unsigned kLengthShift = 60;

  std::uint64_t low;
  std::uint64_t high;

  /// Whether the strings are the same, whatever the values.
  bool Matches(TokenKey other) const { return ((low ^ other.low) | ((high ^ other.high) & ~kValueBits)) == 0; }
  bool is_empty() const { return high == 0; }

  std::uint32_t value() const { return static_cast<std::uint32_t>((high & kValueBits) >> kValueShift); }
  TokenKey With(std::uint32_t value) const { return {low, (high & ~kValueBits) | std::uint64_t{value} << kValueShift}; }
};

namespace token_key {
inline constexpr auto kMasks = [] {
  struct Masks {
    std::uint64_t low[TokenKey::kMaxBytes + 2];
    std::uint64_t high[TokenKey::kMaxBytes + 2];
  } masks{};  // all zeros for the last, which stands for "longer"
  for (unsigned n = 0; n <= TokenKey::kMaxBytes; ++n) {
    masks.low[n] = n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * n) - 1;
    masks.high[n] = n <= 8 ? 0 : (std::uint64_t{1} << 8 * (n - 8)) - 1;
  }
  return masks;
}();
}  // namespace token_key

/// The key of `length` <= kMaxBytes bytes; reads 16 bytes from `p`, whatever the length. For kMaxBytes + 1: one that no table
/// holds.
inline TokenKey LoadKey(const char* p, std::size_t length) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  TokenKey key;
  std::memcpy(&key.low, p, 8);
  std::memcpy(&key.high, p + 8, 8);
  key.low &= token_key::kMasks.low[length];
  key.high = (key.high & token_key::kMasks.high[length]) | std::uint64_t{length} << TokenKey::kLengthShift;
  return key;
}

/// The key of the first `length` bytes of one that has more.
inline TokenKey Shorten(TokenKey key, std::size_t length) {
  return {key.low & token_key::kMasks.low[length],
          (key.high & token_key::kMasks.high[length]) | std::uint64_t{length} << TokenKey::kLengthShift};
}

/// The product of two numbers, its halves folded into one: as good a mix as several steps of others, in one multiplication
/// (Wang Yi 2019, wyhash).
inline std::uint64_t FoldedProduct(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Of a key without a value.
inline std::uint64_t Hash(TokenKey key) { return FoldedProduct(key.low ^ 0x9E3779B97F4A7C15U, key.high ^ 0xD6E8FEB86659FD93U); }

}  // namespace ragpipe::text::internal
