// P4. The power goes at a random moment of a random history of runs, while the store is opened, written, copied back from its
// log, and closed. Whatever the disk kept, the store opens, is sound, holds each commit that was told of, and catches up.
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "proof/proof.h"
#include "proof/store_rig.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/memory_source.h"
#include "support/memory_disk.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using testing::MemorySource;
using testing::MemorySourceOptions;

struct Cut {
  MemoryDisk::Image image;
  std::size_t acknowledged = 0;  // of the witness's states
  std::size_t begun = 0;
};

// Another process that reads: what it sees cannot be copied back from the log, nor can the log go when the store closes.
class SlowReader {
 public:
  explicit SlowReader(const std::string& path) {
    sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_exec(db_, "BEGIN; SELECT count(*) FROM records", nullptr, nullptr, nullptr);
  }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;
  ~SlowReader() { sqlite3_close(db_); }

 private:
  sqlite3* db_ = nullptr;
};

// "" where the image is as promised.
std::string Examine(MemoryDisk& disk, const Cut& cut, const Witness& witness, MemorySource& source, const std::string& path) {
  disk.Put(path, cut.image);
  {
    auto store = sqlite::Store::Open(path);
    if (!store.ok()) return "the store does not open: " + store.status().ToString();
    if (const std::string damage = FindDamage(path); !damage.empty()) return "damaged: " + damage;
    const absl::StatusOr<Contents> contents = ReadContents(*store);
    if (!contents.ok()) return contents.status().ToString();
    bool known = false;
    for (std::size_t i = cut.acknowledged; i <= cut.begun && !known; ++i) known = *contents == witness.states()[i];
    if (!known) {
      for (std::size_t i = 0; i < cut.acknowledged; ++i) {
        if (*contents == witness.states()[i])
          return fmt::format("holds commit {}, though {} had been told of", i, cut.acknowledged);
      }
      return fmt::format("holds no whole commit; {} had been told of, {} begun", cut.acknowledged, cut.begun);
    }
    RunReport report;
    if (const absl::Status status = Ingest(source, store->sink(), store->checkpoint(), report); !status.ok())
      return "the next run fails: " + status.ToString();
    if (!report.complete) return "the next run is not complete";
    const absl::StatusOr<Contents> caught_up = ReadContents(*store);
    if (!caught_up.ok()) return caught_up.status().ToString();
    if (const std::string difference = FindDifference(*caught_up, source); !difference.empty())
      return "after the next run " + difference;
  }
  const std::string damage = FindDamage(path);
  return damage.empty() ? "" : "damaged after the next run: " + damage;
}

void RunHistory(std::uint64_t seed, Tally& tally) {
  std::mt19937_64 random(seed);
  std::mt19937_64 cut_random(seed + 1'000'000'007);  // asked from the engine's thread
  const TempDir folder;                              // of the lock file alone
  const std::string path = folder / "index.db";
  MemoryDisk disk;
  if (random() % 4 != 0) disk.CheckpointEvery(1 + static_cast<int>(random() % 40));
  MemorySourceOptions options;
  options.mode = random() % 2 == 0 ? MemorySourceOptions::Mode::kSnapshot : MemorySourceOptions::Mode::kFeed;
  options.partitions = 1 + static_cast<int>(random() % 3);
  MemorySource source(options);
  Witness witness;
  std::vector<Cut> cuts;
  const auto take_cuts = [&] {
    if (cut_random() % 16 != 0) return;
    cuts.push_back({disk.CutPower(path, cut_random), witness.acknowledged(), witness.states().size() - 1});
  };
  const std::string replay = fmt::format("--first {} --cases 1", seed);

  std::optional<sqlite::Store> store;
  for (auto runs = 2 + random() % 4; runs > 0; --runs) {
    Edit(source, random);
    const bool reopen = random() % 2 == 0;
    std::optional<SlowReader> reader;
    if (store.has_value() && random() % 4 == 0) reader.emplace(path);
    disk.before_change = take_cuts;
    if (reopen) store.reset();
    if (!store.has_value()) {
      auto opened = sqlite::Store::Open(path);
      if (!opened.ok()) return tally.Violation(replay, "Open() fails: " + opened.status().ToString());
      store.emplace(*std::move(opened));
    }
    RunReport report;
    const absl::Status status = Ingest(source, witness.Watch(store->sink()), witness.Watch(store->checkpoint()), report);
    if (!status.ok() || !report.complete) return tally.Violation(replay, "a run fails: " + status.ToString());
    if (runs == 1) store.reset();
    disk.before_change = nullptr;
    for (const Cut& cut : cuts) {
      tally.Case();
      const std::string wrong = Examine(disk, cut, witness, source, folder / "left.db");
      if (!wrong.empty()) tally.Violation(replay, wrong);
    }
    cuts.clear();
  }
}

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally tally("P4", "power cut: what is left opens, is sound, has every commit, catches up");
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < arguments.cases; ++i) RunHistory(arguments.first + i, tally);
  tally.Spent(std::chrono::steady_clock::now() - start);
  return {tally};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 60, ragpipe::proof::Prove); }
