#include "text/tokenizer_json/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace ragpipe::text::internal {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

struct GraphemeRange {
  char32_t first;
  char32_t last;
  GraphemeClass kind;
};

using enum GraphemeClass;
#include "text/tokenizer_json/unicode_tables.inc"

template <class Range, std::size_t size>
const Range* Find(const Range (&ranges)[size], char32_t c) {
  const Range* it = std::lower_bound(std::begin(ranges), std::end(ranges), c,
                                     [](const Range& range, char32_t value) { return range.last < value; });
  return it != std::end(ranges) && it->first <= c ? it : nullptr;
}

UChar32 Icu(char32_t c) { return static_cast<UChar32>(c); }

/// Whether the character is of the version of Unicode that the reference normalises by. What is older keeps its
/// decomposition and its class for ever.
bool IsOfUnicode9(char32_t c) {
  UVersionInfo age;
  u_charAge(Icu(c), age);
  return age[0] != 0 && (age[0] < 9 || (age[0] == 9 && age[1] == 0));
}

bool IsHangulSyllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

const UNormalizer2* Nfc() {
  UErrorCode error = U_ZERO_ERROR;
  return unorm2_getNFCInstance(&error);
}

const UNormalizer2* Nfkc() {
  UErrorCode error = U_ZERO_ERROR;
  return unorm2_getNFKCInstance(&error);
}

bool IsConjunctLinker(char32_t c) { return std::binary_search(std::begin(kConjunctLinkers), std::end(kConjunctLinkers), c); }

}  // namespace

bool IsWhiteSpace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool IsWordCharacter(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z') || c == '_';
  return Find(kWordRanges, c) != nullptr;
}

bool IsMark(char32_t c) {
  if (c < 0x300 || !IsOfUnicode9(c)) return false;
  if (c == 0x1CF2 || c == 0x1CF3) return true;                             // letters since Unicode 12
  return c != 0x111C9 && (U_MASK(u_charType(Icu(c))) & U_GC_M_MASK) != 0;  // U+111C9 was punctuation
}

std::uint8_t CombiningClass(char32_t c) {
  if (c < 0x300) return 0;
  return IsOfUnicode9(c) ? u_getCombiningClass(Icu(c)) : std::uint8_t{0};
}

Decomposition Decompose(char32_t c, bool compatible) {
  Decomposition out;
  out.characters[0] = c;
  out.size = 1;
  if (c < 0xA0) return out;
  if (IsHangulSyllable(c)) {  // Unicode 15, section 3.12
    const char32_t index = c - 0xAC00;
    out.characters[0] = 0x1100 + index / 588;
    out.characters[1] = 0x1161 + index % 588 / 28;
    out.characters[2] = 0x11A7 + index % 28;
    out.size = index % 28 == 0 ? 2 : 3;
    return out;
  }
  if (!IsOfUnicode9(c)) return out;
  std::array<UChar, 2 * Decomposition::kMaxSize> utf16;
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t length = unorm2_getDecomposition(compatible ? Nfkc() : Nfc(), Icu(c), utf16.data(),
                                                      static_cast<std::int32_t>(utf16.size()), &error);
  if (U_FAILURE(error) || length < 0) return out;
  out.size = 0;
  for (std::int32_t i = 0; i < length && out.size < out.characters.size();) {
    UChar32 part;
    U16_NEXT(utf16.data(), i, length, part);
    out.characters[out.size++] = static_cast<char32_t>(part);
  }
  return out;
}

char32_t Compose(char32_t first, char32_t second) {
  if (second < 0x300) return 0;
  const UChar32 composite = unorm2_composePair(Nfc(), Icu(first), Icu(second));
  return composite >= 0 && IsOfUnicode9(static_cast<char32_t>(composite)) ? static_cast<char32_t>(composite) : 0;
}

