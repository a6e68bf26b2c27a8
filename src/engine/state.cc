#include "engine/state.h"

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "core/fingerprint.h"
#include "core/host_call.h"
#include "engine/countdown.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/embedder.h"
#include "ragpipe/retry.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kProblemsKept = 20;

absl::Duration& TimeOf(Stage stage, RunReport& report) {
  switch (stage) {
    case Stage::kRead:
      return report.stage_times.read;
    case Stage::kLoad:
      return report.stage_times.load;
    case Stage::kChunk:
      return report.stage_times.chunk;
    case Stage::kEmbed:
      return report.stage_times.embed;
    case Stage::kWrite:
      return report.stage_times.write;
    case Stage::kCommit:
      break;
  }
  return report.stage_times.commit;
}

}  // namespace

IdHash HashOfId(std::string_view document_id) {
  const std::string digest = Fingerprint().Add(document_id).Digest();
  IdHash hash;
  std::memcpy(&hash.first, digest.data(), 8);
  std::memcpy(&hash.second, digest.data() + 8, 8);
  return hash;
}

State::State(Stages stages_in, const PipelineOptions& options_in)
    : stages(stages_in),
      options(options_in),
      schema(options_in.schema),
      clock(options_in.clock != nullptr ? *options_in.clock : SystemClock()),
      source_name(stages.source.name()),
      has_ledger(stages.checkpoint.keeps_ledger()),
      marks_writes(has_ledger && stages.sink.transaction() == nullptr),
      dimension(stages.embedder.dimension()),
      embed_limits(stages.embedder.limits()),
      chunk_workers(options.chunk_workers != 0 ? static_cast<std::size_t>(options.chunk_workers)
                                               : std::max(1U, std::thread::hardware_concurrency())),
      random_(options.random_seed != 0 ? options.random_seed : std::random_device{}()) {
  report.started = clock.Now();
  last_sample = report.started;
}

void State::Enter(TaskPtr task) {
  const bool needs_work = task->outcome == Outcome::kProcessed || !task->judged;
  if (needs_work && task->outcome != Outcome::kFailed) {
    to_load.push_back(std::move(task));
    loaders_wake.NotifyOne();
  } else {
    to_write.push_back(std::move(task));
    writer_wakes.NotifyOne();
  }
}

void State::Finish(const Task& task) {
  if (task.origin == Origin::kFeed) frontier.Finish(task.change.partition, task.position);
  for (const FrontierPosition& position : task.superseded) frontier.Finish(task.change.partition, position);
}

void State::Supersede(Task& older, Task& newer) {
  if (older.origin != Origin::kFeed || older.change.partition != newer.change.partition)
    return Retire(older, Outcome::kSuperseded);
  newer.superseded = std::move(older.superseded);
  newer.superseded.push_back(older.position);
  Settle(older, Outcome::kSuperseded);
}

void State::Retire(Task& task, Outcome outcome) {
  Finish(task);
  Settle(task, outcome);
}

void State::Settle(Task& task, Outcome outcome) {
  RunReport::Documents& documents = report.documents;
  switch (outcome) {
    case Outcome::kUnchanged:
      ++documents.unchanged;
      break;
    case Outcome::kStale:
      ++documents.stale;
      break;
    case Outcome::kSuperseded:
      ++documents.superseded;
      break;
    case Outcome::kProcessed:
      ++documents.processed;
      break;
    case Outcome::kDeleted:
      ++documents.deleted;
      break;
    case Outcome::kFailed:
      ++documents.failed;
      break;
  }
  CountChunks(task, outcome);
  Drop(task);
}

void State::Drop(Task& task) {
  Charge(task, 0);
  --in_flight;
  reader_wakes.NotifyOne();
}

void State::EndTurn(const Task& task) {
  if (TaskPtr next = order.End(task.change.document_id)) Enter(std::move(next));
}

void State::CountChunks(const Task& task, Outcome outcome) {
  RunReport::Chunks& chunks = report.chunks;
  if (outcome == Outcome::kSuperseded) return;
  if (outcome == Outcome::kDeleted || outcome == Outcome::kProcessed) {
    chunks.deleted += task.deletes.size();
    for (const PlannedChunk& chunk : task.chunks) {
      ++chunks.total;
      if (chunk.action == PlannedChunk::Action::kEmbed) ++chunks.embedded;
      if (chunk.action == PlannedChunk::Action::kPatch) ++chunks.patched;
      if (chunk.action == PlannedChunk::Action::kKeep || chunk.action == PlannedChunk::Action::kReuse) ++chunks.reused;
    }
  } else if (task.known.has_value()) {  // the index keeps what it held
    chunks.total += task.known->chunks.size();
    chunks.reused += task.known->chunks.size();
  }
}

void State::Charge(Task& task, std::size_t bytes) {
  bytes_in_use += bytes;
  bytes_in_use -= std::exchange(task.charged_bytes, bytes);
}

bool State::DropLetter(const std::string& document_id) {
  if (dead_letters.erase(HashOfId(document_id)) == 0) return false;
  dropped_letters.push_back(document_id);
  return true;
}

