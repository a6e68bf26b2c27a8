#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

#include "support/catch.h"

/// The seed of a random test: RAGPIPE_SEED where set, else a new one. RAGPIPE_RANDOM_TEST prints it on failure.
inline std::uint64_t TestSeed() {
  if (const char* fixed = std::getenv("RAGPIPE_SEED")) return std::strtoull(fixed, nullptr, 10);
  return std::random_device{}();
}

#define RAGPIPE_RANDOM_TEST(random)             \
  const std::uint64_t ragpipe_seed = TestSeed(); \
  INFO("RAGPIPE_SEED=" << ragpipe_seed);         \
  std::mt19937_64 random(ragpipe_seed)
