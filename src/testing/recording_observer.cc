#include "ragpipe/testing/recording_observer.h"

#include "testing/private_status.h"

namespace ragpipe::testing {

void RecordingObserver::OnProgress(const RunReport& so_far) {
  const std::lock_guard guard(mutex_);
  progress_.push_back(so_far);
}

void RecordingObserver::OnDeadLetter(const DeadLetter& letter) {
  const std::lock_guard guard(mutex_);
  dead_letters_.push_back(PrivateCopy(letter));
}

void RecordingObserver::OnRetry(Stage stage, const absl::Status& error, int attempt, absl::Duration pause) {
  const std::lock_guard guard(mutex_);
  retries_.push_back({stage, PrivateStatus(error), attempt, pause});
}

std::vector<RunReport> RecordingObserver::progress() const {
  const std::lock_guard guard(mutex_);
  return progress_;
}

std::vector<DeadLetter> RecordingObserver::dead_letters() const {
  const std::lock_guard guard(mutex_);
  std::vector<DeadLetter> result;
  for (const DeadLetter& letter : dead_letters_) result.push_back(PrivateCopy(letter));
  return result;
}

std::vector<RecordingObserver::Retry> RecordingObserver::retries() const {
  const std::lock_guard guard(mutex_);
  std::vector<Retry> result;
  for (const Retry& retry : retries_) result.push_back({retry.stage, PrivateStatus(retry.error), retry.attempt, retry.pause});
  return result;
}

}  // namespace ragpipe::testing
