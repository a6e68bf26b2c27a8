#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text::internal {

/// The tokens of short segments met before. A fixed table, two places for each hash, of which the newer segment takes the
/// first; the hash has a secret key, so that no text can be made whose segments all want the same places.
class SegmentCache {
 public:
  static constexpr std::size_t kMaxBytes = 31;

  explicit SegmentCache(std::uint64_t key) : key_(key), entries_(2 * kSets) {}

  /// A segment and where its tokens go; at most kMaxTokens.
  struct alignas(64) Entry {
    static constexpr std::size_t kMaxTokens = 5;

    std::array<char, kMaxBytes> bytes;
    std::uint8_t size;  ///< 0: nothing is here
    std::array<std::uint32_t, kMaxTokens> ids;
    std::array<std::uint8_t, kMaxTokens> begins, ends;  ///< in the segment
    std::uint8_t token_count;
  };

  /// The key of text[begin, end), of 1 to kMaxBytes bytes.
  class Key {
   public:
    Key(std::string_view text, std::size_t begin, std::size_t end) {
      const std::size_t size = end - begin;
      if (begin + sizeof(words_) <= text.size()) {  // more than the segment is read, and cut off
        std::memcpy(words_.data(), text.data() + begin, sizeof(words_));
        for (std::size_t i = 0; i < words_.size(); ++i) {
          const std::size_t kept = size > 8 * i ? std::min<std::size_t>(size - 8 * i, 8) : 0;
          words_[i] &= kept == 0 ? 0 : ~std::uint64_t{0} >> (64 - 8 * kept);
        }
      } else {
        std::memcpy(words_.data(), text.data() + begin, size);
      }
      words_[3] |= std::uint64_t{size} << 56U;
    }

   private:
    friend class SegmentCache;
    std::array<std::uint64_t, 4> words_{};
  };

  /// The entry of the segment, or null.
  const Entry* Find(const Key& key) const {
    const Entry* entry = &entries_[2 * Set(key)];
    if (std::memcmp(entry, key.words_.data(), sizeof(key.words_)) == 0) return entry;
    return std::memcmp(++entry, key.words_.data(), sizeof(key.words_)) == 0 ? entry : nullptr;
  }

  /// Remembers the tokens of a segment that begins at `offset`, if they are few enough.
  void Add(const Key& key, std::size_t offset, std::span<const Token> tokens) {
    if (tokens.size() > Entry::kMaxTokens) return;
    Entry* entry = &entries_[2 * Set(key)];
    entry[1] = entry[0];
    std::memcpy(static_cast<void*>(entry), key.words_.data(), sizeof(key.words_));
    entry->token_count = static_cast<std::uint8_t>(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      entry->ids[i] = tokens[i].id;
      entry->begins[i] = static_cast<std::uint8_t>(tokens[i].range.begin - offset);
      entry->ends[i] = static_cast<std::uint8_t>(tokens[i].range.end - offset);
    }
  }

 private:
  static constexpr std::size_t kSets = std::size_t{1} << 15U;  // 4 MiB
  static_assert(sizeof(Entry) == 64 && offsetof(Entry, size) == kMaxBytes);

  std::size_t Set(const Key& key) const {
    auto mix = [](std::uint64_t a, std::uint64_t b) {
      const auto product = static_cast<unsigned __int128>(a) * b;
      return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    };
    const std::uint64_t low = mix(key.words_[0] ^ key_, key.words_[1] ^ 0xE7037ED1A0B428DBU);
    const std::uint64_t high = mix(key.words_[2] ^ 0x8EBC6AF09C88C6E3U, key.words_[3] ^ ~key_);
    return mix(low ^ key_, high ^ 0x589965CC75374CC3U) % kSets;
  }

  std::uint64_t key_;
  std::vector<Entry> entries_;
};

}  // namespace ragpipe::text::internal
