#include "embed/static_table.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
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

/// In blocks of a fixed size, which compilers turn into vector code at -O2 too.
template <class T>
void AddRow(const char* row, float weight, std::span<float> sum) {
  constexpr std::size_t kBlock = 16;
  std::size_t i = 0;
  for (; i + kBlock <= sum.size(); i += kBlock) {
    std::array<T, kBlock> values;
    std::memcpy(values.data(), row + i * sizeof(T), sizeof(values));
    std::array<float, kBlock> sums;
    std::memcpy(sums.data(), &sum[i], sizeof(sums));
    for (std::size_t k = 0; k < kBlock; ++k) sums[k] += weight * ToFloat(values[k]);
    std::memcpy(&sum[i], sums.data(), sizeof(sums));
  }
  for (; i < sum.size(); ++i) sum[i] += weight * ToFloat(Read<T>(row, i));
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

void StaticTable::Prefetch(std::uint32_t token) const {
  constexpr std::size_t kCacheLineBytes = 64;
  const char* row = Row(token);
  for (std::size_t i = 0; i < row_bytes_; i += kCacheLineBytes) __builtin_prefetch(row + i);
}

template <class T>
void StaticTable::SumRows(std::span<const std::uint32_t> tokens, std::span<float> sum) const {
  constexpr std::size_t kAhead = 4;  // the table is larger than the caches, and rows come in no order
  std::fill(sum.begin(), sum.end(), 0.0F);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i + kAhead < tokens.size()) Prefetch(tokens[i + kAhead]);
    AddRow<T>(Row(tokens[i]), weights_.empty() ? 1.0F : weights_[tokens[i]], sum);
  }
}

void StaticTable::Sum(std::span<const std::uint32_t> tokens, std::span<float> sum) const {
  switch (type_) {
    case Type::kInt8:
      return SumRows<std::int8_t>(tokens, sum);
    case Type::kFloat16:
      return SumRows<Half>(tokens, sum);
    case Type::kFloat32:
      return SumRows<float>(tokens, sum);
  }
}

}  // namespace ragpipe::embed::internal
