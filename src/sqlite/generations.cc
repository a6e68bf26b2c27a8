#include "ragpipe/sqlite/generations.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "sqlite/current.h"
#include "sqlite/live_index.h"
#include "sqlite/read_pool.h"
#include "sqlite/recipes.h"
#include "sqlite/store_files.h"
#include "sqlite/writer_lock.h"

namespace ragpipe::sqlite {
namespace {

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// The numbers of the generations that have files in the folder.
absl::StatusOr<std::set<std::uint64_t>> FindGenerations(const std::string& folder) {
  std::set<std::uint64_t> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (const auto generation = GenerationOf(entry->path().filename().string())) found.insert(*generation);
  }
  if (error) return absl::FailedPreconditionError(fmt::format("'{}' cannot be listed: {}", folder, error.message()));
  return found;
}

absl::StatusOr<std::optional<Recipe>> RecipeOf(const std::string& path) {
  ReadPool readers(path);
  if (!Exists(path)) return std::optional<Recipe>();
  absl::StatusOr<ReadPool::Lease> reader = readers.Acquire();
  if (absl::IsNotFound(reader.status())) return std::optional<Recipe>();  // its creation was interrupted
  RAGPIPE_RETURN_IF_ERROR(reader.status());
  return ReadRecipe((*reader)->db, kRecordsRecipe);
}

absl::StatusOr<std::vector<std::string>> SourcesOf(const std::string& path) {
  ReadPool readers(path);
  RAGPIPE_ASSIGN_OR_RETURN(ReadPool::Lease reader, readers.Acquire());
  std::vector<std::string> sources;
  while (true) {
    Statement row = reader->db.Query("SELECT source FROM ledger WHERE source > ? ORDER BY source LIMIT 1",
                                     sources.empty() ? std::string_view() : std::string_view(sources.back()));
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return sources;
    sources.push_back(row.String(0));
  }
}

absl::StatusOr<Generations::Generation> Describe(const std::string& folder, std::uint64_t generation) {
  Generations::Generation description;
  description.path = GenerationPath(folder, generation);
  RAGPIPE_ASSIGN_OR_RETURN(description.recipe, RecipeOf(description.path));
  description.bytes = StoreBytes(description.path);
  return description;
}

/// A generation that was once filled is never created anew: an empty index would answer as if all was well.
absl::Status CheckThere(const std::string& path) {
  if (Exists(path)) return absl::OkStatus();
  return absl::DataLossError(fmt::format("'{}' is missing, though CURRENT names it: restore it from a copy", path));
}

absl::StatusOr<Coverage> Compare(const std::string& folder, const Current& current) {
  const std::string live = GenerationPath(folder, current.live);
  RAGPIPE_RETURN_IF_ERROR(CheckThere(live));
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> sources, SourcesOf(live));
  RAGPIPE_ASSIGN_OR_RETURN(const auto of_live, OpenCheckpoint(live));
  RAGPIPE_ASSIGN_OR_RETURN(const auto of_candidate, OpenCheckpoint(GenerationPath(folder, *current.candidate)));
  return MeasureCoverage(*of_live, *of_candidate, sources);
}

absl::Status CheckHasCandidate(const std::string& folder, const Current& current) {
  if (current.candidate.has_value()) return absl::OkStatus();
  return absl::NotFoundError(fmt::format("'{}' has no candidate; OpenFor() begins one", folder));
}

/// Creates the first generation. Nobody can tell a folder that lost its CURRENT from a new one but by what is in it.
absl::Status Create(const std::string& folder) {
  RAGPIPE_ASSIGN_OR_RETURN(const WriterLock lock, WriterLock::Acquire(CurrentPath(folder)));
  if (Exists(CurrentPath(folder))) return absl::OkStatus();  // by another process, just now
  RAGPIPE_ASSIGN_OR_RETURN(const std::set<std::uint64_t> found, FindGenerations(folder));
  const std::string first = GenerationPath(folder, 1);
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> recipe, RecipeOf(first));
  if (recipe.has_value() || (!found.empty() && *found.rbegin() != 1)) {
    return absl::DataLossError(
        fmt::format("'{}' is missing, but there are generations beside it: restore it from a copy", CurrentPath(folder)));
  }
  RAGPIPE_RETURN_IF_ERROR(Store::Open(first).status());
  return WriteCurrent(folder, {.live = 1, .candidate = {}, .previous = {}, .newest = 1});
}

