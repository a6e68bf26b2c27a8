#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/circuit_breaker.h"
#include "engine/document_order.h"
#include "engine/frontier.h"
#include "engine/metadata_schema.h"
#include "engine/mutex.h"
#include "engine/task.h"
#include "ragpipe/document.h"
#include "ragpipe/embedder.h"
#include "ragpipe/internal/engine.h"
#include "ragpipe/options.h"
#include "ragpipe/report.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

/// 128 bits of a document id: sets of these take a tenth of the memory of the ids.
using IdHash = std::pair<std::uint64_t, std::uint64_t>;
IdHash HashOfId(std::string_view document_id);

/// What a run knows of a document's dead letter.
struct KnownLetter {
  int attempts = 0;
  std::optional<std::uint64_t> ordinal;  ///< of the version that failed
};

/// What the threads of one run share: the queues between the steps, the counters that tell when a step has nothing left
/// upstream, and the report. One lock guards it; no host call is made under it.
class State {
 public:
  enum class Phase {
    kRunning,
    kDraining,  ///< nothing more is read; what is in flight finishes
    kAborting,  ///< what is in flight is dropped; what has its vectors is written and committed
  };

  State(Stages stages, const PipelineOptions& options);

  const Stages stages;
  const PipelineOptions options;
  const MetadataSchema schema;  ///< PipelineOptions::schema
  Clock& clock;
  const std::string source_name;
  const bool has_ledger;
  const bool marks_writes;  ///< the ledger says which documents are about to be written
  const std::size_t dimension;
  const EmbedLimits embed_limits;
  const std::size_t chunk_workers;  ///< at least one

  std::unique_ptr<ChangeStream> stream;    ///< set before the threads start
  std::optional<DeadLetterFilter> replay;  ///< these are read instead of the feed; set before the threads start
  bool is_continuous = false;              ///< by Start(); set before the threads start

  mutable Mutex mutex;

  // Who waits for what.
  CondVar reader_wakes;
  CondVar loaders_wake;
  CondVar embedders_wake;
  CondVar writer_wakes;
  CondVar sleepers_wake;  ///< pauses between retries, and callers at an open circuit

  // The way of a task: to_load → to_embed → to_write, or from intake straight to to_write.
  std::deque<TaskPtr> to_load RAGPIPE_GUARDED_BY(mutex);
  std::deque<EmbedItem> to_embed RAGPIPE_GUARDED_BY(mutex);
  std::deque<TaskPtr> to_write RAGPIPE_GUARDED_BY(mutex);
  std::size_t loading RAGPIPE_GUARDED_BY(mutex) = 0;        ///< tasks that a chunk worker holds
  std::size_t embed_calls RAGPIPE_GUARDED_BY(mutex) = 0;    ///< embedder calls in flight
  std::size_t embed_bytes RAGPIPE_GUARDED_BY(mutex) = 0;    ///< in to_embed
  std::size_t embed_tokens RAGPIPE_GUARDED_BY(mutex) = 0;   ///< in to_embed
  std::size_t in_flight RAGPIPE_GUARDED_BY(mutex) = 0;      ///< tasks made and not retired
  std::size_t bytes_in_use RAGPIPE_GUARDED_BY(mutex) = 0;   ///< of the memory budget
  std::size_t workers_alive RAGPIPE_GUARDED_BY(mutex) = 0;  ///< chunk and embedding threads

  // By which the budget is asked for what a body will take: bytes of those that were divided, and what they took beyond
  // LeastBytes().
  std::size_t planned_bodies RAGPIPE_GUARDED_BY(mutex) = 0;
  std::size_t planned_bytes RAGPIPE_GUARDED_BY(mutex) = 0;

