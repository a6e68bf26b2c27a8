#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/query.h"
#include "ragpipe/recipe.h"

namespace ragpipe {

/// The read side of a sink that can search.
/// Threading:  from several threads at once, also while a sink writes; every call sees whole commits only.
/// Exceptions: must not escape; one that does becomes kInternal.
class RAGPIPE_EXPORT Index {
 public:
  virtual ~Index();

  /// Of the records in the index. kNotFound = nothing was ever written.
  virtual absl::StatusOr<Recipe> LoadRecipe() = 0;

  /// The best first, at most top_k; equal scores in the order of record ids.
  /// Errors: kInvalidArgument for a query that makes no sense, with what and why; kAborted when `query.recipe` is not, or no
  /// longer, the recipe of the records.
  virtual absl::StatusOr<std::vector<Hit>> Search(const IndexQuery& query) = 0;

 protected:
  Index() = default;
  Index(const Index&) = default;
  Index& operator=(const Index&) = default;
};

}  // namespace ragpipe
