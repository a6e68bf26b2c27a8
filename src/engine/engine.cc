#include "ragpipe/internal/engine.h"

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "engine/chunking.h"
#include "engine/collection.h"
#include "engine/countdown.h"
#include "engine/embedding.h"
#include "engine/intake.h"
#include "engine/ledger_scan.h"
#include "engine/metadata_schema.h"
#include "engine/mutex.h"
#include "engine/planning.h"
#include "engine/redelivery.h"
#include "engine/repair.h"
#include "engine/state.h"
#include "engine/thread.h"
#include "engine/verification.h"
#include "engine/writing.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

absl::Status CheckOptions(const PipelineOptions& options) {
  auto refuse = [](std::string_view what) { return absl::FailedPreconditionError(fmt::format("PipelineOptions::{}", what)); };
  if (options.memory_budget == 0) return refuse("memory_budget is 0; give at least some megabytes");
  if (options.chunk_workers < 0) return refuse("chunk_workers is negative; 0 means one a core");
  if (options.embed_calls < 0) return refuse("embed_calls is negative; 0 means what the embedder likes");
  if (options.commit_interval <= absl::ZeroDuration()) return refuse("commit_interval must be positive");
  if (options.commit_documents == 0) return refuse("commit_documents must be at least 1");
  if (options.commit_bytes == 0) return refuse("commit_bytes must be at least 1");
  if (options.max_document_bytes == 0) return refuse("max_document_bytes must be at least 1");
  if (options.embed_timeout <= absl::ZeroDuration()) return refuse("embed_timeout must be positive");
  if (!(options.deletion_guard.max_percent >= 0)) return refuse("deletion_guard.max_percent must be 0 or more");
  if (options.dead_letters.first_retry <= absl::ZeroDuration()) return refuse("dead_letters.first_retry must be positive");
  if (options.dead_letters.max_retry < options.dead_letters.first_retry) {
    return refuse("dead_letters.max_retry is shorter than first_retry");
  }
  if (options.dead_letters.expire_after <= absl::ZeroDuration()) return refuse("dead_letters.expire_after must be positive");
  if (!(options.dead_letters.max_percent >= 0)) return refuse("dead_letters.max_percent must be 0 or more");
  if (options.tombstone_horizon < absl::ZeroDuration()) return refuse("tombstone_horizon is negative; 0 means no tombstones");
  if (options.retry.max_attempts < 1) return refuse("retry.max_attempts must be at least 1");
  if (options.retry.initial_backoff < absl::ZeroDuration()) return refuse("retry.initial_backoff is negative");
  if (options.retry.max_backoff < options.retry.initial_backoff) {
    return refuse("retry.max_backoff is shorter than initial_backoff");
  }
  return CheckSchema(options.schema);
}

absl::Status OpenStream(State& state) {
  std::vector<PartitionCursor> cursors;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::LoadCursors", [&]() -> absl::Status {
    RAGPIPE_ASSIGN_OR_RETURN(cursors, state.stages.checkpoint.LoadCursors(state.source_name));
    return absl::OkStatus();
  }));
  std::erase_if(cursors, [](const PartitionCursor& position) { return position.cursor.empty(); });
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Source::StreamChanges", [&]() -> absl::Status {
    RAGPIPE_ASSIGN_OR_RETURN(state.stream, state.stages.source.StreamChanges(cursors));
    return absl::OkStatus();
  }));
  if (state.stream == nullptr) return absl::InternalError("Source::StreamChanges returned OK without a stream");
  return absl::OkStatus();
}

absl::Status Prepare(State& state) {
  RAGPIPE_RETURN_IF_ERROR(CheckOptions(state.options));
  if (state.source_name.empty()) return absl::FailedPreconditionError("Source::name() is empty; the ledger needs a name");
  if (state.dimension == 0) return absl::FailedPreconditionError("Embedder::dimension() is 0");
  const EmbedLimits& limits = state.embed_limits;
  if (limits.texts == 0 || limits.bytes == 0 || limits.tokens == 0) {
    return absl::FailedPreconditionError("Embedder::limits() allows nothing: texts, bytes and tokens must be at least 1");
  }
  if (const void* transaction = state.stages.sink.transaction();
      transaction != nullptr && transaction != state.stages.checkpoint.transaction()) {
    return absl::FailedPreconditionError(
        "the sink's writes become durable with the commit of another checkpoint: use the checkpoint of the sink's own store, "
        "and "
        "let a stage that stands before one pass on transaction()");
  }
  RAGPIPE_RETURN_IF_ERROR(PrepareCollection(state));
  RAGPIPE_RETURN_IF_ERROR(ForEachDeadLetterPage(state, [&state](const std::vector<DeadLetter>& page) {
    MutexLock lock(state.mutex);
    for (const DeadLetter& letter : page) {
      state.dead_letters[HashOfId(letter.document_id)] = {letter.attempts, letter.version.ordinal};
      state.letters_due = std::min(state.letters_due, DueTime(state.options.dead_letters, letter));
    }
    return absl::OkStatus();
  }));
  return OpenStream(state);
}

