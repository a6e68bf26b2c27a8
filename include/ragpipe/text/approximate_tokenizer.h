#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

/// Estimates counts for a model whose vocabulary is not at hand: one token for every `bytes_per_token` bytes, rounded up. It
/// says so: is_exact() is false, and every chunk counted by it has Chunk::tokens_are_estimated. A cap kept by it is not the
/// model's: leave room. English has about 4 bytes a token, Chinese 3 or fewer, code 3.
class RAGPIPE_EXPORT ApproximateTokenizer final : public Tokenizer {
 public:
  /// Errors: kInvalidArgument when `bytes_per_token` is not a number from 1 to 1000.
  static absl::StatusOr<std::shared_ptr<const ApproximateTokenizer>> Create(double bytes_per_token = 4.0);

  /// Tokens of id 0 that lie beside each other, each of at least one byte; not on code points.
  void Encode(std::string_view text, std::vector<Token>& out) const override;
  std::size_t Count(std::string_view text) const override { return CountBytes(text.size()); }
  std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const override;
  /// Empty: an estimate stands for no text.
  std::string Decode(const std::vector<std::uint32_t>& ids) const override;
  bool is_exact() const override { return false; }
  std::size_t vocabulary_size() const override { return 1; }
  std::string Fingerprint() const override;

 private:
  class Counter;
  explicit ApproximateTokenizer(double bytes_per_token) : bytes_per_token_(bytes_per_token) {}

  std::size_t CountBytes(std::size_t bytes) const;

  double bytes_per_token_;
};

}  // namespace ragpipe::text