/// Deletes what no role names: what was previous before, and what a crash left over. One that is still open is left for
/// the next time.
void RemoveUnnamed(const std::string& folder, const Current& current) {
  const absl::StatusOr<std::set<std::uint64_t>> found = FindGenerations(folder);
  if (!found.ok()) return;
  for (const std::uint64_t generation : *found) {
    if (current.Names(generation)) continue;
    const std::string path = GenerationPath(folder, generation);
    if (const auto lock = WriterLock::Acquire(path); lock.ok()) RemoveStore(path).IgnoreError();
  }
}

/// CURRENT and its lock: what changes the folder does all of it under one.
struct FolderChange {
  WriterLock lock;
  Current current;
};

absl::StatusOr<FolderChange> BeginChange(const std::string& folder) {
  RAGPIPE_ASSIGN_OR_RETURN(WriterLock lock, WriterLock::Acquire(CurrentPath(folder)));
  RAGPIPE_ASSIGN_OR_RETURN(Current current, ReadCurrent(folder));
  return FolderChange{std::move(lock), current};
}

absl::Status Drop(const std::string& folder, Current current, std::optional<std::uint64_t> Current::*role) {
  if (!(current.*role).has_value()) return absl::OkStatus();
  const std::string path = GenerationPath(folder, *(current.*role));
  RAGPIPE_ASSIGN_OR_RETURN(const WriterLock nobody_writes, WriterLock::Acquire(path));
  current.*role = std::nullopt;
  RAGPIPE_RETURN_IF_ERROR(WriteCurrent(folder, current));
  return RemoveStore(path);
}

}  // namespace

absl::StatusOr<Generations> Generations::Open(const std::string& folder) {
  if (folder.empty()) return absl::InvalidArgumentError("the path of the folder of generations is empty");
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(folder, error), error);
  if (error) return absl::FailedPreconditionError(fmt::format("'{}' cannot be reached: {}", folder, error.message()));
  if (!std::filesystem::is_directory(resolved.parent_path(), error)) {
    return absl::NotFoundError(fmt::format("the folder of '{}' does not exist; create it first", folder));
  }
  std::filesystem::create_directory(resolved, error);
  if (!std::filesystem::is_directory(resolved, error)) {
    return absl::FailedPreconditionError(fmt::format("'{}' is no folder and cannot be made one", folder));
  }
  Generations generations(resolved.string());
  absl::Status status = ReadCurrent(generations.folder_).status();
  if (absl::IsNotFound(status)) status = Create(generations.folder_);
  RAGPIPE_RETURN_IF_ERROR(status);
  return generations;
}

absl::StatusOr<Generations::Listing> Generations::List() const {
  RAGPIPE_ASSIGN_OR_RETURN(const Current current, ReadCurrent(folder_));
  Listing listing;
  RAGPIPE_ASSIGN_OR_RETURN(listing.live, Describe(folder_, current.live));
  if (current.candidate.has_value()) {
    RAGPIPE_ASSIGN_OR_RETURN(listing.candidate, Describe(folder_, *current.candidate));
  }
  if (current.previous.has_value()) {
    RAGPIPE_ASSIGN_OR_RETURN(listing.previous, Describe(folder_, *current.previous));
  }
  return listing;
}

absl::StatusOr<Store> Generations::OpenLive() {
  RAGPIPE_ASSIGN_OR_RETURN(const Current current, ReadCurrent(folder_));
  const std::string live = GenerationPath(folder_, current.live);
  RAGPIPE_RETURN_IF_ERROR(CheckThere(live));
  return Store::Open(live);
}

