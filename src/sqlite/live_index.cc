#include "sqlite/live_index.h"

#include "core/status_macros.h"
#include "sqlite/current.h"
#include "sqlite/index.h"

namespace ragpipe::sqlite {

absl::StatusOr<Recipe> LiveIndex::LoadRecipe() {
  return AskLive([](Index& live) { return live.LoadRecipe(); });
}

absl::StatusOr<std::vector<Hit>> LiveIndex::Search(const IndexQuery& query) {
  return AskLive([&query](Index& live) { return live.Search(query); });
}

template <class Call>
auto LiveIndex::AskLive(Call call) -> decltype(call(std::declval<Index&>())) {
  RAGPIPE_ASSIGN_OR_RETURN(Current current, ReadCurrent(folder_));
  while (true) {
    StoreIndex index(ReadersOf(current.live));
    auto answer = call(index);
    if (answer.ok()) return answer;
    // It may have been deleted since: then another one is live, or it would not have been.
    RAGPIPE_ASSIGN_OR_RETURN(const Current now, ReadCurrent(folder_));
    if (now.live == current.live) return answer;
    current = now;
  }
}

std::shared_ptr<ReadPool> LiveIndex::ReadersOf(std::uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (readers_ == nullptr || generation_ != generation) {
    readers_ = std::make_shared<ReadPool>(GenerationPath(folder_, generation));
    generation_ = generation;
  }
  return readers_;
}

}  // namespace ragpipe::sqlite