/// Reads the feed on this thread, with the other steps on their own, until all is committed or abandoned.
void RunSteps(State& state) {
  const int embed_calls = std::max(1, state.options.embed_calls != 0 ? state.options.embed_calls : state.embed_limits.calls);
  {
    MutexLock lock(state.mutex);
    state.workers_alive = state.chunk_workers + static_cast<std::size_t>(embed_calls);
  }
  auto worker = [&state](auto body) {
    return Thread([&state, body] {
      body();
      MutexLock lock(state.mutex);
      if (--state.workers_alive == 0) state.writer_wakes.NotifyAll();
    });
  };
  std::vector<Thread> threads;
  for (std::size_t i = 0; i < state.chunk_workers; ++i)
    threads.push_back(worker([&state] { RunChunkWorker(state, *state.stream); }));
  for (int i = 0; i < embed_calls; ++i) threads.push_back(worker([&state] { RunEmbedCaller(state); }));
  threads.emplace_back([&state] { Writer(state).Run(); });

  absl::Status status = Intake(state, *state.stream).ReadFeed();
  if (!status.ok()) state.Abort(Rebuilt(status));
  {
    MutexLock lock(state.mutex);
    state.reader_done = true;
  }
  state.WakeAll();
  for (Thread& thread : threads) thread.Join();
}

/// Completes the report and says how the run ended.
absl::Status Conclude(State& state) {
  std::string dead_letter;
  if (!state.IsAborting()) {
    const absl::Status status = ForEachDeadLetterPage(state, [&dead_letter](const std::vector<DeadLetter>& page) {
      if (dead_letter.empty()) dead_letter = page.front().document_id;
      return absl::OkStatus();
    });
    if (!status.ok()) state.Abort(Rebuilt(status));
  }
  RunReport report = state.Snapshot();
  MutexLock lock(state.mutex);
  if (report.documents.failed == 0 && !dead_letter.empty()) {
    state.AddProblem(fmt::format("a dead letter of an earlier run is still there: document '{}'",
                                 Printable(dead_letter, kMaxPrintedIdBytes)));
  }
  if (report.documents.pending != 0) {
    state.AddProblem(fmt::format("{} changes were received but not committed", report.documents.pending));
  }
  if (!state.reached_end) state.AddProblem("the run ended before the feed did");
  if (!state.error.ok()) state.AddProblem(fmt::format("an error ended the run: {}", state.error.ToString()));
  report.problems = state.report.problems;
  if (!state.committed_until.has_value()) report.watermark = state.frontier.watermark(state.clock.Now());
  report.complete = state.error.ok() && report.problems.empty();
  if (state.error.ok() && report.deletions_refused != 0) {
    state.error = absl::FailedPreconditionError(fmt::format(
        "the deletion guard refused to delete {} documents that the source no longer lists; everything else was applied",
        report.deletions_refused));
  }
  state.report = std::move(report);
  state.concluded = true;
  return Rebuilt(state.error);
}

absl::Status RunToEnd(State& state) {
  if (absl::Status status = Prepare(state); status.ok()) {
    RunSteps(state);
  } else {
    state.Abort(Rebuilt(status));
  }
  absl::Status status = Conclude(state);
  const RunReport report = state.Snapshot();
  state.Observe([&report](Observer& observer) { observer.OnProgress(report); });
  return status;
}

}  // namespace

class Engine::Impl {
 public:
  Impl(Stages stages, const PipelineOptions& options) : stages_(stages), options_(options) {}

  ~Impl() {
    if (!thread_.IsJoinable()) return;
    state_->AbortNow(absl::CancelledError("the pipeline was destroyed"));
    thread_.Join();
  }

  /// Reads the feed, or instead of it the dead letters that `replay` chooses.
  absl::Status Run(RunReport& report, const DeadLetterFilter* replay) {
    report = {};
    RAGPIPE_RETURN_IF_ERROR(Begin());
    if (replay != nullptr) state_->replay = *replay;
    absl::Status status = RunToEnd(*state_);
    report = state_->Snapshot();
    End(absl::OkStatus());
    return status;
  }

  absl::Status MakePlan(const PlanOptions& options, Plan& plan) {
    plan = {};
    RAGPIPE_RETURN_IF_ERROR(Begin());
    absl::Status status = internal::MakePlan(stages_, options_, options, plan);
    End(absl::OkStatus());
    return status;
  }

  absl::Status Verify(const VerifyOptions& options, VerifyReport& report) {
    report = {};
    RAGPIPE_RETURN_IF_ERROR(Begin());
    absl::Status status = VerifyIndex(*state_, options, report, [](std::vector<LedgerEntry>&) { return absl::OkStatus(); });
    End(absl::OkStatus());
    return Rebuilt(status);
  }

  absl::Status Repair(RepairReport& report) {
    report = {};
    RAGPIPE_RETURN_IF_ERROR(Begin());
    absl::Status status = RepairSteps(report);
    End(absl::OkStatus());
    return Rebuilt(status);
  }

