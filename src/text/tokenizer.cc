#include "ragpipe/text/tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace ragpipe::text {
namespace {

class RecountingRangeCounter final : public RangeCounter {
 public:
  RecountingRangeCounter(const Tokenizer& tokenizer, std::string_view text) : tokenizer_(tokenizer), text_(text) {}

  std::size_t Count(ByteRange range) const override {
    const std::size_t end = std::min(range.end, text_.size());
    return range.begin < end ? tokenizer_.Count(text_.substr(range.begin, end - range.begin)) : 0;
  }

 private:
  const Tokenizer& tokenizer_;
  std::string_view text_;
};

}  // namespace

RangeCounter::~RangeCounter() = default;

TokenEstimate RangeCounter::Estimate(ByteRange range) const {
  const std::size_t tokens = Count(range);
  return {tokens, tokens, tokens};
}

std::size_t RangeCounter::GuessSuffixBytes(ByteRange range, std::size_t tokens) const {
  const std::size_t all = Estimate(range).tokens;
  if (tokens >= all) return range.size();
  return static_cast<std::size_t>(static_cast<double>(range.size()) * static_cast<double>(tokens) / static_cast<double>(all));
}

Tokenizer::~Tokenizer() = default;

void Tokenizer::EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const {
  std::vector<Token> tokens;
  Encode(text, tokens);
  for (const Token& token : tokens) ids.push_back(token.id);
}

std::size_t Tokenizer::Count(std::string_view text) const {
  std::vector<Token> tokens;
  Encode(text, tokens);
  return tokens.size();
}

std::size_t Tokenizer::CountUpTo(std::string_view text, std::size_t limit) const {
  const std::size_t count = Count(text);
  return count > limit ? limit + 1 : count;
}

std::unique_ptr<RangeCounter> Tokenizer::CountRanges(std::string_view text) const {
  return std::make_unique<RecountingRangeCounter>(*this, text);
}

}  // namespace ragpipe::text
