// Simulated runs with stores in memory: every kind of store, at the speed of memory.
#include "proof/simulated_run.h"

namespace ragpipe::proof {
namespace {

class InMemory final : public StoreUnderTest {
 public:
  explicit InMemory(const testing::MemoryStoreOptions& options) : store_(options) {}

  VectorSink& sink() override { return store_.sink(); }
  Checkpoint& checkpoint() override { return store_.checkpoint(); }
  void Crash(testing::MemoryStore::UnflushedWrites fate) override { store_.Crash(fate); }
  std::string FindDamage() override { return ""; }

 private:
  testing::MemoryStore store_;
};

StoreKind ChooseStore(std::uint64_t random) {
  testing::MemoryStoreOptions options;
  options.patches_payload = random % 3 != 0;
  options.finds_vectors = random / 3 % 3 != 0;
  options.shared_transaction = random / 9 % 4 != 0;
  return {options, [options] { return std::make_unique<InMemory>(options); }};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  using namespace ragpipe::proof;
  return Main(argc, argv, 1000, [](const Arguments& arguments) { return Simulate(arguments, ChooseStore); });
}
