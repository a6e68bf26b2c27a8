#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/wordpiece/word_key.h"

namespace ragpipe::text::internal {

/// Ids by word of up to 15 bytes, read only: a perfect hash by displacement (Belazzougui, Botelho, Dietzfelbinger, "Hash,
/// Displace, and Compress", 2009). A small table of pilots, which stays in the first cache, leads to the one slot where a key
/// can be, so that a look-up reads one line of memory, found or not, and many can be under way at once.
class WordTable {
 public:
  struct Entry {
    WordKey key;
    std::uint32_t id;
  };

  /// Keys are distinct and not empty.
  explicit WordTable(const std::vector<Entry>& entries);

  std::uint32_t FindSlot(const WordKey& key) const {
    const std::uint64_t hash = HashOf(key, seed_);
    return SlotOf(hash, pilots_[hash >> bucket_shift_]);
  }
  void Prefetch(std::uint32_t slot) const { __builtin_prefetch(&keys_[slot]); }
  bool Holds(std::uint32_t slot, const WordKey& key) const { return keys_[slot] == key; }
  std::uint32_t id(std::uint32_t slot) const { return ids_[slot]; }

 private:
  std::uint32_t SlotOf(std::uint64_t hash, std::uint16_t pilot) const {
    return ((static_cast<std::uint32_t>(hash) ^ pilot) * 0x9E3779B1U) >> slot_shift_;
  }
  bool Place(const std::vector<Entry>& entries);

  std::uint64_t seed_ = 0x9FB21C651E98DF25U;
  unsigned bucket_shift_ = 0;
  unsigned slot_shift_ = 0;
  std::vector<std::uint16_t> pilots_;  // by bucket
  std::vector<WordKey> keys_;          // by slot; empty where nothing is
  std::vector<std::uint32_t> ids_;
};

}  // namespace ragpipe::text::internal
