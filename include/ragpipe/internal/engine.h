#pragma once

// Installed because the Pipeline template needs it; not for hosts.

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <memory>

#include "ragpipe/export.h"
#include "ragpipe/ledger.h"
#include "ragpipe/options.h"
#include "ragpipe/plan.h"
#include "ragpipe/report.h"
#include "ragpipe/verify.h"

namespace ragpipe {

class Source;
class Chunker;
class Embedder;
class VectorSink;
class Checkpoint;

namespace internal {

struct Stages {
  Source& source;
  Chunker& chunker;
  Embedder& embedder;
  VectorSink& sink;
  Checkpoint& checkpoint;
};

class RAGPIPE_EXPORT Engine {
 public:
  Engine(Stages stages, const PipelineOptions& options);
  ~Engine();

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  absl::Status Run(RunReport& report);
  absl::Status MakePlan(const PlanOptions& options, Plan& plan);
  absl::Status Verify(const VerifyOptions& options, VerifyReport& report);
  absl::Status Repair(RepairReport& report);
  absl::Status ReplayDeadLetters(const DeadLetterFilter& which, RunReport& report);
  absl::Status Start();
  absl::Status Stop(absl::Duration grace, RunReport& report);
  void Cancel();
  bool IsRunning() const;
  RunReport Report() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace internal
}  // namespace ragpipe
