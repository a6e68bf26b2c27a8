#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <mutex>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/ledger.h"
#include "ragpipe/observer.h"
#include "ragpipe/report.h"

namespace ragpipe::testing {

/// Keeps everything it is told.
/// Threading: from any thread; the accessors return copies.
class RAGPIPE_EXPORT RecordingObserver final : public Observer {
 public:
  struct Retry {
    Stage stage = Stage::kRead;
    absl::Status error;
    int attempt = 0;
    absl::Duration pause;
  };

  void OnProgress(const RunReport& so_far) override;
  void OnDeadLetter(const DeadLetter& letter) override;
  void OnRetry(Stage stage, const absl::Status& error, int attempt, absl::Duration pause) override;

  std::vector<RunReport> progress() const;
  std::vector<DeadLetter> dead_letters() const;
  std::vector<Retry> retries() const;

 private:
  mutable std::mutex mutex_;
  std::vector<RunReport> progress_;
  std::vector<DeadLetter> dead_letters_;
  std::vector<Retry> retries_;
};

}  // namespace ragpipe::testing
