#pragma once

#include <cstddef>

namespace ragpipe::sqlite {

struct Products {
  float dot = 0;      ///< query . row
  float squares = 0;  ///< row . row
};

/// The kernels of the vector scan, for the instruction set of this machine.
struct SimilarityKernels {
  Products (*products)(const float* query, const float* row, std::size_t dimension);
  float (*squared_distance)(const float* query, const float* row, std::size_t dimension);
};

const SimilarityKernels& GetSimilarityKernels();

}  // namespace ragpipe::sqlite