  absl::Status Start() {
    RAGPIPE_RETURN_IF_ERROR(Begin());
    state_->is_continuous = true;
    thread_ = Thread([this] { End(RunToEnd(*state_)); });
    return absl::OkStatus();
  }

  absl::Status Stop(absl::Duration grace, RunReport& report) {
    report = {};
    if (!thread_.IsJoinable()) return absl::FailedPreconditionError("Pipeline::Stop() without Start()");
    {
      MutexLock lock(state_->mutex);
      if (state_->phase == State::Phase::kRunning) state_->phase = State::Phase::kDraining;
    }
    state_->WakeAll();
    {
      MutexLock lock(mutex_);
      Countdown countdown(state_->clock, grace);
      while (is_running_ && !countdown.IsOver()) ended_.WaitUntil(lock, state_->clock, countdown.deadline());
    }
    state_->AbortNow(absl::OkStatus());  // the rest is abandoned; without effect when it has ended
    thread_.Join();
    report = state_->Snapshot();
    return std::move(result_);
  }

  void Cancel() {
    const std::shared_ptr<State> state = Current();
    if (state != nullptr) state->AbortNow(absl::CancelledError("the run was cancelled"));
  }

  bool IsRunning() const {
    MutexLock lock(mutex_);
    return is_running_;
  }

  RunReport Report() const {
    const std::shared_ptr<State> state = Current();
    return state == nullptr ? RunReport{} : state->Snapshot();
  }

 private:
  absl::Status Begin() {
    MutexLock lock(mutex_);
    if (is_running_ || thread_.IsJoinable()) {
      return absl::FailedPreconditionError("the pipeline is running; one call, or one Start() to Stop(), at a time");
    }
    RAGPIPE_RETURN_IF_ERROR(MakeState());
    is_running_ = true;
    return absl::OkStatus();
  }

  absl::Status RepairSteps(RepairReport& report) {
    RAGPIPE_RETURN_IF_ERROR(DoubtDamaged(*state_, report.found));
    if (report.found.is_sound()) return absl::OkStatus();
    RAGPIPE_RETURN_IF_ERROR(RenewState());
    absl::Status status = RunToEnd(*state_);
    report.run = state_->Snapshot();
    RAGPIPE_RETURN_IF_ERROR(status);
    RAGPIPE_RETURN_IF_ERROR(RenewState());
    RAGPIPE_RETURN_IF_ERROR(RemoveUnknown(*state_, report.documents_removed));
    RAGPIPE_RETURN_IF_ERROR(VerifyIndex(*state_, {}, report.left, [](std::vector<LedgerEntry>&) { return absl::OkStatus(); }));
    if (report.left.is_sound()) return absl::OkStatus();
    return absl::DataLossError(
        fmt::format("{} documents are still damaged: the source did not send them again, or they are dead letters",
                    report.left.damaged_documents));
  }

  absl::Status RenewState() {
    MutexLock lock(mutex_);
    return MakeState();
  }

  absl::Status MakeState() RAGPIPE_REQUIRES(mutex_) {
    return GuardHostCall("a stage asked for its name or shape", [this] {
      state_ = std::make_shared<State>(stages_, options_);
      return absl::OkStatus();
    });
  }

  void End(absl::Status result) {
    MutexLock lock(mutex_);
    result_ = std::move(result);
    is_running_ = false;
    ended_.NotifyAll();
  }

  std::shared_ptr<State> Current() const {
    MutexLock lock(mutex_);
    return state_;
  }

  const Stages stages_;
  const PipelineOptions options_;
  mutable Mutex mutex_;
  CondVar ended_;
  bool is_running_ = false;
  std::shared_ptr<State> state_;  // of the current run, or of the last
  absl::Status result_;           // of the last started run
  Thread thread_;
};

Engine::Engine(Stages stages, const PipelineOptions& options) : impl_(std::make_unique<Impl>(stages, options)) {}
Engine::~Engine() = default;

absl::Status Engine::MakePlan(const PlanOptions& options, Plan& plan) { return impl_->MakePlan(options, plan); }
absl::Status Engine::Verify(const VerifyOptions& options, VerifyReport& report) { return impl_->Verify(options, report); }
absl::Status Engine::Repair(RepairReport& report) { return impl_->Repair(report); }
absl::Status Engine::Run(RunReport& report) { return impl_->Run(report, nullptr); }
absl::Status Engine::ReplayDeadLetters(const DeadLetterFilter& which, RunReport& report) { return impl_->Run(report, &which); }
absl::Status Engine::Start() { return impl_->Start(); }
absl::Status Engine::Stop(absl::Duration grace, RunReport& report) { return impl_->Stop(grace, report); }
void Engine::Cancel() { impl_->Cancel(); }
bool Engine::IsRunning() const { return impl_->IsRunning(); }
RunReport Engine::Report() const { return impl_->Report(); }

}  // namespace ragpipe::internal
