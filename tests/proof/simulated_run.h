#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proof/proof.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::proof {

/// Sink and checkpoint of a simulated run. The sink lists its records; where the options leave a choice, it does what they say.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;

  virtual VectorSink& sink() = 0;
  virtual Checkpoint& checkpoint() = 0;

  /// As if the process had been killed, and another had opened the store again: the two above are new.
  virtual void Crash(testing::MemoryStore::UnflushedWrites fate) = 0;

  /// What the store's own checks find; "" = nothing.
  virtual std::string FindDamage() = 0;
};

using MakeStore = std::function<std::unique_ptr<StoreUnderTest>()>;

struct StoreKind {
  testing::MemoryStoreOptions options;
  MakeStore make;
};

/// Runs of the engine that one seed decides: options, what happens at the source, who runs when, how each run ends, and what
/// goes wrong. `choose_store` is asked once a seed, with a random number, and the store is made anew for each run of the seed.
std::vector<Tally> Simulate(const Arguments& arguments, const std::function<StoreKind(std::uint64_t random)>& choose_store);

}  // namespace ragpipe::proof