void State::AddProblem(std::string problem) {
  if (report.problems.size() < kProblemsKept) report.problems.push_back(std::move(problem));
}

void State::SampleFreshness(absl::Time now) {
  const absl::Duration passed = now - last_sample;
  if (passed < absl::ZeroDuration()) last_sample = now;  // the clock was set back
  if (passed < options.commit_interval) return;
  absl::Duration rest;
  const std::int64_t samples = absl::IDivDuration(passed, options.commit_interval, &rest);
  const absl::Time first = last_sample + options.commit_interval;
  last_sample = now - rest;
  const absl::Time until = committed_until.value_or(frontier.finished_until(now));
  if (until == absl::InfinitePast()) return;  // nothing has an event time
  report.freshness.AddSeries(first - until, options.commit_interval, static_cast<std::uint64_t>(samples));
}

RunReport State::Snapshot() {
  MutexLock lock(mutex);
  if (concluded) return report;
  const absl::Time now = clock.Now();
  SampleFreshness(now);
  RunReport snapshot = report;
  snapshot.elapsed = now - snapshot.started;
  const RunReport::Documents& d = snapshot.documents;
  snapshot.documents.pending = d.seen - d.unchanged - d.stale - d.superseded - d.processed - d.deleted - d.failed;
  return snapshot;
}

void State::Abort(absl::Status status) {
  {
    MutexLock lock(mutex);
    AbortLocked(std::move(status));
  }
  WakeAll();
}

void State::AbortNow(absl::Status status) {
  {
    MutexLock lock(mutex);
    is_out_of_time = true;
    AbortLocked(std::move(status));
  }
  WakeAll();
}

void State::AbortLocked(absl::Status status) {
  if (phase == Phase::kAborting) return;
  phase = Phase::kAborting;
  if (error.ok()) error = std::move(status);
}

bool State::IsAborting() const {
  MutexLock lock(mutex);
  return phase == Phase::kAborting;
}

absl::Status State::CallHostOnce(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call) {
  bool is_aborting = false;
  return CallHostOnce(stage, what, call, is_aborting);
}

absl::Status State::CallHostOnce(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call, bool& is_aborting) {
  Scheduler::Yield();
  const auto begin = std::chrono::steady_clock::now();
  absl::Status status = GuardHostCall(what, call);
  const absl::Duration spent = absl::FromChrono(std::chrono::steady_clock::now() - begin);
  MutexLock lock(mutex);
  TimeOf(stage, report) += spent;
  is_aborting = phase == Phase::kAborting;
  return status;
}

absl::Status State::CallHost(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call) {
  const bool is_last_step = stage == Stage::kWrite || stage == Stage::kCommit;
  for (int attempt = 1;; ++attempt) {
    bool is_aborting = false;
    absl::Status status = CallHostOnce(stage, what, call, is_aborting);
    if (status.ok() && is_aborting && !is_last_step) return absl::CancelledError(fmt::format("the run ended during {}", what));
    if (status.ok() || !IsTransient(status)) return status;
    if (attempt >= options.retry.max_attempts) {
      return Annotated(fmt::format("{} failed {} times, last with", what, attempt), status);
    }
    absl::Duration pause;
    {
      MutexLock lock(mutex);
      ++report.retries;
      pause = Backoff(status, attempt);
    }
    Observe([&](Observer& observer) { observer.OnRetry(stage, status, attempt, pause); });
    if (!Sleep(pause)) return absl::CancelledError(fmt::format("the run ended while {} was retried", what));
  }
}

bool State::Sleep(absl::Duration pause) {
  MutexLock lock(mutex);
  Countdown countdown(clock, pause);
  while (phase != Phase::kAborting && !countdown.IsOver()) sleepers_wake.WaitUntil(lock, clock, countdown.deadline());
  return phase != Phase::kAborting;
}

absl::Duration State::Backoff(const absl::Status& status, int attempt) { return Jittered(status, attempt, 0); }

absl::Duration State::OutagePause(const absl::Status& status, int failures) { return Jittered(status, failures, 0.5); }

absl::Duration State::Jittered(const absl::Status& status, int failures, double least) {
  if (const std::optional<absl::Duration> retry_after = GetRetryAfter(status)) {
    return std::min(*retry_after, options.retry.max_retry_after);
  }
  const absl::Duration cap =
      std::min(options.retry.max_backoff, options.retry.initial_backoff * std::pow(2.0, std::min(failures - 1, 60)));
  return cap * std::uniform_real_distribution<double>(least, 1)(random_);
}

void State::Observe(absl::FunctionRef<void(Observer&)> tell) {
  if (options.observer == nullptr) return;
  MutexLock lock(observer_mutex_);
  // An observer only watches: what goes wrong in it must not change the run.
  GuardHostCall("Observer", [&] {
    tell(*options.observer);
    return absl::OkStatus();
  }).IgnoreError();
}

}  // namespace ragpipe::internal
