#include "text/wordpiece/word_table.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace ragpipe::text::internal {

WordTable::WordTable(const std::vector<Entry>& entries) {
  // A quarter of the slots stays free, or the last buckets would search for long.
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(entries.size() + entries.size() / 4, 2));
  const std::size_t buckets = std::bit_ceil(std::max<std::size_t>(entries.size() / 4, 2));
  slot_shift_ = 32U - static_cast<unsigned>(std::bit_width(slots - 1));
  bucket_shift_ = 64U - static_cast<unsigned>(std::bit_width(buckets - 1));
  pilots_.resize(buckets);
  keys_.resize(slots);
  ids_.resize(slots);
  while (!Place(entries)) ++seed_;
}

bool WordTable::Place(const std::vector<Entry>& entries) {
  std::vector<std::vector<std::uint32_t>> buckets(pilots_.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    buckets[HashOf(entries[i].key, seed_) >> bucket_shift_].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<std::uint32_t> fullest_first(buckets.size());
  std::iota(fullest_first.begin(), fullest_first.end(), 0U);
  std::stable_sort(fullest_first.begin(), fullest_first.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return buckets[a].size() > buckets[b].size(); });

  std::fill(keys_.begin(), keys_.end(), WordKey{});
  std::vector<std::uint32_t> slots;
  for (const std::uint32_t bucket : fullest_first) {
    if (buckets[bucket].empty()) break;
    auto fits = [&](std::uint16_t pilot) {
      slots.clear();
      for (const std::uint32_t i : buckets[bucket]) {
        const std::uint32_t slot = SlotOf(HashOf(entries[i].key, seed_), pilot);
        if (keys_[slot] != WordKey{} || std::find(slots.begin(), slots.end(), slot) != slots.end()) return false;
        slots.push_back(slot);
      }
      return true;
    };
    std::uint32_t pilot = 0;
    while (pilot <= std::numeric_limits<std::uint16_t>::max() && !fits(static_cast<std::uint16_t>(pilot))) ++pilot;
    if (pilot > std::numeric_limits<std::uint16_t>::max()) return false;
    pilots_[bucket] = static_cast<std::uint16_t>(pilot);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      keys_[slots[i]] = entries[buckets[bucket][i]].key;
      ids_[slots[i]] = entries[buckets[bucket][i]].id;
    }
  }
  return true;
}

}  // namespace ragpipe::text::internal
