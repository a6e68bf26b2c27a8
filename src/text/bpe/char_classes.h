#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

/// What the patterns that cut text into pieces tell apart.
enum class CharClass : std::uint8_t {
  kOther,
  kSpace,  ///< White_Space but CR and LF
  kNewline,
  kNumber,
  kUpper,     ///< Lu, Lt
  kLower,     ///< Ll
  kCaseless,  ///< Lm, Lo
  kMark,
};

struct DecodedChar {
  char32_t character;
  std::size_t length;
};

/// The code point at `p`, in well-formed UTF-8.
inline DecodedChar DecodeValid(const char* p) {
  auto byte = [p](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

/// The classes of all code points under one version of Unicode, as a two-stage table.
class CharClasses {
 public:
  /// Unicode 16.0, as in tiktoken 0.14.
  static const CharClasses& Unicode16();

  CharClass Of(char32_t c) const { return blocks_[block_of_[c / kBlock] * kBlock + c % kBlock]; }

 private:
  static constexpr std::size_t kBlock = 64;

  CharClasses(const std::uint32_t* runs, std::size_t size);

  std::vector<std::uint16_t> block_of_;
  std::vector<CharClass> blocks_;
};

}  // namespace ragpipe::text::internal
