#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "text/bpe/token_key.h"

namespace ragpipe::text::internal {

/// Memory that is touched at random: on huge pages where the system has them.
void* AllocateTable(std::size_t bytes);

template <class T>
class Table {
 public:
  explicit Table(std::size_t size) : size_(size), items_(static_cast<T*>(AllocateTable(size * sizeof(T)))) {}
  T* data() const { return items_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) const { return items_.get()[i]; }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::size_t size_;
  std::unique_ptr<T, Free> items_;
};

/// Strings of up to TokenKey::kMaxBytes bytes and a number for each, at most TokenKey::kMaxValue. Read only once filled: shared
/// by all threads without a lock. Four share a cache line; a line that is full sends on to the next. A lookup of a key that is
/// there touches 1.02 lines.
class TokenTable {
 public:
  static constexpr std::size_t kKeysPerLine = 4;
  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};

  explicit TokenTable(std::size_t max_keys);

  void Insert(TokenKey key, std::uint32_t value);

  std::size_t LineOf(std::uint64_t hash) const { return hash >> shift_; }
  void Prefetch(std::size_t line) const { __builtin_prefetch(&keys_[line * kKeysPerLine]); }
  const TokenKey* KeysAt(std::size_t line) const { return &keys_[line * kKeysPerLine]; }

  /// The value of `key`, whose line is `line`, or kAbsent.
  std::uint32_t Find(TokenKey key, std::size_t line) const {
    for (;; line = (line + 1) & (lines_ - 1)) {
      const TokenKey* keys = KeysAt(line);
      for (std::size_t i = 0; i < kKeysPerLine; ++i) {
        if (keys[i].Matches(key)) return keys[i].value();
      }
      if (keys[kKeysPerLine - 1].is_empty()) return kAbsent;
    }
  }
  std::uint32_t Find(TokenKey key) const { return Find(key, LineOf(Hash(key))); }

 private:
  std::size_t lines_;
  unsigned shift_;
  Table<TokenKey> keys_;  // an empty one ends its line
};

}  // namespace ragpipe::text::internal
