#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ragpipe::text::internal {

// What `tokenizers` knows of characters. Each function is of the Unicode version that the reference has there, whatever the ICU
// at hand: normalisation forms and marks are of Unicode 9, \w of 16, graphemes and lower case of 17.

/// White_Space: the same since Unicode 6.3.
bool IsWhiteSpace(char32_t c);

/// \w of a regular expression.
bool IsWordCharacter(char32_t c);

/// General category M.
bool IsMark(char32_t c);

std::uint8_t CombiningClass(char32_t c);

/// The full decomposition of one character, canonical or compatible.
struct Decomposition {
  static constexpr std::size_t kMaxSize = 18;  // U+FDFA
  std::array<char32_t, kMaxSize> characters{};
  std::size_t size = 0;
};
Decomposition Decompose(char32_t c, bool compatible);

/// The primary composite of the pair; 0 where there is none.
char32_t Compose(char32_t first, char32_t second);

/// The lower case of one character, taken alone; `second` is 0 but for U+0130.
struct LowerCase {
  char32_t first = 0;
  char32_t second = 0;
};
LowerCase ToLower(char32_t c);

/// A character as UTF-8.
struct Utf8Character {
  std::array<char, 4> bytes{};
  std::size_t size = 0;

  operator std::string_view() const { return {bytes.data(), size}; }  // NOLINT: it is its bytes
};
Utf8Character ToUtf8(char32_t c);

/// Grapheme_Cluster_Break, with the consonants of rule GB9c. A Hangul syllable is kHangulLV or kHangulLVT.
enum class GraphemeClass : std::uint8_t {
  kOther,
  kControl,  // CR and LF as well
  kExtend,
  kZwj,
  kPictographic,
  kConsonant,
  kHangulL,
  kHangulV,
  kHangulT,
  kHangulLV,
  kHangulLVT,
  kPrepend,
  kRegional,
  kSpacingMark,
};
GraphemeClass ClassOfGrapheme(char32_t c);

/// Finds the ends of extended grapheme clusters (UAX #29), one character after the other.
class GraphemeBreaker {
 public:
  /// Whether a cluster begins at `c`, the character after all those given before.
  bool IsBreakBefore(char32_t c);

 private:
  bool any_ = false;
  char32_t last_ = 0;
  GraphemeClass last_class_ = GraphemeClass::kOther;
  bool after_pictographic_ = false;  // then Extend*, ZWJ at most
  bool after_consonant_ = false;     // then linkers and extends only
  bool after_linker_ = false;        // at least one of them a linker
  bool odd_regionals_ = false;
};

}  // namespace ragpipe::text::internal
