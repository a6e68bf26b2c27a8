#include "embed/static_table.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "embed/safetensors.h"

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and read in place");

namespace ragpipe::embed::internal {
namespace {

absl::Status Invalid(std::string_view what) { return absl::InvalidArgumentError(fmt::format("model.safetensors: {}", what)); }

absl::Status UnsupportedType(std::string_view name, const Tensor& tensor, std::string_view supported) {
  return absl::UnimplementedError(fmt::format("model.safetensors: {} is {}; supported are {}", name, tensor.dtype, supported));
}

struct Half {
  std::uint16_t bits;
};

float ToFloat(std::int8_t value) { return static_cast<float>(value); }
float ToFloat(float value) { return value; }
float ToFloat(double value) { return static_cast<float>(value); }

/// IEEE 754 binary16; infinities and NaN give other large numbers, see IsFinite(). Without a branch, so that a loop of it
/// becomes vector code: the multiplication moves the exponent's bias and makes subnormal numbers right too.
float ToFloat(Half half) {
  const std::uint32_t magnitude = (half.bits & 0x7FFFU) << 13U;
  const std::uint32_t sign = (half.bits & 0x8000U) << 16U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F) | sign);
}

bool IsFinite(float value) { return std::isfinite(value); }
bool IsFinite(double value) { return std::isfinite(static_cast<float>(value)); }
bool IsFinite(Half half) { return (half.bits & 0x7C00U) != 0x7C00U; }

template <class T>
T Read(const char* bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

template <class T>
bool AllFinite(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    if (!IsFinite(Read<T>(bytes.data(), i))) return false;
  }
  return true;
}

template <class T>
void AddRow(const char* row, float weight, std::span<float> sum) {
  float* const out = sum.data();
  const std::size_t size = sum.size();
  for (std::size_t i = 0; i < size; ++i) out[i] += weight * ToFloat(Read<T>(row, i));
}

template <class T>
absl::StatusOr<std::vector<float>> ReadWeights(const Tensor& tensor) {
  if (!AllFinite<T>(tensor.bytes)) return Invalid("'weights' has a number that is not finite");
  std::vector<float> weights(tensor.shape[0]);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = ToFloat(Read<T>(tensor.bytes.data(), i));
  return weights;
}

template <class T>
absl::StatusOr<std::vector<std::uint32_t>> ReadMapping(const Tensor& tensor, std::size_t rows) {
  std::vector<std::uint32_t> mapping(tensor.shape[0]);
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const T row = Read<T>(tensor.bytes.data(), i);
    if (row < 0 || static_cast<std::uint64_t>(row) >= rows) {
      return Invalid(fmt::format("'mapping' sends token {} to row {} of {}", i, row, rows));
    }
    mapping[i] = static_cast<std::uint32_t>(row);
  }
  return mapping;
}

absl::StatusOr<std::vector<float>> ParseWeights(const Tensor& tensor) {
  if (tensor.dtype == "F32") return ReadWeights<float>(tensor);
  if (tensor.dtype == "F16") return ReadWeights<Half>(tensor);
  if (tensor.dtype == "F64") return ReadWeights<double>(tensor);
  return UnsupportedType("'weights'", tensor, "F16, F32 and F64");
}

absl::StatusOr<std::vector<std::uint32_t>> ParseMapping(const Tensor& tensor, std::size_t rows) {
  if (tensor.dtype == "I32") return ReadMapping<std::int32_t>(tensor, rows);
  if (tensor.dtype == "I64") return ReadMapping<std::int64_t>(tensor, rows);
  return UnsupportedType("'mapping'", tensor, "I32 and I64");
}

/// Null where there is none.
absl::StatusOr<const Tensor*> FindPerToken(const std::map<std::string, Tensor>& tensors, const std::string& name,
                                           std::size_t vocabulary_size) {
  const auto it = tensors.find(name);
  if (it == tensors.end()) return nullptr;
  if (it->second.shape.size() != 1 || it->second.shape[0] != vocabulary_size) {
    return Invalid(fmt::format("'{}' is not one number for each of the {} tokens of tokenizer.json", name, vocabulary_size));
  }
  return &it->second;
}

}  // namespace

absl::StatusOr<StaticTable> StaticTable::Parse(std::string_view safetensors, std::size_t vocabulary_size) {
  RAGPIPE_ASSIGN_OR_RETURN(const auto tensors, ParseSafetensors(safetensors));
  auto rows = tensors.find("embeddings");
  if (rows == tensors.end()) rows = tensors.find("embedding.weight");  // the name in sentence-transformers
  if (rows == tensors.end()) return Invalid("there is neither 'embeddings' nor 'embedding.weight'");
  const Tensor& tensor = rows->second;
  if (tensor.shape.size() != 2 || tensor.shape[0] == 0 || tensor.shape[1] == 0) {
    return Invalid(fmt::format("'{}' is not a table of rows", rows->first));
  }

  StaticTable table;
  table.rows_ = tensor.bytes;
  table.dimension_ = tensor.shape[1];
  table.row_bytes_ = tensor.bytes.size() / tensor.shape[0];
  bool finite = true;
  if (tensor.dtype == "I8") {
    table.type_ = Type::kInt8;
  } else if (tensor.dtype == "F16") {
    table.type_ = Type::kFloat16;
    finite = AllFinite<Half>(tensor.bytes);
  } else if (tensor.dtype == "F32") {
    table.type_ = Type::kFloat32;
    finite = AllFinite<float>(tensor.bytes);
  } else {
    return UnsupportedType(rows->first, tensor, "I8, F16 and F32");
  }
  if (!finite) return Invalid(fmt::format("'{}' has a number that is not finite", rows->first));

  RAGPIPE_ASSIGN_OR_RETURN(const Tensor* mapping, FindPerToken(tensors, "mapping", vocabulary_size));
  RAGPIPE_ASSIGN_OR_RETURN(const Tensor* weights, FindPerToken(tensors, "weights", vocabulary_size));
  if (mapping != nullptr) {
    RAGPIPE_ASSIGN_OR_RETURN(table.mapping_, ParseMapping(*mapping, tensor.shape[0]));
  } else if (tensor.shape[0] != vocabulary_size) {
    return Invalid(
        fmt::format("'{}' has {} rows, but tokenizer.json {} tokens", rows->first, tensor.shape[0], vocabulary_size));
  }
  if (weights != nullptr) {
    RAGPIPE_ASSIGN_OR_RETURN(table.weights_, ParseWeights(*weights));
  }
  return table;
}

void StaticTable::Add(std::uint32_t token, std::span<float> sum) const {
  const std::size_t index = mapping_.empty() ? token : mapping_[token];
  const char* row = rows_.data() + index * row_bytes_;
  const float weight = weights_.empty() ? 1.0F : weights_[token];
  switch (type_) {
    case Type::kInt8:
      return AddRow<std::int8_t>(row, weight, sum);
    case Type::kFloat16:
      return AddRow<Half>(row, weight, sum);
    case Type::kFloat32:
      return AddRow<float>(row, weight, sum);
  }
}

}  // namespace ragpipe::embed::internal
