#include "sqlite/read_pool.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "core/status_macros.h"
#include "sqlite/schema.h"

namespace ragpipe::sqlite {
namespace {

constexpr std::size_t kMaxIdle = 16;  // a burst of searches must not hold its caches for ever

}  // namespace

absl::StatusOr<ReadPool::Lease> ReadPool::Acquire() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Lease lease(*this, std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
  }
  RAGPIPE_ASSIGN_OR_RETURN(Database db, Database::Open(path_, Database::Access::kReadOnly));
  RAGPIPE_RETURN_IF_ERROR(PrepareForReading(db));
  return Lease(*this, std::make_unique<Reader>(std::move(db)));
}

void ReadPool::Return(std::unique_ptr<Reader> reader) {
  std::lock_guard lock(mutex_);
  // Without memory even a rollback fails: that snapshot ends with its connection.
  if (idle_.size() < kMaxIdle && !reader->db.in_transaction()) idle_.push_back(std::move(reader));
}

}  // namespace ragpipe::sqlite
