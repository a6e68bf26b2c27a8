#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

#include "ragpipe/clock.h"
#include "ragpipe/observer.h"
#include "ragpipe/recipe.h"
#include "ragpipe/retry.h"
#include "ragpipe/schema.h"

namespace ragpipe {

/// Absent documents are deleted unless they are more than `max_documents` AND more than `max_percent` of the source's
/// documents in the ledger. Above both, none is; everything else is applied, the report counts them and the run ends with
/// kFailedPrecondition. max_percent = 100 allows everything.
struct DeletionGuard {
  std::uint64_t max_documents = 20;
  double max_percent = 30;

  /// Approval of what a refused run showed: set to its RunReport::deletions_refused, a run deletes as many documents or fewer.
  /// One more than was approved, and it refuses again. To be set for one run: it approves no less of the next listing.
  std::uint64_t approved_deletions = 0;

  /// Two phases: a document that a complete listing lacks for the first time is marked, and deleted when a complete listing of
  /// a later run lacks it, too. RunReport::deletions_deferred counts the marks; a run that set some is not complete.
  bool confirm_absence = false;
};

/// What becomes of dead letters. One whose reason may heal (a transient code: reading this document failed again and again)
/// is tried again by itself when its time has come: by a continuous run while its feed rests, by a bounded one at the end of
/// its feed. The others wait for a new version of the document, or for Pipeline::ReplayDeadLetters().
struct DeadLetterOptions {
  absl::Duration first_retry = absl::Minutes(1);  ///< after the first failure; doubled with each further one ...
  absl::Duration max_retry = absl::Hours(6);      ///< ... up to this

  /// A dead letter this long after its first failure is dropped, and RunReport::expired_letters counts it: the index then
  /// differs from the source and nothing says so any more.
  absl::Duration expire_after = absl::InfiniteDuration();

  /// New dead letters in one run that are more than `max_failures` AND more than `max_percent` of the changes seen are an
  /// outage, not bad documents: the run ends with kFailedPrecondition. What is done is kept; the failures not committed yet
  /// stay pending, so that the next run sees them again. max_percent = 100 allows everything.
  std::uint64_t max_failures = 1000;
  double max_percent = 50;
};

enum class RecordIds {
  kContent,        ///< a UUID from source, document, embedded text and occurrence: a moved chunk keeps its id
  kDocumentIndex,  ///< "document:index": readable; an insertion renames the chunks after it, their vectors are kept
};

enum class OnRecipeChange {
  kRefuse,   ///< kFailedPrecondition that names what changed
  kRebuild,  ///< drop the index and the ledger and ingest everything anew
};

struct PipelineOptions {
  /// Bytes of documents, chunks and vectors in flight over all stages. When spent, the source is not read. One document
  /// larger than the budget passes alone. Several calls to a remote embedder at once, each with thousands of texts, want more.
  std::size_t memory_budget = std::size_t{32} << 20;

  int chunk_workers = 0;  ///< threads that load and split, or compare in Verify(); 0 = one a core
  int embed_calls = 0;    ///< embedder calls in flight; 0 = EmbedLimits::calls

  absl::Duration commit_interval = absl::Seconds(1);  ///< the most that a crash can cost
  std::size_t commit_documents = 2000;                ///< commit sooner after so many documents ...
  std::size_t commit_bytes = std::size_t{32} << 20;   ///< ... or so many bytes of text and vectors

  std::size_t max_document_bytes = std::size_t{64} << 20;  ///< larger ones become dead letters

  absl::Duration embed_timeout = absl::Minutes(2);  ///< deadline of one embedder call

  Metric metric = Metric::kCosine;
  RecordIds record_ids = RecordIds::kContent;
  OnRecipeChange on_recipe_change = OnRecipeChange::kRefuse;
  Schema schema = {};  ///< of the documents' metadata; the default asks nothing
  DeletionGuard deletion_guard = {};
  DeadLetterOptions dead_letters = {};

  /// How long the ledger remembers a deletion that came with an ordinal, so that an older update that arrives after it does
  /// not bring the document back. 0 = not at all.
  absl::Duration tombstone_horizon = absl::Hours(7 * 24);
  RetryOptions retry = {};

  std::uint64_t random_seed = 0;  ///< of the backoff jitter; 0 = from the system
  Clock* clock = nullptr;         ///< borrowed; null = SystemClock()
  Observer* observer = nullptr;   ///< borrowed; null = nobody listens
};

}  // namespace ragpipe
