// Generations under SIGKILL: processes build, promote, roll back and drop generations and die at any moment, while another
// one searches what is live. It is always one whole generation, and the next run makes it equal to the documents.
#include "ragpipe/sqlite/generations.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/status_macros.h"
#include "proof/kill_model.h"
#include "proof/process.h"
#include "proof/proof.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/retriever.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/temp_dir.h"
#include "testing/hash.h"

namespace ragpipe::proof {
namespace {

using testing::NextUniform;
using WallClock = std::chrono::steady_clock;

constexpr std::size_t kRounds = 8;  // processes that die, of one case

/// Three models, the last two of one dimension.
struct Models {
  testing::HashEmbedder first{{.dimension = 4, .fingerprint = "first model"}};
  testing::HashEmbedder second{{.dimension = 6, .fingerprint = "second model"}};
  testing::HashEmbedder third{{.dimension = 6, .fingerprint = "third model"}};
  std::array<Embedder*, 3> all = {&first, &second, &third};
};

std::size_t Choose(std::uint64_t& random, std::size_t count) {
  return std::min(count - 1, static_cast<std::size_t>(NextUniform(random) * static_cast<double>(count)));
}

PipelineOptions Options() {
  PipelineOptions options;
  options.commit_documents = 3;
  options.chunk_workers = 1;
  options.deletion_guard.max_percent = 100;
  return options;
}

absl::Status Promote(sqlite::Generations& generations, const Embedder& embedder, double min_coverage) {
  RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, FormRecipe(testing::ParagraphChunker(), embedder, Options()));
  return generations.Promote(recipe, {.min_coverage = min_coverage});
}

/// One run of a pipeline of this model, into the generation that is its own, which it may have to bring back.
absl::Status Build(sqlite::Generations& generations, Embedder& embedder, const KillModel& model) {
  testing::MemorySource source;
  for (const auto& [id, version] : model.versions()) {
    Document document;
    document.id = id;
    document.text = model.TextOf(id, version);
    document.version.token = fmt::format("v{}", version);
    source.Put(std::move(document));
  }
  testing::ParagraphChunker chunker;
  RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, FormRecipe(chunker, embedder, Options()));
  absl::StatusOr<sqlite::Store> store = generations.OpenFor(recipe);
  if (absl::IsFailedPrecondition(store.status())) {
    RAGPIPE_RETURN_IF_ERROR(generations.Rollback());
    store = generations.OpenFor(recipe);
  }
  RAGPIPE_RETURN_IF_ERROR(store.status());
  Pipeline pipeline{source, chunker, embedder, store->sink(), store->checkpoint(), Options()};
  RunReport report;
  RAGPIPE_RETURN_IF_ERROR(pipeline.Run(report));
  return report.complete ? absl::OkStatus() : absl::InternalError(ToText(report));
}

absl::Status Operate(const std::string& folder, std::uint64_t& random, const KillModel& model, Models& models) {
  RAGPIPE_ASSIGN_OR_RETURN(sqlite::Generations generations, sqlite::Generations::Open(folder));
  absl::Status status;
  switch (Choose(random, 6)) {
    case 0:
    case 1:
    case 2:
      return Build(generations, *models.all[Choose(random, models.all.size())], model);
    case 3:
      status = Promote(generations, *models.all[Choose(random, models.all.size())], NextUniform(random));
      if (absl::IsFailedPrecondition(status)) return absl::OkStatus();  // the gate
      break;
    case 4:
      status = generations.Rollback();
      break;
    default:
      status = NextUniform(random) < 0.5 ? generations.DropCandidate() : generations.DropPrevious();
  }
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

/// The body of a child. `arguments`: folder, seed of the documents, history, seed of what it does. Does this and that for ever.
int RunChild(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4) return 2;
  const KillModel model(std::stoull(arguments[1]), arguments[2]);
  std::uint64_t random = std::stoull(arguments[3]);
  Models models;
  while (true) {
    if (const absl::Status status = Operate(arguments[0], random, model, models); !status.ok()) {
      fmt::print(stderr, "child: {}\n", status.ToString());
      return 1;
    }
  }
}

/// The versions of the documents that are found, or which is not whole.
absl::StatusOr<std::map<std::string, int>> ReadLive(const std::string& folder, Models& models, const KillModel& model) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, sqlite::OpenLiveIndex(folder));
  RAGPIPE_ASSIGN_OR_RETURN(const Retriever retriever, Retriever::Open(*index, models.all));
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Hit> hits,
                           retriever.Search({.text = "common", .top_k = 1'000'000, .mode = SearchMode::kVector, .filter = {}}));
  return model.VersionsIn(hits);
}

volatile std::sig_atomic_t must_end = 0;

