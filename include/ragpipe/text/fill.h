#pragma once

#include <cstdint>

namespace ragpipe::text {

/// How full a chunker makes its chunks.
enum class Fill : std::uint8_t {
  kBalanced,  ///< cuts at the best boundary in the last third, shares what is left between the last two: no small rest
  kGreedy,    ///< as many units as fit: fewest chunks, a rest of any size, and an edit changes more of what follows
};

}  // namespace ragpipe::text
