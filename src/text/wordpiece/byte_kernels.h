#pragma once

#include <cstddef>
#include <cstdint>

namespace ragpipe::text::internal {

inline constexpr std::size_t kBlockBytes = 64;  // a bit for each byte is one number

/// What every tier of instructions does the same way: the byte rules of BERT for whole blocks.
///
/// A byte is of a word (a letter or digit of ASCII), alone (ASCII punctuation), white space (blank, tab, line feed, carriage
/// return), or not simple (all others). Bytes that are not simple are part of words here: what they are, a slower reader says.
struct ByteKernels {
  const char* name;

  /// Bit i of `words[b]` and `alone[b]` is byte i of block b. `folded` gets the bytes themselves, but capital letters of ASCII
  /// with `case_bit` (0x20 or 0) set, and kControl for what of ASCII is not simple.
  void (*classify)(const char* text, std::size_t blocks, char case_bit, char* folded, std::uint64_t* words,
                   std::uint64_t* alone);

  /// Writes the positions of the set bits and returns the end of what it wrote. Up to kBlockBytes more may be overwritten.
  std::uint16_t* (*list_bits)(const std::uint64_t* bits, std::size_t blocks, std::uint16_t* positions);

  std::size_t (*count_bits)(const std::uint64_t* bits, std::size_t blocks);
};

inline constexpr char kControl = '\xFF';  // in no UTF-8

/// For any 64-bit machine.
extern const ByteKernels kPortableKernels;

#if defined(__x86_64__)
extern const ByteKernels kAvx2Kernels;    // AVX2, BMI, POPCNT
extern const ByteKernels kAvx512Kernels;  // AVX-512 F, BW, VBMI2
#endif

/// The fastest that this machine runs, or those that the environment variable RAGPIPE_INSTRUCTIONS names.
const ByteKernels& BestByteKernels();

}  // namespace ragpipe::text::internal
