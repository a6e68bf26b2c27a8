#include "text/wordpiece/word_cache.h"

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace ragpipe::text::internal {

WordCache::WordCache() : seed_(absl::Hash<std::uint64_t>{}(0x2545F4914F6CDD1D)) {
  constexpr std::size_t kBytes = (std::size_t{2} << kPairBits) * sizeof(Entry);
  std::size_t room = kBytes + alignof(std::max_align_t) + sizeof(Entry);
  // Pages of zeros that the system gives when they are touched: a short text pays for few of them.
  memory_.reset(std::calloc(room, 1));
  void* aligned = memory_.get();
  if (aligned == nullptr || std::align(sizeof(Entry), kBytes, aligned, room) == nullptr) throw std::bad_alloc();
  entries_ = static_cast<Entry*>(aligned);
}

std::unique_ptr<WordCache> WordCachePool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<WordCache> cache = std::move(idle_.back());
      idle_.pop_back();
      return cache;
    }
  }
  return std::make_unique<WordCache>();
}

void WordCachePool::Give(std::unique_ptr<WordCache> cache) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(cache));
}

}  // namespace ragpipe::text::internal
