#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ragpipe::text::internal {

static_assert(std::endian::native == std::endian::little, "keys hold their length in the last byte");

/// A string of up to 15 bytes as two numbers: its bytes, zeros, and its length in the last byte. Equal keys are equal strings.
struct WordKey {
  static constexpr std::size_t kMaxBytes = 15;

  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const WordKey&, const WordKey&) = default;
};

/// The same for up to 31 bytes. The key of a string of up to 15 is its WordKey and zeros, which no longer string has.
struct LongWordKey {
  static constexpr std::size_t kMaxBytes = 31;

  std::array<std::uint64_t, 4> words{};

  friend bool operator==(const LongWordKey& a, const LongWordKey& b) {  // without branches, and no call of memcmp()
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < a.words.size(); ++i) difference |= a.words[i] ^ b.words[i];
    return difference == 0;
  }
};

namespace word_key {

/// The first `length` bytes of 16, for any length from 0 to 16.
struct Mask {
  std::uint64_t low, high;
};
inline constexpr std::array<Mask, 17> kMasks = [] {
  std::array<Mask, 17> masks{};
  for (std::size_t length = 0; length <= 16; ++length) {
    auto ones = [](std::size_t bytes) { return bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1; };
    masks[length] = {ones(length), length > 8 ? ones(length - 8) : 0};
  }
  return masks;
}();

inline std::uint64_t Load(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

inline std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace word_key

/// `bytes` has 16 readable bytes. A length above 15 gives a key that is no string's.
inline WordKey MakeWordKey(const char* bytes, std::size_t length) {
  const std::size_t known = length < 16 ? length : 16;
  const word_key::Mask mask = word_key::kMasks[known];
  const std::uint64_t keep_last = known < 16 ? ~std::uint64_t{0} : ~std::uint64_t{0} >> 8U;
  return {word_key::Load(bytes) & mask.low, (word_key::Load(bytes + 8) & mask.high & keep_last) | (known << 56U)};
}

/// `bytes` has 32 readable bytes; `length` is 31 at most.
inline LongWordKey MakeLongWordKey(const char* bytes, std::size_t length) {
  if (length <= WordKey::kMaxBytes) {
    const WordKey key = MakeWordKey(bytes, length);
    return {{key.low, key.high, 0, 0}};
  }
  const word_key::Mask mask = word_key::kMasks[length - 16];
  return {{word_key::Load(bytes), word_key::Load(bytes + 8), word_key::Load(bytes + 16) & mask.low,
           (word_key::Load(bytes + 24) & mask.high) | (std::uint64_t{length} << 56U)}};
}

/// The folded product of wyhash (Wang Yi, 2019). `seed` decides which keys meet.
inline std::uint64_t HashOf(const WordKey& key, std::uint64_t seed) {
  return word_key::Mix(key.low ^ seed, key.high ^ 0xE7037ED1A0B428DBU);
}

inline std::uint64_t HashOf(const LongWordKey& key, std::uint64_t seed) {
  return word_key::Mix(HashOf(WordKey{key.words[0], key.words[1]}, seed) ^ key.words[2], key.words[3] ^ 0xA0761D6478BD642FU);
}

}  // namespace ragpipe::text::internal
