#include "ragpipe/text/approximate_tokenizer.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ragpipe::text {

class ApproximateTokenizer::Counter final : public RangeCounter {
 public:
  Counter(const ApproximateTokenizer& tokenizer, std::size_t size) : tokenizer_(tokenizer), size_(size) {}

  std::size_t Count(ByteRange range) const override {
    const std::size_t end = std::min(range.end, size_);
    return range.begin < end ? tokenizer_.CountBytes(end - range.begin) : 0;
  }

 private:
  const ApproximateTokenizer& tokenizer_;
  std::size_t size_;
};

absl::StatusOr<std::shared_ptr<const ApproximateTokenizer>> ApproximateTokenizer::Create(double bytes_per_token) {
  if (!(bytes_per_token >= 1.0 && bytes_per_token <= 1000.0)) {
    return absl::InvalidArgumentError(
        fmt::format("ApproximateTokenizer: bytes_per_token is {}; it must be from 1 to 1000", bytes_per_token));
  }
  return std::shared_ptr<const ApproximateTokenizer>(new ApproximateTokenizer(bytes_per_token));
}

void ApproximateTokenizer::Encode(std::string_view text, std::vector<Token>& out) const {
  const std::size_t count = Count(text);
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({0, {text.size() * i / count, text.size() * (i + 1) / count}});
  }
}

std::unique_ptr<RangeCounter> ApproximateTokenizer::CountRanges(std::string_view text) const {
  return std::make_unique<Counter>(*this, text.size());
}

std::string ApproximateTokenizer::Decode(const std::vector<std::uint32_t>& /*ids*/) const { return {}; }

std::string ApproximateTokenizer::Fingerprint() const { return fmt::format("ragpipe.approximate/1({})", bytes_per_token_); }

std::size_t ApproximateTokenizer::CountBytes(std::size_t bytes) const {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(bytes) / bytes_per_token_));
}

}  // namespace ragpipe::text
