#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "text/bpe/piece_walk.h"

namespace ragpipe::text::internal {

/// As many scratches as calls run at the same time. A call gets the one used last, whose caches are warm.
class ScratchPool {
 public:
  class Lease {
   public:
    Lease(ScratchPool& pool, std::unique_ptr<BpeScratch> scratch) : pool_(pool), scratch_(std::move(scratch)) {}
    ~Lease() { pool_.Return(std::move(scratch_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    BpeScratch& operator*() const { return *scratch_; }

   private:
    ScratchPool& pool_;
    std::unique_ptr<BpeScratch> scratch_;
  };

  Lease Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<BpeScratch> scratch = std::move(idle_.back());
        idle_.pop_back();
        return Lease(*this, std::move(scratch));
      }
    }
    return Lease(*this, std::make_unique<BpeScratch>());
  }

 private:
  void Return(std::unique_ptr<BpeScratch> scratch) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<BpeScratch>> idle_;
};

}  // namespace ragpipe::text::internal
