#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "text/wordpiece/word_key.h"

namespace ragpipe::text::internal {

/// The tokens of words that were seen lately: 2 MiB that never grow. A word can be in two places only, where the younger one
/// puts out the elder, so that no text makes a look-up slow: words made to collide are looked up as if they were new.
/// Threading: one thread at a time.
class WordCache {
 public:
  struct Entry {
    static constexpr std::size_t kMaxIds = 7;

    LongWordKey key;
    std::uint8_t count = 0;                    ///< of tokens; a key has no more bytes than a byte can say
    bool in_place = false;                     ///< byte i of what the tokens spell stands for byte i of the text
    std::array<std::uint32_t, kMaxIds> ids{};  ///< the tokens, where they are no more than kMaxIds
  };
  static_assert(sizeof(Entry) == 64, "one line of memory");

  WordCache();

  /// What Prefetch(), Find() and Insert() take beside the key. Differs from process to process.
  std::uint64_t Hash(const LongWordKey& key) const { return HashOf(key, seed_); }

  void Prefetch(std::uint64_t hash) const {
    const Entry* pair = PairOf(hash);
    __builtin_prefetch(pair);
    __builtin_prefetch(pair + 1);
  }

  const Entry* Find(const LongWordKey& key, std::uint64_t hash) const {
    const Entry* pair = PairOf(hash);
    if (pair[0].key == key) return &pair[0];
    if (pair[1].key == key) return &pair[1];
    return nullptr;
  }

  /// The entry to be filled for a key that is not there.
  Entry& Insert(const LongWordKey& key, std::uint64_t hash) {
    Entry* pair = PairOf(hash);
    pair[1] = pair[0];
    pair[0].key = key;
    return pair[0];
  }

 private:
  static constexpr unsigned kPairBits = 14;

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  Entry* PairOf(std::uint64_t hash) const { return entries_ + 2 * (hash >> (64U - kPairBits)); }

  std::uint64_t seed_;
  std::unique_ptr<void, Free> memory_;
  Entry* entries_;  // in memory_, where a line begins
};

/// Caches that calls take and give back: as many as there were calls at once.
/// Threading: from several threads at once.
class WordCachePool {
 public:
  /// One call's cache, taken when it is first asked for.
  class Lease {
   public:
    explicit Lease(WordCachePool& pool) : pool_(pool) {}
    ~Lease() {
      if (cache_ != nullptr) pool_.Give(std::move(cache_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    WordCache& cache() {
      if (cache_ == nullptr) cache_ = pool_.Take();
      return *cache_;
    }

   private:
    WordCachePool& pool_;
    std::unique_ptr<WordCache> cache_;
  };

 private:
  std::unique_ptr<WordCache> Take();
  void Give(std::unique_ptr<WordCache> cache);

  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

}  // namespace ragpipe::text::internal
