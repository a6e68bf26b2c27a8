// P5 and P6. The n-th operation of the disk, or the n-th allocation of SQLite, fails in a history of two runs, a search, a
// close and a second open: once, or from then on. No run may claim a success that is none, nothing may crash, and once the
// fault is gone the next run makes the index equal to the source. Then the power goes, and what was claimed must still be
// there.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proof/proof.h"
#include "proof/store_rig.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/memory_source.h"
#include "support/failing_memory.h"
#include "support/memory_disk.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using testing::MemorySource;

// What the host does after the first error.
enum class Then { kRunsAgain, kClosesBeforeItHeals, kIsKilledBeforeItHeals };
constexpr std::uint64_t kThens = 3;

// Something that breaks.
struct Cause {
  std::string name;
  std::function<void(MemoryDisk&, std::uint64_t at)> begin;
  std::function<void(MemoryDisk&, bool)> pause;
  std::function<void(MemoryDisk&)> end;
  std::function<std::uint64_t(const MemoryDisk&)> places;    // where it could have broken since begin()
  std::function<std::uint64_t(const MemoryDisk&)> failures;  // since begin()
};

Cause DiskFault(std::string name, MemoryDisk::Fault fault, bool lasting) {
  fault.lasting = lasting;
  return {.name = std::move(name) + (lasting ? ", from then on" : ""),
          .begin =
              [fault](MemoryDisk& disk, std::uint64_t at) {
                MemoryDisk::Fault armed = fault;
                armed.at = at;
                disk.Fail(armed);
              },
          .pause = [](MemoryDisk& disk, bool paused) { disk.Pause(paused); },
          .end = [](MemoryDisk& disk) { disk.Heal(); },
          .places = [](const MemoryDisk& disk) { return disk.matching(); },
          .failures = [](const MemoryDisk& disk) { return disk.failures(); }};
}

// `at` is the quota in bytes.
Cause SmallDisk() {
  return {.name = "bytes of disk",
          .begin = [](MemoryDisk& disk, std::uint64_t at) { disk.SetQuota(at); },
          .pause = [](MemoryDisk& disk, bool paused) { disk.Pause(paused); },
          .end = [](MemoryDisk& disk) { disk.Heal(); },
          .places = [](const MemoryDisk& disk) { return disk.most_bytes(); },
          .failures = [](const MemoryDisk& disk) { return disk.failures(); }};
}

Cause NoMemory(bool lasting) {
  return {.name = lasting ? "memory, from then on" : "memory",
          .begin = [lasting](MemoryDisk&, std::uint64_t at) { FailingMemory::Fail(at, lasting); },
          .pause = [](MemoryDisk&, bool paused) { FailingMemory::Pause(paused); },
          .end = [](MemoryDisk&) { FailingMemory::Heal(); },
          .places = [](const MemoryDisk&) { return FailingMemory::allocations(); },
          .failures = [](const MemoryDisk&) { return FailingMemory::failures(); }};
}

// One history, broken at one place.
class History {
 public:
  History(const Cause& cause, std::uint64_t at, Then then, std::uint64_t seed, const std::string& path)
      : cause_(cause), at_(at), then_(then), random_(seed), path_(path) {
    disk_.CheckpointEvery(12);
  }

  /// Returns what was wrong; "" = nothing.
  std::string Run() {
    cause_.begin(disk_, at_);
    std::string wrong = RunBroken();
    failures_ = cause_.failures(disk_);
    places_ = cause_.places(disk_);
    if (wrong.empty() && failures_ > 0) wrong = CheckPowerCut(first_, last_);
    if (wrong.empty()) wrong = Recover();
    cause_.end(disk_);
    return wrong;
  }

  std::uint64_t failures() const { return failures_; }
  std::uint64_t places() const { return places_; }

 private:
  absl::Status Open() {
    auto opened = sqlite::Store::Open(path_);
    if (opened.ok()) store_.emplace(*std::move(opened));
    return opened.status();
  }

