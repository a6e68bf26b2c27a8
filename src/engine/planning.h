#pragma once

#include <absl/status/status.h>

#include "ragpipe/internal/engine.h"
#include "ragpipe/options.h"
#include "ragpipe/plan.h"

namespace ragpipe::internal {

/// Runs the engine over stages that read what the real ones hold, and neither embed, write, commit nor acknowledge.
absl::Status MakePlan(Stages stages, PipelineOptions options, const PlanOptions& plan_options, Plan& plan);

}  // namespace ragpipe::internal