absl::StatusOr<Store> Generations::OpenFor(const Recipe& recipe) {
  RAGPIPE_ASSIGN_OR_RETURN(FolderChange change, BeginChange(folder_));
  Current& current = change.current;
  const std::string live = GenerationPath(folder_, current.live);
  RAGPIPE_RETURN_IF_ERROR(CheckThere(live));
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> of_live, RecipeOf(live));
  if (!of_live.has_value() || *of_live == recipe) return Store::Open(live);
  if (current.previous.has_value()) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> of_previous, RecipeOf(GenerationPath(folder_, *current.previous)));
    if (of_previous == recipe) {
      return absl::FailedPreconditionError(fmt::format(
          "the previous generation of '{}' has this recipe: bring it back with Rollback(), or build anew after DropPrevious()",
          folder_));
    }
  }
  if (current.candidate.has_value()) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> begun, RecipeOf(GenerationPath(folder_, *current.candidate)));
    if (begun.has_value() && *begun != recipe) {
      RAGPIPE_RETURN_IF_ERROR(Drop(folder_, current, &Current::candidate));
      current.candidate = std::nullopt;
    }
  }
  if (!current.candidate.has_value()) {
    current.candidate = ++current.newest;
    RAGPIPE_RETURN_IF_ERROR(WriteCurrent(folder_, current));
  }
  return Store::Open(GenerationPath(folder_, *current.candidate), live);
}

absl::StatusOr<Coverage> Generations::MeasureCoverage() const {
  RAGPIPE_ASSIGN_OR_RETURN(const Current current, ReadCurrent(folder_));
  RAGPIPE_RETURN_IF_ERROR(CheckHasCandidate(folder_, current));
  return Compare(folder_, current);
}

absl::Status Generations::Promote(const Recipe& recipe, const PromotionGate& gate) {
  RAGPIPE_ASSIGN_OR_RETURN(const FolderChange change, BeginChange(folder_));
  const Current& current = change.current;
  const std::string live = GenerationPath(folder_, current.live);
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> of_live, RecipeOf(live));
  if (of_live == recipe) return absl::OkStatus();
  RAGPIPE_RETURN_IF_ERROR(CheckHasCandidate(folder_, current));
  const std::string candidate = GenerationPath(folder_, *current.candidate);
  RAGPIPE_ASSIGN_OR_RETURN(const std::optional<Recipe> of_candidate, RecipeOf(candidate));
  if (of_candidate != recipe) {
    return absl::NotFoundError(
        fmt::format("the candidate '{}' is {}: run the pipeline of this recipe first, with the store of OpenFor()", candidate,
                    of_candidate.has_value() ? "of another recipe" : "empty"));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const Coverage coverage, Compare(folder_, current));
  RAGPIPE_ASSIGN_OR_RETURN(const std::unique_ptr<Index> live_index, OpenIndex(live));
  RAGPIPE_ASSIGN_OR_RETURN(const std::unique_ptr<Index> candidate_index, OpenIndex(candidate));
  RAGPIPE_RETURN_IF_ERROR(CheckPromotion(gate, coverage, *live_index, *candidate_index));

  const Current promoted{.live = *current.candidate, .candidate = {}, .previous = current.live, .newest = current.newest};
  RAGPIPE_RETURN_IF_ERROR(WriteCurrent(folder_, promoted));
  RemoveUnnamed(folder_, promoted);
  return absl::OkStatus();
}

absl::Status Generations::Rollback() {
  RAGPIPE_ASSIGN_OR_RETURN(FolderChange change, BeginChange(folder_));
  Current& current = change.current;
  if (!current.previous.has_value()) {
    return absl::NotFoundError(fmt::format("'{}' has no previous generation to go back to", folder_));
  }
  RAGPIPE_RETURN_IF_ERROR(CheckThere(GenerationPath(folder_, *current.previous)));
  std::swap(current.live, *current.previous);
  return WriteCurrent(folder_, current);
}

absl::Status Generations::DropCandidate() {
  RAGPIPE_ASSIGN_OR_RETURN(const FolderChange change, BeginChange(folder_));
  return Drop(folder_, change.current, &Current::candidate);
}

absl::Status Generations::DropPrevious() {
  RAGPIPE_ASSIGN_OR_RETURN(const FolderChange change, BeginChange(folder_));
  return Drop(folder_, change.current, &Current::previous);
}

absl::StatusOr<std::unique_ptr<Index>> OpenLiveIndex(const std::string& folder) {
  RAGPIPE_RETURN_IF_ERROR(ReadCurrent(folder).status());
  return std::make_unique<LiveIndex>(folder);
}

}  // namespace ragpipe::sqlite
