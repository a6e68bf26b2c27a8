#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "ragpipe/export.h"
#include "ragpipe/ledger.h"
#include "ragpipe/report.h"

namespace ragpipe {

/// Told what a run does. Every method has an empty default.
/// Threading:  one call at a time, from any engine thread; a slow observer slows the run. It must not call the pipeline.
/// Exceptions: must not escape; one that does is dropped.
class RAGPIPE_EXPORT Observer {
 public:
  virtual ~Observer();

  /// After every commit, with everything so far, and once when the run ends. While nothing is committed nobody is told: ask
  /// Pipeline::Report(), whose RunReport::freshness moves on then.
  virtual void OnProgress(const RunReport& so_far);

  /// A change was set aside. Holds the document's id, never its text in `reason`.
  virtual void OnDeadLetter(const DeadLetter& letter);

  /// A transient error; the call is repeated after `pause`.
  virtual void OnRetry(Stage stage, const absl::Status& error, int attempt, absl::Duration pause);

 protected:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
};

}  // namespace ragpipe