  bool reader_waits RAGPIPE_GUARDED_BY(mutex) = false;          ///< for the budget, for a drain, or for a quiet feed
  bool reader_awaits_writer RAGPIPE_GUARDED_BY(mutex) = false;  ///< to be told when writer_works ends
  bool writer_works RAGPIPE_GUARDED_BY(mutex) = false;          ///< a Write, or a Commit with its acknowledgement, is under way
  bool reader_done RAGPIPE_GUARDED_BY(mutex) = false;
  bool finished RAGPIPE_GUARDED_BY(mutex) = false;   ///< the writer made its last commit
  bool concluded RAGPIPE_GUARDED_BY(mutex) = false;  ///< the report is final
  Phase phase RAGPIPE_GUARDED_BY(mutex) = Phase::kRunning;
  bool is_out_of_time RAGPIPE_GUARDED_BY(mutex) = false;  ///< the host waits: what is not written is dropped, too
  absl::Status error RAGPIPE_GUARDED_BY(mutex);           ///< the first that stopped the run
  bool reached_end RAGPIPE_GUARDED_BY(mutex) = false;
  bool has_holes RAGPIPE_GUARDED_BY(mutex) = false;  ///< some listing was incomplete

  DocumentOrder order RAGPIPE_GUARDED_BY(mutex);
  Frontier frontier RAGPIPE_GUARDED_BY(mutex);
  CircuitBreaker embedder_circuit RAGPIPE_GUARDED_BY(mutex);
  absl::flat_hash_set<IdHash> listed RAGPIPE_GUARDED_BY(mutex);                     ///< since the stream opened
  absl::flat_hash_map<IdHash, KnownLetter> dead_letters RAGPIPE_GUARDED_BY(mutex);  ///< by document
  std::vector<std::string> dropped_letters RAGPIPE_GUARDED_BY(mutex);               ///< to be removed by the next commit
  absl::Time letters_due RAGPIPE_GUARDED_BY(mutex) = absl::InfiniteFuture();        ///< when the next is tried again or expires
  std::uint64_t new_letters RAGPIPE_GUARDED_BY(mutex) = 0;                          ///< committed in this run
  int given_up_in_a_row RAGPIPE_GUARDED_BY(mutex) = 0;  ///< documents that could not be read or split for transient reasons
  RunReport report RAGPIPE_GUARDED_BY(mutex);
  absl::Time last_sample RAGPIPE_GUARDED_BY(mutex);  ///< of RunReport::freshness

  /// While a commit is under way: Frontier::finished_until() before it. The frontier is ahead of what is committed then.
  std::optional<absl::Time> committed_until RAGPIPE_GUARDED_BY(mutex);

  /// Nothing more comes to the embedding step unless the reader goes on.
  bool IsQuietBeforeEmbedding() const RAGPIPE_REQUIRES(mutex) {
    return (reader_waits || reader_done) && to_load.empty() && loading == 0;
  }

  /// Nothing more comes to the writer unless the reader goes on.
  bool IsQuietBeforeWriting() const RAGPIPE_REQUIRES(mutex) {
    return IsQuietBeforeEmbedding() && to_embed.empty() && embed_calls == 0;
  }

  /// To be called when one of the two predicates above may have become true.
  void WakeDownstream() {
    embedders_wake.NotifyAll();
    writer_wakes.NotifyAll();
  }
  void WakeAll() {
    reader_wakes.NotifyAll();
    loaders_wake.NotifyAll();
    WakeDownstream();
    sleepers_wake.NotifyAll();
  }

  /// What a document takes, however short it is: its task and one vector.
  std::size_t LeastBytes() const { return 1024 + dimension * sizeof(float); }

  bool HasRoom(std::size_t bytes) const RAGPIPE_REQUIRES(mutex) {
    return in_flight == 0 || bytes_in_use + bytes <= options.memory_budget;
  }

  /// Whether its partition was lost since it was received.
  bool IsLost(const Task& task) const RAGPIPE_REQUIRES(mutex) {
    return task.origin == Origin::kFeed && frontier.IsLost(task.change.partition, task.position);
  }

