#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/bpe/token_key.h"
#include "text/bpe/token_table.h"

namespace ragpipe::text::internal {

/// How pieces seen lately divide into tokens. It has a fixed size and forgets: whatever the text, a thread's share is 3.5 MiB.
/// A lookup is in one place only, so that no choice of pieces makes it slow. What is kept is where the tokens end, not which
/// they are, for that takes a quarter of the room, and a token is found by its bytes at once.
class PieceCache {
 public:
  static constexpr std::size_t kMaxShort = TokenKey::kMaxBytes;
  static constexpr std::size_t kMaxMedium = 31;
  static constexpr std::size_t kMaxLong = 127;

  /// A bit for the last byte of each token; none when the piece is not known.
  using Ends = std::uint32_t;
  struct LongEnds {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };

  /// Of up to kMaxShort bytes.
  Ends Find(TokenKey key) const {
    const std::size_t line = LineOf(key);
    for (std::size_t slot = line; slot < line + kShortWays; ++slot) {
      if (short_entries_[slot].Matches(key)) return short_entries_[slot].value();
    }
    return 0;
  }
  void Prefetch(TokenKey key) const { __builtin_prefetch(&short_entries_[LineOf(key)]); }

  void Insert(TokenKey key, Ends ends) {
    const std::size_t line = LineOf(key);
    std::size_t slot = line;
    while (slot < line + kShortWays && !short_entries_[slot].is_empty()) ++slot;
    if (slot == line + kShortWays) slot = line + ++turn_ % kShortWays;
    short_entries_[slot] = key.With(ends);
  }

  /// Of more than kMaxShort and up to kMaxMedium bytes. With kIsOneToken it is a token, whose symbol the other bits are.
  static constexpr Ends kIsOneToken = Ends{1} << 31;
  Ends FindMedium(std::string_view piece) const {
    const MediumKey key = MediumKeyOf(piece);
    const std::size_t line = Hash(piece) % kMediumLines * kMediumWays;
    for (std::size_t slot = line; slot < line + kMediumWays; ++slot) {
      if (medium_keys_[slot] == key) return medium_ends_[slot];
    }
    return 0;
  }
  void InsertMedium(std::string_view piece, Ends ends) {
    const std::size_t line = Hash(piece) % kMediumLines * kMediumWays;
    std::size_t slot = line;
    while (slot < line + kMediumWays && medium_ends_[slot] != 0) ++slot;
    if (slot == line + kMediumWays) slot = line + ++turn_ % kMediumWays;
    medium_keys_[slot] = MediumKeyOf(piece);
    medium_ends_[slot] = ends;
  }

  /// Of more than kMaxMedium and up to kMaxLong bytes.
  LongEnds FindLong(std::string_view piece) const {
    const LongEntry& entry = long_entries_[Hash(piece) % kLongSlots];
    const bool is_known = entry.length == piece.size() && std::memcmp(entry.bytes, piece.data(), piece.size()) == 0;
    return is_known ? entry.ends : LongEnds();
  }
  void InsertLong(std::string_view piece, LongEnds ends) {
    LongEntry& entry = long_entries_[Hash(piece) % kLongSlots];
    entry.length = static_cast<std::uint8_t>(piece.size());
    entry.ends = ends;
    std::memcpy(entry.bytes, piece.data(), piece.size());
  }

 private:
  static constexpr std::size_t kShortWays = 4;
  static constexpr std::size_t kShortLines = std::size_t{1} << 15;
  static constexpr std::size_t kMediumWays = 2;
  static constexpr std::size_t kMediumLines = std::size_t{1} << 14;
  static constexpr std::size_t kLongSlots = std::size_t{1} << 11;

  struct MediumKey {
    std::uint64_t words[4];  // padded with zeros, the length in the last byte
    friend bool operator==(const MediumKey&, const MediumKey&) = default;
  };
  struct LongEntry {
    LongEnds ends;
    std::uint8_t length;
    char bytes[kMaxLong];
  };

  static std::size_t LineOf(TokenKey key) { return (internal::Hash(key) >> 20 & (kShortLines - 1)) * kShortWays; }

  static MediumKey MediumKeyOf(std::string_view piece) {
    char bytes[sizeof(MediumKey)] = {};
    std::memcpy(bytes, piece.data(), piece.size());
    bytes[sizeof(bytes) - 1] = static_cast<char>(piece.size());
    MediumKey key;
    std::memcpy(&key, bytes, sizeof(key));
    return key;
  }

  static std::size_t Hash(std::string_view piece) {
    std::uint64_t hash = piece.size();
    const char* const end = piece.data() + piece.size();
    auto mix = [&hash](const char* p) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
      hash ^= hash >> 32;
    };
    for (const char* p = piece.data(); p + 8 <= end; p += 8) mix(p);
    mix(end - 8);
    return hash;
  }

  Table<TokenKey> short_entries_{kShortLines * kShortWays};
  Table<MediumKey> medium_keys_{kMediumLines * kMediumWays};
  Table<Ends> medium_ends_{kMediumLines * kMediumWays};
  Table<LongEntry> long_entries_{kLongSlots};
  std::size_t turn_ = 0;
};

}  // namespace ragpipe::text::internal
