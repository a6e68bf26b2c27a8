#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/internal/engine.h"
#include "ragpipe/options.h"
#include "ragpipe/plan.h"
#include "ragpipe/report.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"
#include "ragpipe/verify.h"

namespace ragpipe {
namespace internal {

template <class T>
struct StageTypeOf {
  using Type = std::remove_reference_t<T>;
};
template <class T, class D>
struct StageTypeOf<std::unique_ptr<T, D>> {
  using Type = T;
};

template <class T>
using StageType = typename StageTypeOf<T>::Type;

template <class T>
struct Held {  // a stage by value, or borrowed as T = Stage&
  T stage;
  StageType<T>& get() { return stage; }
};
template <class T, class D>
struct Held<std::unique_ptr<T, D>> {
  std::unique_ptr<T, D> stage;
  T& get() { return *stage; }
};

}  // namespace internal

/// A stage by reference, by unique_ptr, or by value if it can be moved, whose class derives from the interface.
template <class T, class Interface>
concept StageOf = std::derived_from<internal::StageType<T>, Interface> && std::move_constructible<T>;

/// Composes the five stages and keeps the index equal to the source. A stage given as an rvalue is moved in and owned (a
/// unique_ptr owns one that cannot move); one given as an lvalue is borrowed and must outlive the pipeline.
///
///     ragpipe::Pipeline pipeline{source, chunker, embedder, sink, checkpoint};
///     ragpipe::RunReport report;
///     absl::Status status = pipeline.Run(report);
///
/// Threading:  one call, or one Start() to Stop(), at a time; Cancel(), IsRunning() and Report() from any thread. The
///             stages are called from the engine's threads as their headers say.
/// Exceptions: none thrown; one that escapes a stage becomes kInternal.
template <StageOf<Source> S, StageOf<Chunker> C, StageOf<Embedder> E, StageOf<VectorSink> V, StageOf<Checkpoint> K>
class Pipeline final {
 public:
  Pipeline(S source, C chunker, E embedder, V sink, K checkpoint, PipelineOptions options = {})
      : source_{std::forward<S>(source)},
        chunker_{std::forward<C>(chunker)},
        embedder_{std::forward<E>(embedder)},
        sink_{std::forward<V>(sink)},
        checkpoint_{std::forward<K>(checkpoint)},
        engine_({source_.get(), chunker_.get(), embedder_.get(), sink_.get(), checkpoint_.get()}, options) {}

  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Reads the feed to its end and commits. OK = everything that could be done was; `report.complete` says whether the index
  /// now equals the source. Dead letters alone do not make it fail.
  /// Errors: kCancelled after Cancel(); kFailedPrecondition for a recipe that does not match, invalid options or a refused
  /// mass deletion; else the stage error that stopped the run. Everything finished before it is committed, and `report` is
  /// filled, always.
  absl::Status Run(RunReport& report) { return engine_.Run(report); }

  /// Says what Run() would do now, by the same code with nothing embedded, written, committed or acknowledged; also before
  /// the first run and with a changed recipe. The source is read as by Run(). Holds some 20 bytes for each chunk to embed and
  /// 100 for each document to process.
  /// Errors: those of reading, and of a schema that freezes (schema.h); what else Run() would refuse is in Plan::refusal.
  absl::Status MakePlan(const PlanOptions& options, Plan& plan) { return engine_.MakePlan(options, plan); }

  /// Compares what the ledger says is stored with what the sink stores, record by record, and changes nothing. Holds the
  /// records of 64 documents for each of `chunk_workers` threads. OK = compared; `report.is_sound()` says whether they are equal.
  /// Errors: kFailedPrecondition where the checkpoint keeps no ledger, the sink lists no records, or the recipe differs.
  absl::Status Verify(const VerifyOptions& options, VerifyReport& report) { return engine_.Verify(options, report); }

  /// Verify(); then a run from the beginning of the source that replaces the damaged documents and passes over the others,
  /// and deletes what neither ledger nor source knows; then Verify() again. Nothing is done when the first finds nothing.
  /// Vectors that are still stored are not bought again. May be repeated; after a kill the next Run() or Repair() goes on.
  /// Errors: as Verify() and Run(); kDataLoss when damage is left (`report.left`), with why.
  absl::Status Repair(RepairReport& report) { return engine_.Repair(report); }

  /// Tries the chosen dead letters again, now and whatever their reason: with the body where it was kept, else read by
  /// ChangeStream::Load() of a stream opened for it, where kNotFound means that the document is gone: its records go, and the
  /// letter. The feed itself is not read and no cursor moves. A dead letter of Stage::kRead without a body stays: only the
  /// source can send it again. `report.complete` then says that no dead letter is left at all. Errors: as of Run().
  absl::Status ReplayDeadLetters(const DeadLetterFilter& which, RunReport& report) {
    return engine_.ReplayDeadLetters(which, report);
  }

  /// Runs on its own threads until Stop(), the end of the feed or an error. Returns at once; errors of the run are Stop()'s.
  absl::Status Start() { return engine_.Start(); }

  /// Stops reading, gives work in flight `grace` to finish, abandons the rest and commits what the sink holds by then. Returns
  /// within `grace` plus the longest host call then running and the calls of a last commit. Returns what Run() would have;
  /// stopping is no error.
  absl::Status Stop(absl::Duration grace, RunReport& report) { return engine_.Stop(grace, report); }

  /// Ends Run() or Start() soon, without draining: as Stop() with a grace of zero, without waiting for it.
  void Cancel() { engine_.Cancel(); }

  /// False once a started run has ended by itself, at the end of the feed or by an error: Stop() then says which.
  bool IsRunning() const { return engine_.IsRunning(); }

  /// A snapshot of the run in progress, or the last one's report.
  RunReport Report() const { return engine_.Report(); }

  internal::StageType<S>& source() { return source_.get(); }
  internal::StageType<C>& chunker() { return chunker_.get(); }
  internal::StageType<E>& embedder() { return embedder_.get(); }
  internal::StageType<V>& sink() { return sink_.get(); }
  internal::StageType<K>& checkpoint() { return checkpoint_.get(); }

 private:
  internal::Held<S> source_;
  internal::Held<C> chunker_;
  internal::Held<E> embedder_;
  internal::Held<V> sink_;
  internal::Held<K> checkpoint_;
  internal::Engine engine_;  // last: it stops before the stages go
};

template <class S, class C, class E, class V, class K>
Pipeline(S&&, C&&, E&&, V&&, K&&) -> Pipeline<S, C, E, V, K>;
template <class S, class C, class E, class V, class K>
Pipeline(S&&, C&&, E&&, V&&, K&&, PipelineOptions) -> Pipeline<S, C, E, V, K>;

}  // namespace ragpipe
