#pragma once

#include <absl/status/status.h>

#include <functional>

#include "ragpipe/coverage.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"

namespace ragpipe {

/// What must hold before another build of the index, the candidate, takes the place of the live one.
struct PromotionGate {
  double min_coverage = 1;  ///< of Coverage::ratio()

  /// Anything but OK refuses; empty = no further question. Called once, when the coverage suffices and the live generation
  /// holds anything at all. RecallGate (recall.h) is one.
  std::function<absl::Status(Index& live, Index& candidate)> quality = {};
};

/// OK, or kFailedPrecondition that says how much is missing, or what `quality` returned.
RAGPIPE_EXPORT absl::Status CheckPromotion(const PromotionGate& gate, const Coverage& coverage, Index& live, Index& candidate);

}  // namespace ragpipe
