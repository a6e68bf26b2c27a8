#pragma once

#include <cstdint>
#include <string_view>

namespace ragpipe::testing {

/// FNV-1a, 64 bits, going on from `hash`.
inline std::uint64_t HashBytes(std::string_view bytes, std::uint64_t hash = 0xCBF29CE484222325U) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  return hash;
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the next of a sequence of well-mixed numbers.
inline std::uint64_t NextRandom(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

/// Uniform in [0, 1), from the next number.
inline double NextUniform(std::uint64_t& state) { return static_cast<double>(NextRandom(state) >> 11U) * 0x1.0p-53; }

}  // namespace ragpipe::testing
