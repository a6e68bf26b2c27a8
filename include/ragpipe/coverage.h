#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/export.h"

namespace ragpipe {

/// How much of the live generation's ledger the ledger of a candidate holds.
struct Coverage {
  static constexpr std::size_t kMaxExamples = 20;

  std::uint64_t documents = 0;        ///< of the live generation
  std::uint64_t missing = 0;          ///< of these, not in the candidate, or in doubt there
  std::uint64_t older = 0;            ///< of these, in the candidate in a version of a lower ordinal
  std::uint64_t added = 0;            ///< only in the candidate
  std::uint64_t dead_letters = 0;     ///< of the candidate
  std::vector<std::string> examples;  ///< ids of missing and older documents

  /// Share of the live generation's documents that the candidate holds, in [0, 1]; 1 when there are none.
  double ratio() const {
    return documents == 0 ? 1 : static_cast<double>(documents - missing - older) / static_cast<double>(documents);
  }
};

/// Compares the ledgers, page by page. A document whose deletion the candidate saw and the live generation did not counts as
/// held where ordinals say that the deletion is newer; else it is missing.
/// Errors: kFailedPrecondition where one of them keeps no ledger; those of the checkpoints.
RAGPIPE_EXPORT absl::StatusOr<Coverage> MeasureCoverage(Checkpoint& live, Checkpoint& candidate,
                                                        std::span<const std::string> sources);

}  // namespace ragpipe
