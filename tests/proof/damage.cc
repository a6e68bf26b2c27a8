// P7. A file, or its log, is damaged where it lies: bits are flipped, sectors overwritten, the end cut off. Nothing crashes,
// and a call that fails says that the file is at fault, not the moment: it is not tried again and again. SQLite has no
// checksums, so a text or a vector may change unnoticed: of 100 damages, about two are told of neither by the store nor by the
// run after.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
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

void Damage(std::string& bytes, std::mt19937_64& random) {
  const std::size_t at = random() % bytes.size();
  switch (random() % 4) {
    case 0:  // a bit
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 1:  // a sector, or a page of the system
    case 2: {
      const std::size_t size = random() % 2 == 0 ? 512 : 4096;
      const std::size_t begin = at / size * size;
      const bool zeros = random() % 2 == 0;
      for (std::size_t i = begin; i < std::min(begin + size, bytes.size()); ++i)
        bytes[i] = zeros ? '\0' : static_cast<char>(random());
      break;
    }
    default:
      bytes.resize(at);
  }
}

bool BlamesTheFile(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDataLoss || status.code() == absl::StatusCode::kInternal ||
         status.code() == absl::StatusCode::kFailedPrecondition;  // another application's file, a newer version
}

// Opens, searches, runs and searches again; "" where what failed was said rightly.
std::string Use(const std::string& path, MemorySource& source) {
  auto store = sqlite::Store::Open(path);
  if (!store.ok()) return BlamesTheFile(store.status()) ? "" : "Open(): " + store.status().ToString();
  for (int round = 0; round < 2; ++round) {
    const absl::StatusOr<Contents> contents = ReadContents(*store);
    if (!contents.ok() && !BlamesTheFile(contents.status())) return "a search: " + contents.status().ToString();
    RunReport report;
    const absl::Status status = Ingest(source, store->sink(), store->checkpoint(), report);
    if (report.documents.failed > 0 && report.complete) return "complete, though a document failed";
    if (!status.ok() && !BlamesTheFile(status)) return "a run: " + status.ToString();
  }
  return "";
}

void Prove(std::uint64_t seed, const TempDir& folder, Tally& tally) {
  std::mt19937_64 random(seed);
  MemoryDisk disk;
  MemorySource source;
  const std::string path = folder / "index.db";
  MemoryDisk::Image image;
  {
    auto store = sqlite::Store::Open(path);
    for (int run = 0; run < 2; ++run) {
      Edit(source, random);
      RunReport report;
      if (!store.ok() || !Ingest(source, store->sink(), store->checkpoint(), report).ok())
        return tally.Violation(fmt::format("--first {} --cases 1", seed), "a run on a sound disk fails");
    }
    image = disk.Get(path);  // with its log, as a killed process leaves it
  }
  if (random() % 2 == 0) image = disk.Get(path);  // or as a closed store does
  for (int i = 0; i < 20; ++i) {
    MemoryDisk::Image damaged = image;
    Damage(damaged.contains("-wal") && random() % 2 == 0 ? damaged["-wal"] : damaged[""], random);
    disk.Put(path, damaged);
    if (random() % 2 == 0) Edit(source, random);
    tally.Case();
    if (const std::string wrong = Use(path, source); !wrong.empty()) {
      tally.Violation(fmt::format("--first {} --cases 1", seed), wrong);
    }
  }
}

std::vector<Tally> ProveAll(const Arguments& arguments) {
  Tally tally("P7", "a damaged file: no crash, and errors that say what is damaged");
  const TempDir folder;  // of the lock files alone
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < arguments.cases; ++i) Prove(arguments.first + i, folder, tally);
  tally.Spent(std::chrono::steady_clock::now() - start);
  return {tally};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 25, ragpipe::proof::ProveAll); }
