#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ragpipe/coverage.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/promotion.h"
#include "ragpipe/recipe.h"
#include "ragpipe/sqlite/store.h"

namespace ragpipe::sqlite {

/// A folder of generations: whole builds of an index, each under one recipe and in a Store file of its own. A changed recipe
/// builds a candidate beside the live generation while that one answers, and may be kept current by its own pipeline. Where
/// both recipes have the same embedder, the candidate takes the vectors of equal texts from the live generation. Promote()
/// makes the candidate live and keeps what was live for Rollback().
///
///     auto generations = Generations::Open("index");
///     auto recipe = FormRecipe(chunker, embedder, options);
///     auto store = generations->OpenFor(*recipe);                     // live, or a candidate beside it
///     Pipeline pipeline{source, chunker, embedder, store->sink(), store->checkpoint(), options};
///     absl::Status status = pipeline.Run(report);                     // after a kill it goes on where it was
///     if (status.ok()) status = generations->Promote(*recipe, {.min_coverage = 0.99});
///
/// The file CURRENT says which generation is which. It is replaced as a whole, by rename and durably, so that every process
/// sees one state or the next. Names of generations are never used again.
/// Threading: from several threads, and processes, at once. What changes the folder is kUnavailable while another does.
class RAGPIPE_EXPORT Generations {
 public:
  struct Generation {
    std::string path;              ///< of the Store file
    std::optional<Recipe> recipe;  ///< empty: nothing was ingested yet
    std::uint64_t bytes = 0;       ///< on disk
  };

  struct Listing {
    Generation live;
    std::optional<Generation> candidate;  ///< being built
    std::optional<Generation> previous;   ///< what Rollback() brings back
  };

  /// Opens the folder, creating it (not its parent) with an empty live generation.
  /// Errors: kNotFound when the parent does not exist; kDataLoss when CURRENT is damaged, or missing beside generations;
  /// kFailedPrecondition when the folder cannot be written, or holds something else.
  static absl::StatusOr<Generations> Open(const std::string& folder);

  absl::StatusOr<Listing> List() const;

  /// The store for the pipeline that keeps the live generation current. Errors: as Store::Open().
  absl::StatusOr<Store> OpenLive();

  /// The store for a pipeline of this recipe: the live generation if it has the recipe or is empty; else the candidate, a new
  /// one or the one begun for this recipe. A candidate begun for another recipe is dropped.
  /// Errors: as Store::Open(); kFailedPrecondition when the previous generation has this recipe, because it could be had by
  /// Rollback(): say that, or DropPrevious().
  absl::StatusOr<Store> OpenFor(const Recipe& recipe);

  /// How much of the live generation the candidate holds, over all sources. Errors: kNotFound when there is no candidate.
  absl::StatusOr<Coverage> MeasureCoverage() const;

  /// Makes the candidate, which is of this recipe, live and the live generation previous, if the gate lets it; what was
  /// previous before is deleted. OK, with nothing done, when the live generation is of this recipe already. Open stores stay
  /// valid, and are then those of the new roles. Every search that begins after it, in any process, asks the new live
  /// generation; those that are running end in the old one.
  /// Errors: kNotFound when nothing was built under this recipe; kFailedPrecondition when the gate refuses.
  absl::Status Promote(const Recipe& recipe, const PromotionGate& gate = {});

  /// Exchanges the live generation with the previous one, as atomic as Promote(). Done twice it changes nothing.
  /// Errors: kNotFound when there is no previous one.
  absl::Status Rollback();

  /// Deletes the files of the candidate, or of the previous generation, and gives their space back; OK when there is none.
  /// Errors: kUnavailable while a store has it open: close that first.
  absl::Status DropCandidate();
  absl::Status DropPrevious();

 private:
  explicit Generations(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

/// The live generation of the folder, for searching, in any number of processes: each call asks the one that is live when it
/// begins. Open the Retriever with the embedders of both recipes where they differ.
/// Errors: kNotFound when the folder does not exist; else as OpenIndex().
RAGPIPE_EXPORT absl::StatusOr<std::unique_ptr<Index>> OpenLiveIndex(const std::string& folder);

}  // namespace ragpipe::sqlite
