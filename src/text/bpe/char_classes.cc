#include "text/bpe/char_classes.h"

#include <map>
#include <utility>

namespace ragpipe::text::internal {
namespace {

constexpr std::uint32_t kUnicode16Runs[] = {
#include "text/bpe/unicode_16_classes.inc"
};

constexpr std::size_t kCodePoints = 0x110000;

}  // namespace

const CharClasses& CharClasses::Unicode16() {
  static const CharClasses& classes = *new CharClasses(kUnicode16Runs, std::size(kUnicode16Runs));
  return classes;
}

CharClasses::CharClasses(const std::uint32_t* runs, std::size_t size) {
  std::map<std::vector<CharClass>, std::uint16_t> numbers;
  std::vector<CharClass> block(kBlock);
  block_of_.reserve(kCodePoints / kBlock);
  std::size_t run = 0;
  for (std::size_t c = 0; c < kCodePoints; ++c) {
    while (run + 1 < size && runs[run + 1] / 8 <= c) ++run;
    block[c % kBlock] = static_cast<CharClass>(runs[run] % 8);
    if (c % kBlock + 1 < kBlock) continue;
    const auto [it, is_new] = numbers.try_emplace(block, static_cast<std::uint16_t>(numbers.size()));
    if (is_new) blocks_.insert(blocks_.end(), block.begin(), block.end());
    block_of_.push_back(it->second);
  }
}

}  // namespace ragpipe::text::internal
