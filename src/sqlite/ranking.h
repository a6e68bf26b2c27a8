#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// A record that the filter lets through, with its scores.
struct Candidate {
  std::int64_t slot = 0;
  double vector_score = 0;  ///< by the index's metric
  double cosine = 0;
  double text_score = 0;
  double score = 0;  ///< the ranking's
};

/// Positions in a list of candidates.
using Ranking = std::vector<std::size_t>;

/// The `count` best of `pool` by one of the scores, the best first; equal ones in the order of record ids.
absl::StatusOr<Ranking> Best(Database& db, const std::vector<Candidate>& candidates, Ranking pool, double Candidate::*score,
                             std::size_t count);

/// Sets Candidate::score of those in either ranking and returns them. The other score of one that is in one ranking only
/// counts with its exact value.
Ranking FuseByConvexSum(std::vector<Candidate>& candidates, const Ranking& by_vector, const Ranking& by_text,
                        double vector_weight);

/// As above; a ranking that one is not in adds nothing.
Ranking FuseByReciprocalRank(std::vector<Candidate>& candidates, const Ranking& by_vector, const Ranking& by_text);

}  // namespace ragpipe::sqlite