/// The body of the reader. `arguments`: folder, seed of the documents, file to write to: reads, then a violation a line.
int RunReader(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return 2;
  signal(SIGTERM, [](int) { must_end = 1; });
  const KillModel model(std::stoull(arguments[1]), "");
  Models models;
  std::vector<std::string> violations;
  std::uint64_t reads = 0;
  absl::StatusOr<std::unique_ptr<Index>> index = sqlite::OpenLiveIndex(arguments[0]);
  const absl::StatusOr<Retriever> retriever = index.ok() ? Retriever::Open(**index, models.all) : index.status();
  if (!retriever.ok()) violations.push_back(retriever.status().ToString());
  while (must_end == 0 && violations.empty()) {
    const auto hits = retriever->Search({.text = "common", .top_k = 1'000'000, .mode = SearchMode::kHybrid, .filter = {}});
    const absl::Status status = hits.ok() ? model.VersionsIn(*hits).status() : hits.status();
    if (!status.ok()) violations.push_back(status.ToString());
    ++reads;
  }
  std::ofstream file(arguments[2]);
  file << reads << '\n';
  for (const std::string& violation : violations) file << violation << '\n';
  return file.good() ? 0 : 1;
}

class GenerationKills {
 public:
  std::vector<Tally> Tallies() const { return {killed_, reads_, settled_}; }

  void Run(std::uint64_t seed) {
    const std::string replay = fmt::format("--first {} --cases 1", seed);
    const auto begin = WallClock::now();
    const TempDir dir;
    const std::string folder = dir / "index";
    std::uint64_t random = seed;
    std::string history = "c";
    if (const absl::Status status = Settle(folder, KillModel(seed, history)); !status.ok()) {
      settled_.Violation(replay, status.ToString());
      return;
    }
    const std::string notes = dir / "reader";
    Process reader("--reader", {folder, fmt::format("{}", seed), notes});
    for (std::size_t round = 0; round < kRounds; ++round) {
      history += NextUniform(random) < 0.8 ? 's' : 'm';
      Process child("--child", {folder, fmt::format("{}", seed), history, fmt::format("{}", seed * kRounds + round)});
      std::this_thread::sleep_for(std::chrono::microseconds(static_cast<int>(80'000 * NextUniform(random))));
      child.Send(SIGKILL);
      const int status = child.Wait();
      killed_.Case();
      if (!WIFSIGNALED(status)) killed_.Violation(replay, "the child failed instead of dying");
      const absl::Status left = CheckLeft(folder, KillModel(seed, history));
      if (!left.ok()) killed_.Violation(replay, fmt::format("round {}: {}", round, left.ToString()));
    }
    killed_.Spent(WallClock::now() - begin);

    const auto again = WallClock::now();
    settled_.Case();
    const absl::Status status = Settle(folder, KillModel(seed, history));
    if (!status.ok()) settled_.Violation(replay, status.ToString());
    settled_.Spent(WallClock::now() - again);

    reader.Send(SIGTERM);
    reader.Wait();
    TakeNotes(notes, replay);
    reads_.Spent(WallClock::now() - begin);
  }

 private:
  absl::Status CheckLeft(const std::string& folder, const KillModel& model) {
    RAGPIPE_ASSIGN_OR_RETURN(const sqlite::Generations generations, sqlite::Generations::Open(folder));
    RAGPIPE_RETURN_IF_ERROR(generations.List().status());
    return ReadLive(folder, models_, model).status();
  }

  /// Builds under some model, promotes, and compares what is live with the documents.
  absl::Status Settle(const std::string& folder, const KillModel& model) {
    RAGPIPE_ASSIGN_OR_RETURN(sqlite::Generations generations, sqlite::Generations::Open(folder));
    RAGPIPE_RETURN_IF_ERROR(Build(generations, models_.second, model));
    RAGPIPE_RETURN_IF_ERROR(Promote(generations, models_.second, 0));
    RAGPIPE_ASSIGN_OR_RETURN(const auto versions, ReadLive(folder, models_, model));
    if (versions != model.versions()) return absl::InternalError("the live generation does not equal the documents");
    RAGPIPE_RETURN_IF_ERROR(generations.DropPrevious());
    RAGPIPE_RETURN_IF_ERROR(Build(generations, models_.third, model));  // a promotion deletes what was left over
    RAGPIPE_RETURN_IF_ERROR(Promote(generations, models_.third, 1));
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      files += entry.path().extension() == ".sqlite" ? 1 : 0;
    if (files != 2) return absl::InternalError(fmt::format("{} generations in the place of the live and the previous", files));
    return absl::OkStatus();
  }

  void TakeNotes(const std::string& path, const std::string& replay) {
    std::ifstream file(path);
    std::uint64_t reads = 0;
    if (!(file >> reads)) reads_.Violation(replay, "the reader wrote nothing down");
    file.ignore();
    reads_.Case(reads);
    for (std::string line; std::getline(file, line);) reads_.Violation(replay, line);
  }

  Models models_;
  Tally killed_{"P1", "generations: killed at any point, what is live is one whole generation"};
  Tally reads_{"P2", "searches beside promotions, rollbacks and kills: one whole generation each"};
  Tally settled_{"P3", "generations: the next run goes on and promotes; leftovers are deleted"};
};

std::vector<Tally> Prove(const Arguments& arguments) {
  GenerationKills kills;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) kills.Run(seed);
  return kills.Tallies();
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "--child") return ragpipe::proof::RunChild({argv + 2, argv + argc});
  if (role == "--reader") return ragpipe::proof::RunReader({argv + 2, argv + argc});
  return ragpipe::proof::Main(argc, argv, 20, ragpipe::proof::Prove);
}
