#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/bpe/token_key.h"
#include "text/bpe/token_table.h"

namespace ragpipe::text::internal {

/// How pieces seen lately divide into tokens. It has a fixed size and forgets: whatever the text, a thread's share is 3.6 MiB.
/// A lookup is in one place only, so that no choice of pieces makes it slow.
class PieceCache {
 public:
  static constexpr std::size_t kMaxShort = TokenKey::kMaxBytes;
  static constexpr std::size_t kMaxMedium = 30;
  static constexpr std::size_t kMaxLong = 127;

  /// A bit for the last byte of each token of a piece.
  struct Ends {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    bool empty() const { return (low | high) == 0; }
  };

  /// A new piece's tokens.
  struct Tokens {
    const std::uint32_t* symbols;
    std::size_t count;
    Ends ends;
  };

  /// A piece of more than kMaxShort and up to kMaxMedium bytes: these, padded with zeros, then their number. 32 can be read
  /// from its start.
  struct MediumKey {
    explicit MediumKey(std::string_view piece) {
      std::memcpy(words, piece.data(), sizeof(words));
      for (std::size_t i = 1; i < 4; ++i) {
        const std::size_t bytes = std::min<std::size_t>(std::max(piece.size(), 8 * i) - 8 * i, 8);
        words[i] &= bytes == 0 ? 0 : ~std::uint64_t{0} >> 8 * (8 - bytes);
      }
      words[3] |= std::uint64_t{piece.size()} << 48;
      hash = FoldedProduct(words[0] ^ 0x9E3779B97F4A7C15U, words[1] ^ 0xD6E8FEB86659FD93U) ^
             FoldedProduct(words[2] ^ 0xBF58476D1CE4E5B9U, words[3] ^ 0x94D049BB133111EBU);
    }
    std::uint64_t words[4];
    std::uint64_t hash;
  };

  /// What is known of a piece: as many symbols as `symbols` has room for. Of a piece of more tokens, symbols[0] is the ends.
  struct Short {
    static constexpr std::size_t kMaxSymbols = 4;
    TokenKey key;  // its value is the number of tokens
    std::uint32_t symbols[kMaxSymbols];

    std::size_t count() const { return key.value(); }
    bool Is(TokenKey other) const { return key.Matches(other); }
  };
  struct Medium {
    static constexpr std::size_t kMaxSymbols = 8;
    std::uint64_t words[4];  // a MediumKey's, with the number of tokens in its last byte
    std::uint32_t symbols[kMaxSymbols];

    std::size_t count() const { return words[3] >> 56; }
    bool Is(const MediumKey& other) const {
      return ((words[0] ^ other.words[0]) | (words[1] ^ other.words[1]) | (words[2] ^ other.words[2]) |
              (words[3] << 8 ^ other.words[3] << 8)) == 0;
    }
  };

  /// Of up to kMaxShort bytes; null when the piece is not known.
  const Short* FindShort(TokenKey key, std::uint64_t hash) const { return Find(short_, hash, key); }
  void PrefetchShort(std::uint64_t hash) const { __builtin_prefetch(&short_[FirstOf(short_, hash)]); }
  void InsertShort(TokenKey key, std::uint64_t hash, const Tokens& tokens) {
    PlaceFor(short_, hash, key, tokens).key = key.With(static_cast<std::uint32_t>(tokens.count));
  }

  void PrefetchMedium(const MediumKey& key) const { __builtin_prefetch(&medium_[FirstOf(medium_, key.hash)]); }
  const Medium* FindMedium(const MediumKey& key) const { return Find(medium_, key.hash, key); }
  void InsertMedium(const MediumKey& key, const Tokens& tokens) {
    Medium& entry = PlaceFor(medium_, key.hash, key, tokens);
    std::memcpy(entry.words, key.words, sizeof(entry.words));
    entry.words[3] |= std::uint64_t{tokens.count} << 56;
  }

  /// Of more than kMaxMedium and up to kMaxLong bytes; no ends when the piece is not known.
  Ends FindLong(std::string_view piece) const {
    const Long& entry = long_[Hash(piece) % kLongEntries];
    const bool is_known = entry.length == piece.size() && std::memcmp(entry.bytes, piece.data(), piece.size()) == 0;
    return is_known ? entry.ends : Ends();
  }
  void InsertLong(std::string_view piece, Ends ends) {
    Long& entry = long_[Hash(piece) % kLongEntries];
    entry.length = static_cast<std::uint8_t>(piece.size());
    entry.ends = ends;
    std::memcpy(entry.bytes, piece.data(), piece.size());
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShortEntries = std::size_t{1} << 16;
  static constexpr std::size_t kMediumEntries = std::size_t{1} << 14;
  static constexpr std::size_t kLongEntries = std::size_t{1} << 12;

  struct Long {
    Ends ends;
    std::uint8_t length;
    char bytes[kMaxLong];
  };

  template <class Entry>
  static std::size_t FirstOf(const Table<Entry>& entries, std::uint64_t hash) {
    return hash & (entries.size() - 1);  // a power of two
  }

  // A piece is in one of kWays neighbouring entries: first sought where its hash says, then on that cache line, then beside it,
  // and no further than to an empty one, which would have been taken. Returns that, or null.
  template <class Entry, class Key>
  static Entry* FindOrEmpty(const Table<Entry>& entries, std::uint64_t hash, const Key& key) {
    const std::size_t first = FirstOf(entries, hash);
    for (std::size_t way = 0; way < kWays; ++way) {
      Entry& entry = entries[first ^ way];
      if (entry.Is(key) || entry.count() == 0) return &entry;
    }
    return nullptr;
  }
  template <class Entry, class Key>
  static const Entry* Find(const Table<Entry>& entries, std::uint64_t hash, const Key& key) {
    const Entry* const entry = FindOrEmpty(entries, hash, key);
    return entry == nullptr || entry->count() == 0 ? nullptr : entry;
  }

  // An entry that has the tokens, and needs its key.
  template <class Entry, class Key>
  Entry& PlaceFor(const Table<Entry>& entries, std::uint64_t hash, const Key& key, const Tokens& tokens) {
    Entry* entry = FindOrEmpty(entries, hash, key);
    if (entry == nullptr) entry = &entries[FirstOf(entries, hash) ^ ++turn_ % kWays];
    if (tokens.count <= Entry::kMaxSymbols) {
      std::copy_n(tokens.symbols, tokens.count, entry->symbols);
    } else {
      entry->symbols[0] = static_cast<std::uint32_t>(tokens.ends.low);
    }
    return *entry;
  }

  static std::uint64_t Hash(std::string_view piece) {
    std::uint64_t hash = piece.size();
    const char* const end = piece.data() + piece.size();
    auto mix = [&hash](const char* p) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      hash = FoldedProduct(hash ^ word, 0x9E3779B97F4A7C15U);
    };
    for (const char* p = piece.data(); p + 8 <= end; p += 8) mix(p);
    mix(end - 8);
    return hash;
  }

  Table<Short> short_{kShortEntries};
  Table<Medium> medium_{kMediumEntries};
  Table<Long> long_{kLongEntries};
  std::size_t turn_ = 0;
};

}  // namespace ragpipe::text::internal
