#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <utility>
#include <vector>

#include "ragpipe/index.h"
#include "sqlite/read_pool.h"

namespace ragpipe::sqlite {

class StoreIndex final : public Index {
 public:
  explicit StoreIndex(std::shared_ptr<ReadPool> readers) : readers_(std::move(readers)) {}

  absl::StatusOr<Recipe> LoadRecipe() override;
  absl::StatusOr<std::vector<Hit>> Search(const IndexQuery& query) override;

 private:
  std::shared_ptr<ReadPool> readers_;
};

}  // namespace ragpipe::sqlite