  // Up to the first error.
  std::string RunBroken() {
    for (int run = 0; run < 2; ++run) {
      Edit(source_, random_);
      store_.reset();
      if (!Open().ok()) return "";
      RunReport report;
      const absl::Status status = Ingest(source_, witness_.Watch(store_->sink()), witness_.Watch(store_->checkpoint()), report);
      first_ = witness_.acknowledged();
      last_ = witness_.states().size() - 1;
      if (report.documents.failed > 0) return "a document is blamed for the fault: " + report.problems[0];
      if (!status.ok() || !report.complete) return "";
      const absl::StatusOr<Contents> found = ReadContents(*store_);
      cause_.pause(disk_, true);
      const std::string wrong = CheckClaim(found);
      cause_.pause(disk_, false);
      if (!wrong.empty()) return wrong;
      if (!found.ok()) return "";
    }
    return "";
  }

  std::string CheckClaim(const absl::StatusOr<Contents>& found) {
    const absl::StatusOr<Contents> contents = ReadContents(*store_);
    if (!contents.ok()) return "after a complete run: " + contents.status().ToString();
    if (const std::string difference = FindDifference(*contents, source_); !difference.empty())
      return "after a complete run " + difference;
    if (found.ok() && *found != *contents) return "a search answers wrongly and says OK";
    return "";
  }

  // The power goes now: what is left is one of these states of the witness.
  std::string CheckPowerCut(std::size_t first, std::size_t last) {
    cause_.pause(disk_, true);
    const std::string left = path_ + ".left";
    disk_.Put(left, disk_.CutPower(path_, random_));
    std::string wrong;
    {
      auto store = sqlite::Store::Open(left);
      const absl::StatusOr<Contents> contents = store.ok() ? ReadContents(*store) : store.status();
      bool known = false;
      for (std::size_t i = first; contents.ok() && i <= last; ++i) known = known || *contents == witness_.states()[i];
      if (!contents.ok()) {
        wrong = "after a fault and a power cut: " + contents.status().ToString();
      } else if (!known) {
        wrong = "after a fault and a power cut a commit is lost";
      }
    }
    cause_.pause(disk_, false);
    return wrong;
  }

  std::string Recover() {
    if (then_ != Then::kRunsAgain) {
      disk_.Freeze(then_ == Then::kIsKilledBeforeItHeals);
      store_.reset();
      disk_.Freeze(false);
    }
    cause_.end(disk_);
    RunReport report;
    absl::Status status = store_.has_value() ? Ingest(source_, store_->sink(), store_->checkpoint(), report) : Open();
    if (status.ok() && !report.complete) status = Ingest(source_, store_->sink(), store_->checkpoint(), report);
    if (status.code() == absl::StatusCode::kFailedPrecondition && store_.has_value()) {  // it asks to be opened again
      store_.reset();
      status = Open();
      if (status.ok()) status = Ingest(source_, store_->sink(), store_->checkpoint(), report);
    }
    if (!status.ok() || !report.complete) return "does not recover: " + status.ToString();
    const absl::StatusOr<Contents> contents = ReadContents(*store_);
    if (!contents.ok()) return "recovered, but " + contents.status().ToString();
    if (const std::string difference = FindDifference(*contents, source_); !difference.empty())
      return "recovered, but " + difference;
    if (const std::string damage = FindDamage(path_); !damage.empty()) return "recovered, but damaged: " + damage;

    const std::string left = path_ + ".left";
    disk_.Put(left, disk_.CutPower(path_, random_));
    auto store = sqlite::Store::Open(left);
    const absl::StatusOr<Contents> kept = store.ok() ? ReadContents(*store) : store.status();
    if (!kept.ok()) return "recovered, and after a power cut: " + kept.status().ToString();
    return *kept == *contents ? "" : "recovered, but the power cut took what was committed";
  }

  MemoryDisk disk_;
  const Cause& cause_;
  const std::uint64_t at_;
  const Then then_;
  std::mt19937_64 random_;
  const std::string path_;
  MemorySource source_;
  Witness witness_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t places_ = 0;
  std::optional<sqlite::Store> store_;
};

