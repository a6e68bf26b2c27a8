// Simulated runs with sqlite::Store: the same random programs, faults and interleavings, with a real file below.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "proof/simulated_run.h"
#include "proof/store_rig.h"
#include "ragpipe/sqlite/store.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

class InFile final : public StoreUnderTest {
 public:
  InFile() { Open(); }

  VectorSink& sink() override { return store_->sink(); }
  Checkpoint& checkpoint() override { return store_->checkpoint(); }

  void Crash(testing::MemoryStore::UnflushedWrites /*fate*/) override {
    store_.reset();  // what no commit has made durable is rolled back
    Open();
  }

  std::string FindDamage() override { return proof::FindDamage(directory_ / "index.db"); }

 private:
  void Open() {
    absl::StatusOr<sqlite::Store> store = sqlite::Store::Open(directory_ / "index.db");
    if (!store.ok()) {
      fmt::print(stderr, "the store does not open: {}\n", store.status().ToString());
      std::exit(1);
    }
    store_.emplace(*std::move(store));
  }

  TempDir directory_;
  std::optional<sqlite::Store> store_;
};

StoreKind ChooseStore(std::uint64_t /*random*/) {
  return {{}, [] { return std::make_unique<InFile>(); }};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  using namespace ragpipe::proof;
  // Durability is not what is proved here: memory spares the disk.
  if (std::filesystem::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 0);
  return Main(argc, argv, 300, [](const Arguments& arguments) { return Simulate(arguments, ChooseStore); });
}
