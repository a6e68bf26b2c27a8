#pragma once

#include "text/bpe/piece_walk.h"

namespace ragpipe::text::internal {

/// For any machine.
extern const BpeKernels kPortableBpeKernels;

#if defined(__x86_64__)
/// For processors with AVX2, BMI and LZCNT; and for those with AVX-512 F, BW and VL too.
extern const BpeKernels kAvx2BpeKernels;
extern const BpeKernels kAvx512BpeKernels;
#endif

}  // namespace ragpipe::text::internal