LowerCase ToLower(char32_t c) {
  if (c < 0x80) return {c >= 'A' && c <= 'Z' ? c + 0x20 : c, 0};
  if (c == 0x130) return {U'i', 0x307};
  struct Range {
    char32_t first, last, lower;
  };
  // What an older ICU lacks.
  constexpr Range kSinceUnicode16[] = {{0x1C89, 0x1C89, 0x1C8A},   {0xA7CB, 0xA7CB, 0x0264}, {0xA7CC, 0xA7CC, 0xA7CD},
                                       {0xA7CE, 0xA7CE, 0xA7CF},   {0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5},
                                       {0xA7DA, 0xA7DA, 0xA7DB},   {0xA7DC, 0xA7DC, 0x019B}, {0x10D50, 0x10D65, 0x10D70},
                                       {0x16EA0, 0x16EB8, 0x16EBB}};
  for (const Range& range : kSinceUnicode16) {
    if (c >= range.first && c <= range.last) return {range.lower + (c - range.first), 0};
  }
  UVersionInfo age;
  u_charAge(Icu(c), age);
  return {age[0] != 0 && age[0] <= 15 ? static_cast<char32_t>(u_tolower(Icu(c))) : c, 0};
}

Utf8Character ToUtf8(char32_t c) {
  auto low = [c](unsigned shift) { return static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) return {{static_cast<char>(c)}, 1};
  if (c < 0x800) return {{static_cast<char>(0xC0U | (c >> 6U)), low(0)}, 2};
  if (c < 0x10000) return {{static_cast<char>(0xE0U | (c >> 12U)), low(6), low(0)}, 3};
  return {{static_cast<char>(0xF0U | (c >> 18U)), low(12), low(6), low(0)}, 4};
}

GraphemeClass ClassOfGrapheme(char32_t c) {
  if (c < 0x80) return c < 0x20 || c == 0x7F ? kControl : kOther;
  if (IsHangulSyllable(c)) return (c - 0xAC00) % 28 == 0 ? kHangulLV : kHangulLVT;
  const GraphemeRange* range = Find(kGraphemeRanges, c);
  return range == nullptr ? kOther : range->kind;
}

bool GraphemeBreaker::IsBreakBefore(char32_t c) {
  const GraphemeClass before = last_class_;
  const GraphemeClass kind = ClassOfGrapheme(c);
  bool is_break = true;
  if (!any_) {
    is_break = true;
  } else if (last_ == '\r' && c == '\n') {  // GB3
    is_break = false;
  } else if (before == kControl || kind == kControl) {  // GB4, GB5
    is_break = true;
  } else if (before == kHangulL) {  // GB6
    is_break = kind != kHangulL && kind != kHangulV && kind != kHangulLV && kind != kHangulLVT;
  } else if (before == kHangulLV || before == kHangulV) {  // GB7
    is_break = kind != kHangulV && kind != kHangulT;
  } else if (before == kHangulLVT || before == kHangulT) {  // GB8
    is_break = kind != kHangulT;
  }
  if (any_ && is_break && before != kControl && kind != kControl) {
    const bool joins = kind == kExtend || kind == kZwj || kind == kSpacingMark || before == kPrepend ||  // GB9, 9a, 9b
                       (kind == kConsonant && after_consonant_ && after_linker_) ||                      // GB9c
                       (kind == kPictographic && before == kZwj && after_pictographic_) ||               // GB11
                       (kind == kRegional && before == kRegional && odd_regionals_);                     // GB12, GB13
    is_break = !joins;
  }

  if (kind == kConsonant) {
    after_consonant_ = true;
    after_linker_ = false;
  } else if (IsConjunctLinker(c)) {
    after_linker_ = after_consonant_;
  } else if (Find(kConjunctExtendRanges, c) == nullptr) {
    after_consonant_ = after_linker_ = false;
  }
  after_pictographic_ = kind == kPictographic || (after_pictographic_ && before != kZwj && (kind == kExtend || kind == kZwj));
  odd_regionals_ = kind == kRegional && !(before == kRegional && odd_regionals_);
  any_ = true;
  last_ = c;
  last_class_ = kind;
  return is_break;
}

}  // namespace ragpipe::text::internal
