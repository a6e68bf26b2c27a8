#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::embed::internal {

/// A row-major array inside a safetensors file. Nothing is said about the alignment of its bytes.
struct Tensor {
  std::string dtype;  ///< as in the file: "F32"
  std::vector<std::size_t> shape;
  std::string_view bytes;  ///< as many as dtype and shape ask for
};

/// Reads the header of a safetensors file (https://github.com/huggingface/safetensors, "Format") and checks it: the tensors
/// tile the rest of the file. Borrows `file`.
/// Errors: kInvalidArgument.
absl::StatusOr<std::map<std::string, Tensor>> ParseSafetensors(std::string_view file);

}  // namespace ragpipe::embed::internal