// Breaks the history at every place, with each of what may follow; or in `most` of these ways, spread over them.
void Prove(const Cause& cause, std::uint64_t most, std::uint64_t seed, const TempDir& folder, Tally& tally) {
  const auto start = std::chrono::steady_clock::now();
  const std::string path = folder / "index.db";
  std::uint64_t places = 0;
  {
    History unbroken(cause, std::numeric_limits<std::uint64_t>::max(), Then::kRunsAgain, seed, path);
    if (const std::string wrong = unbroken.Run(); !wrong.empty()) tally.Violation(cause.name, wrong);
    places = unbroken.places();
  }
  const sqlite3_int64 memory = sqlite3_memory_used();
  const std::uint64_t ways = places * kThens;
  const std::uint64_t tries = std::min(most, ways);
  for (std::uint64_t i = 0; i < tries; ++i) {
    const std::uint64_t way = (i * ways / tries + seed - 1) % ways;
    const std::uint64_t at = 1 + way / kThens;
    History history(cause, at, static_cast<Then>((way + i) % kThens), seed, path);
    const std::string wrong = history.Run();
    if (history.failures() > 0) tally.Case();
    if (!wrong.empty()) tally.Violation(fmt::format("--first {}: {} {} of {}", seed, cause.name, at, places), wrong);
  }
  if (sqlite3_memory_used() > memory)
    tally.Violation(cause.name, fmt::format("{} bytes of SQLite's memory leak", sqlite3_memory_used() - memory));
  tally.Spent(std::chrono::steady_clock::now() - start);
}

std::vector<Tally> ProveAll(const Arguments& arguments) {
  FailingMemory::Install();
  const TempDir folder;  // of the lock files alone
  Tally disk("P5", "a fault of the disk: no false success, and the next run makes it right");
  Tally full("P5", "a disk of any size is full: no false success, and with space it is made right");
  Tally memory("P6", "an allocation fails in SQLite: no false success, no crash, made right");
  const std::vector<std::pair<std::string, MemoryDisk::Fault>> faults = {
      {"open", {.operations = MemoryDisk::kOpen, .code = SQLITE_CANTOPEN}},
      {"read", {.operations = MemoryDisk::kRead, .code = SQLITE_IOERR_READ}},
      {"write", {.operations = MemoryDisk::kWrite, .code = SQLITE_IOERR_WRITE}},
      {"short write", {.operations = MemoryDisk::kWrite, .code = SQLITE_FULL, .by_half = true}},
      {"truncate", {.operations = MemoryDisk::kTruncate, .code = SQLITE_IOERR_TRUNCATE}},
      {"sync", {.operations = MemoryDisk::kSync, .code = SQLITE_IOERR_FSYNC}},
      {"delete", {.operations = MemoryDisk::kDelete, .code = SQLITE_IOERR_DELETE}},
      {"stat", {.operations = MemoryDisk::kStat, .code = SQLITE_IOERR_FSTAT}},
      {"lock", {.operations = MemoryDisk::kLock, .code = SQLITE_IOERR_LOCK}},
      {"busy", {.operations = MemoryDisk::kLock | MemoryDisk::kLockShared, .code = SQLITE_BUSY}},
      {"map shared memory", {.operations = MemoryDisk::kMapShared, .code = SQLITE_IOERR_SHMMAP}},
      {"lock shared memory", {.operations = MemoryDisk::kLockShared, .code = SQLITE_IOERR_SHMLOCK}},
  };
  for (const bool lasting : {false, true}) {
    for (const auto& [name, fault] : faults) {
      Prove(DiskFault(name, fault, lasting), arguments.cases, arguments.first, folder, disk);
    }
    Prove(NoMemory(lasting), arguments.cases, arguments.first, folder, memory);
  }
  Prove(SmallDisk(), arguments.cases, arguments.first, folder, full);
  return {disk, full, memory};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 25, ragpipe::proof::ProveAll); }
