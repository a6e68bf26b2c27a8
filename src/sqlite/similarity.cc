#include "sqlite/similarity.h"

#include <cstring>

namespace ragpipe::sqlite {
namespace {

// A compiler may not reorder float sums by itself, so the lanes are spelled out.
constexpr std::size_t kLanes = 8;
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

#define RAGPIPE_INLINE inline __attribute__((always_inline))

template <std::size_t kUnroll, class Step>
RAGPIPE_INLINE void ForEachLanes(const float* query, const float* row, std::size_t dimension, const Step& step) {
  std::size_t i = 0;
  for (; i + kUnroll * kLanes <= dimension; i += kUnroll * kLanes) {
    for (std::size_t u = 0; u < kUnroll; ++u) {
      Lanes q;
      Lanes r;
      std::memcpy(&q, query + i + u * kLanes, sizeof(q));
      std::memcpy(&r, row + i + u * kLanes, sizeof(r));
      step(u, q, r);
    }
  }
  for (; i < dimension; i += kLanes) {  // the rest, filled up with zeros, which add nothing
    const std::size_t bytes = (dimension - i < kLanes ? dimension - i : kLanes) * sizeof(float);
    Lanes q{};
    Lanes r{};
    std::memcpy(&q, query + i, bytes);
    std::memcpy(&r, row + i, bytes);
    step(0, q, r);
  }
}

RAGPIPE_INLINE float Sum(const Lanes (&sums)[4]) {
  const Lanes all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float total = 0;
  for (std::size_t i = 0; i < kLanes; ++i) total += all[i];
  return total;
}

RAGPIPE_INLINE Products ProductsOf(const float* query, const float* row, std::size_t dimension) {
  Lanes dots[4] = {};
  Lanes squares[4] = {};
  ForEachLanes<4>(query, row, dimension, [&](std::size_t u, const Lanes& q, const Lanes& r) {
    dots[u] += q * r;
    squares[u] += r * r;
  });
  return {Sum(dots), Sum(squares)};
}

RAGPIPE_INLINE float SquaredDistanceOf(const float* query, const float* row, std::size_t dimension) {
  Lanes sums[4] = {};
  ForEachLanes<4>(query, row, dimension, [&](std::size_t u, const Lanes& q, const Lanes& r) {
    const Lanes difference = q - r;
    sums[u] += difference * difference;
  });
  return Sum(sums);
}

Products ProductsPlain(const float* query, const float* row, std::size_t dimension) {
  return ProductsOf(query, row, dimension);
}

float SquaredDistancePlain(const float* query, const float* row, std::size_t dimension) {
  return SquaredDistanceOf(query, row, dimension);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) Products ProductsAvx2(const float* query, const float* row, std::size_t dimension) {
  return ProductsOf(query, row, dimension);
}

__attribute__((target("avx2,fma"))) float SquaredDistanceAvx2(const float* query, const float* row, std::size_t dimension) {
  return SquaredDistanceOf(query, row, dimension);
}
#endif

SimilarityKernels Choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return {ProductsAvx2, SquaredDistanceAvx2};
#endif
  return {ProductsPlain, SquaredDistancePlain};
}

}  // namespace

const SimilarityKernels& GetSimilarityKernels() {
  static const SimilarityKernels kernels = Choose();
  return kernels;
}

}  // namespace ragpipe::sqlite
