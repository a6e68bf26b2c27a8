#include "text/bpe/piece_kernels.h"

#include <cstdlib>
#include <string_view>

namespace ragpipe::text::internal {

std::vector<const BpeKernels*> AllBpeKernels() {
  std::vector<const BpeKernels*> all;
#if defined(__x86_64__)
  const bool avx2 =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  if (avx512) all.push_back(&kAvx512BpeKernels);
  if (avx2) all.push_back(&kAvx2BpeKernels);
#endif
  all.push_back(&kPortableBpeKernels);
  return all;
}

const BpeKernels& GetBpeKernels() {
  static const BpeKernels& chosen = [&]() -> const BpeKernels& {
    const std::vector<const BpeKernels*> all = AllBpeKernels();
    const char* wanted = std::getenv("RAGPIPE_INSTRUCTIONS");
    for (const BpeKernels* kernels : all) {
      if (wanted != nullptr && std::string_view(wanted) == kernels->name) return *kernels;
    }
    return *all.front();
  }();
  return chosen;
}

}  // namespace ragpipe::text::internal
