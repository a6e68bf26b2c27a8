#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "text/bpe/token_table.h"

namespace ragpipe::text::internal {

/// What pairs of symbols are merged into. Eight entries share a cache line, so that one load tells of almost any pair, known or
/// not.
class PairTable {
 public:
  using Key = std::uint64_t;  // never 0
  static constexpr std::size_t kEntriesPerLine = 8;
  static constexpr unsigned kSymbolBits = 21;

  explicit PairTable(std::size_t max_pairs)
      : lines_(std::bit_ceil(max_pairs / 4 + 1)),
        shift_(64 - static_cast<unsigned>(std::bit_width(lines_ - 1))),
        entries_(lines_ * kEntriesPerLine) {}

  static Key KeyOf(std::uint32_t left, std::uint32_t right) { return std::uint64_t{left + 1} << kSymbolBits | right; }
  static Key KeyIn(std::uint64_t entry) { return entry >> kSymbolBits; }
  static std::uint32_t MergedIn(std::uint64_t entry) {
    return static_cast<std::uint32_t>(entry & ((std::uint64_t{1} << kSymbolBits) - 1));
  }

  void Insert(Key key, std::uint32_t merged) {
    std::size_t line = LineOf(key);
    while (IsFull(EntriesAt(line))) line = NextLine(line);
    std::uint64_t* entry = &entries_[line * kEntriesPerLine];
    while (*entry != 0) ++entry;
    *entry = key << kSymbolBits | merged;
  }

  std::size_t LineOf(Key key) const { return key * 0x9E3779B97F4A7C15U >> shift_; }
  std::size_t NextLine(std::size_t line) const { return (line + 1) & (lines_ - 1); }
  const std::uint64_t* EntriesAt(std::size_t line) const { return &entries_[line * kEntriesPerLine]; }
  static bool IsFull(const std::uint64_t* entries) { return entries[kEntriesPerLine - 1] != 0; }

 private:
  std::size_t lines_;
  unsigned shift_;
  Table<std::uint64_t> entries_;  // the key above the merged symbol
};

}  // namespace ragpipe::text::internal
