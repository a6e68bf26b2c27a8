#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/bpe/token_key.h"
#include "text/bpe/token_table.h"

namespace ragpipe::text::internal {

/// The encodings of pieces seen lately. It has a fixed size and forgets: whatever the text, a thread's share is 2.5 MiB.
/// Both parts look in one place only, so that no choice of pieces makes a lookup slow.
class PieceCache {
 public:
  static constexpr std::size_t kMaxSymbols = 8;       // of a short piece
  static constexpr std::size_t kMaxLongBytes = 126;   // of a long one
  static constexpr std::size_t kMaxLongSymbols = 32;  // as many
  struct Encoding {
    std::uint32_t* symbols;
    std::size_t count;  // 0: not known
  };

  /// Of up to 15 bytes.
  Encoding Find(TokenKey key) {
    const std::size_t line = LineOf(key);
    for (std::size_t slot = line; slot < line + kWays; ++slot) {
      TokenKey found = keys_[slot];
      const std::size_t count = found.high >> 60;
      found.high &= ~(std::uint64_t{0xF} << 60);
      if (found == key && count != 0) return {&symbols_[slot * kMaxSymbols], count};
    }
    return {nullptr, 0};
  }
  void Prefetch(TokenKey key) const { __builtin_prefetch(&keys_[LineOf(key)]); }

  void Insert(TokenKey key, const std::uint32_t* symbols, std::size_t count) {
    if (count > kMaxSymbols) return;
    const std::size_t line = LineOf(key);
    std::size_t slot = line;
    while (slot < line + kWays && keys_[slot].high != 0) ++slot;
    if (slot == line + kWays) slot = line + ++turn_ % kWays;
    keys_[slot] = {key.low, key.high | std::uint64_t{count} << 60};
    std::memcpy(&symbols_[slot * kMaxSymbols], symbols, count * sizeof(std::uint32_t));
  }

  /// Of 16 to kMaxLongBytes bytes.
  Encoding FindLong(std::string_view piece, std::size_t slot) {
    const LongKey& key = long_keys_[slot];
    if (key.length != piece.size() || std::memcmp(key.bytes, piece.data(), piece.size()) != 0) return {nullptr, 0};
    return {&long_symbols_[slot * kMaxLongSymbols], key.count};
  }
  void InsertLong(std::string_view piece, std::size_t slot, const std::uint32_t* symbols, std::size_t count) {
    if (count > kMaxLongSymbols) return;
    LongKey& key = long_keys_[slot];
    key.length = static_cast<std::uint8_t>(piece.size());
    key.count = static_cast<std::uint8_t>(count);
    std::memcpy(key.bytes, piece.data(), piece.size());
    std::memcpy(&long_symbols_[slot * kMaxLongSymbols], symbols, count * sizeof(std::uint32_t));
  }
  static std::size_t LongSlotOf(std::string_view piece) {
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
    return hash & (kLongSlots - 1);
  }

 private:
  static constexpr std::size_t kLines = std::size_t{1} << 13;
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kLongSlots = std::size_t{1} << 12;

  struct LongKey {
    std::uint8_t length;
    std::uint8_t count;
    char bytes[kMaxLongBytes];
  };

  static std::size_t LineOf(TokenKey key) { return (Hash(key) >> 20 & (kLines - 1)) * kWays; }

  Table<TokenKey> keys_{kLines * kWays};  // the number of symbols in the top four bits
  Table<std::uint32_t> symbols_{kLines * kWays * kMaxSymbols};
  Table<LongKey> long_keys_{kLongSlots};
  Table<std::uint32_t> long_symbols_{kLongSlots * kMaxLongSymbols};
  std::size_t turn_ = 0;
};

}  // namespace ragpipe::text::internal
