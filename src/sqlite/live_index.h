#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ragpipe/index.h"
#include "sqlite/read_pool.h"

namespace ragpipe::sqlite {

/// Asks, in each call, the generation that CURRENT names when it begins. Reading that file anew costs microseconds, and no
/// notification could get lost.
/// Threading: from any thread.
class LiveIndex final : public Index {
 public:
  explicit LiveIndex(std::string folder) : folder_(std::move(folder)) {}

  absl::StatusOr<Recipe> LoadRecipe() override;
  absl::StatusOr<std::vector<Hit>> Search(const IndexQuery& query) override;

 private:
  template <class Call>
  auto AskLive(Call call) -> decltype(call(std::declval<Index&>()));

  std::shared_ptr<ReadPool> ReadersOf(std::uint64_t generation);

  const std::string folder_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;  ///< that the readers are of
  std::shared_ptr<ReadPool> readers_;
};

}  // namespace ragpipe::sqlite
