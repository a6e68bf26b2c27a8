#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ragpipe::embed::internal {

/// The vectors of a vocabulary: rows of numbers, through a mapping where tokens share rows, times a weight of each token.
class StaticTable {
 public:
  /// Borrows `safetensors`.
  /// Errors: kInvalidArgument, kUnimplemented.
  static absl::StatusOr<StaticTable> Parse(std::string_view safetensors, std::size_t vocabulary_size);

  std::size_t dimension() const { return dimension_; }

  /// The sum of the vectors of `tokens`, which are below the vocabulary's size, in sum[dimension()].
  void Sum(std::span<const std::uint32_t> tokens, std::span<float> sum) const;

 private:
  enum class Type { kInt8, kFloat16, kFloat32 };

  const char* Row(std::uint32_t token) const {
    return rows_.data() + (mapping_.empty() ? token : mapping_[token]) * row_bytes_;
  }
  void Prefetch(std::uint32_t token) const;

  template <class T>
  void SumRows(std::span<const std::uint32_t> tokens, std::span<float> sum) const;

  std::string_view rows_;
  Type type_ = Type::kFloat32;
  std::size_t dimension_ = 0;
  std::size_t row_bytes_ = 0;
  std::vector<std::uint32_t> mapping_;  // token to row; empty = the same
  std::vector<float> weights_;          // empty = 1
};

}  // namespace ragpipe::embed::internal