  /// Puts a task whose document it is the turn of into the queue of its next step.
  void Enter(TaskPtr task) RAGPIPE_REQUIRES(mutex);

  /// The frontier of the task's partition may move past it.
  void Finish(const Task& task) RAGPIPE_REQUIRES(mutex);

  /// `older` ends, and `newer` stands for it: delivered twice, the two have one cursor, which must wait for the second.
  void Supersede(Task& older, Task& newer) RAGPIPE_REQUIRES(mutex);

  /// A task that needs no commit of its own ends: Finish() and Settle().
  void Retire(Task& task, Outcome outcome) RAGPIPE_REQUIRES(mutex);

  /// Counts a task as ended and gives its room back.
  void Settle(Task& task, Outcome outcome) RAGPIPE_REQUIRES(mutex);

  /// Gives up a task whose partition was lost: it stays pending.
  void Drop(Task& task) RAGPIPE_REQUIRES(mutex);

  /// The change that waited for this one to be committed begins.
  void EndTurn(const Task& task) RAGPIPE_REQUIRES(mutex);

  /// Changes what a task holds of the memory budget.
  void Charge(Task& task, std::size_t bytes) RAGPIPE_REQUIRES(mutex);

  /// Null = there is none.
  const KnownLetter* FindLetter(std::string_view document_id) const RAGPIPE_REQUIRES(mutex) {
    if (dead_letters.empty()) return nullptr;
    const auto found = dead_letters.find(HashOfId(document_id));
    return found == dead_letters.end() ? nullptr : &found->second;
  }

  /// The next commit removes the document's dead letter. False when there is none.
  bool DropLetter(const std::string& document_id) RAGPIPE_REQUIRES(mutex);

  void AddProblem(std::string problem) RAGPIPE_REQUIRES(mutex);

  /// Adds to RunReport::freshness the samples that have become due. To be called before anything is finished: it takes the
  /// present watermark for that of the time since the last call.
  void SampleFreshness(absl::Time now) RAGPIPE_REQUIRES(mutex);

  /// The report as of now.
  RunReport Snapshot();

  /// Ends the run with `status`, unless it is ending already. Takes the lock.
  void Abort(absl::Status status);

  /// The same, for a host that waits for the end: only what the sink was given already is committed.
  void AbortNow(absl::Status status);
  bool IsAborting() const;

  /// Calls a host stage: times it, catches exceptions, and repeats it while it fails with a transient code, pausing as
  /// RetryOptions say. kCancelled when the run was aborted in a pause; or in the call, if more of the same document, or
  /// listing, would follow: a host that stops waits for one call, not for several.
  absl::Status CallHost(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call);

  /// The same, once. For calls whose repetition is somebody else's business.
  absl::Status CallHostOnce(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call);

  /// The pause before a call is repeated after its n-th failure.
  absl::Duration Backoff(const absl::Status& status, int attempt) RAGPIPE_REQUIRES(mutex);

  /// How long a service is left alone after so many failures in a row. Not the short end of Backoff(): many may be waiting.
  absl::Duration OutagePause(const absl::Status& status, int failures) RAGPIPE_REQUIRES(mutex);

  /// False when the run was aborted meanwhile.
  bool Sleep(absl::Duration pause);

  /// Tells the observer, if there is one. No lock may be held.
  void Observe(absl::FunctionRef<void(Observer&)> tell);

 private:
  void AbortLocked(absl::Status status) RAGPIPE_REQUIRES(mutex);
  absl::Status CallHostOnce(Stage stage, const char* what, absl::FunctionRef<absl::Status()> call, bool& is_aborting);
  void CountChunks(const Task& task, Outcome outcome) RAGPIPE_REQUIRES(mutex);
  absl::Duration Jittered(const absl::Status& status, int failures, double least) RAGPIPE_REQUIRES(mutex);

  std::mt19937_64 random_ RAGPIPE_GUARDED_BY(mutex);
  Mutex observer_mutex_;
};

}  // namespace ragpipe::internal
