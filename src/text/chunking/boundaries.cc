#include "text/chunking/boundaries.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <cstdint>

#include "core/utf8.h"
#include "text/chunking/byte_search.h"

namespace ragpipe::text::internal {
namespace {

bool IsSpace(UChar32 c) { return u_isUWhiteSpace(c) != 0; }

UGraphemeClusterBreak GraphemeBreakOf(UChar32 c) {
  return static_cast<UGraphemeClusterBreak>(u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK));
}

bool IsHangul(UGraphemeClusterBreak property) {
  return property == U_GCB_L || property == U_GCB_V || property == U_GCB_T;  // letters that form syllables
}

bool IsControl(UGraphemeClusterBreak property) {
  return property == U_GCB_CONTROL || property == U_GCB_CR || property == U_GCB_LF;
}

bool IsLineBreak(char c) { return c == '\n' || c == '\r'; }

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsAsciiVisible(char c) { return c > ' ' && c < 0x7F; }
bool IsAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Scripts that write words without spaces: those of which any two characters may stand on different lines (UAX #14).
bool IsUnspaced(UChar32 c) {
  switch (u_getIntPropertyValue(c, UCHAR_LINE_BREAK)) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_COMPLEX_CONTEXT:
      return true;
    default:
      return false;
  }
}

// What belongs to the word, or the space, before it (UAX #29, rule WB4).
bool IsIgnoredInWords(UChar32 c) {
  switch (u_getIntPropertyValue(c, UCHAR_WORD_BREAK)) {
    case U_WB_EXTEND:
    case U_WB_FORMAT:
    case U_WB_ZWJ:
      return true;
    default:
      return false;
  }
}

}  // namespace

CodePoint Decode(std::string_view text, std::size_t offset) {
  auto byte = [&text, offset](std::size_t i) { return static_cast<UChar32>(static_cast<unsigned char>(text[offset + i])); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t length = ragpipe::internal::Utf8SequenceLength(text.substr(offset, 4));
  if (length == 0) return {0xFFFD, 1};
  UChar32 c = byte(0) & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3F);
  return {c, length};
}

CodePoint DecodeBefore(std::string_view text, std::size_t offset) {
  std::size_t begin = offset - 1;
  while (begin > 0 && offset - begin < 4 && !ragpipe::internal::IsCodePointBoundary(text, begin)) --begin;
  return {Decode(text.substr(0, offset), begin).character, offset - begin};
}

bool IsSpaceAt(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return false;
  return IsAscii(text[offset]) ? IsAsciiSpace(text[offset]) : IsSpace(Decode(text, offset).character);
}

bool IsSpaceBefore(std::string_view text, std::size_t offset) {
  if (offset == 0) return false;
  return IsAscii(text[offset - 1]) ? IsAsciiSpace(text[offset - 1]) : IsSpace(DecodeBefore(text, offset).character);
}

std::size_t NextCodePoint(std::string_view text, std::size_t offset) {
  if (text[offset] == '\r' && offset + 1 < text.size() && text[offset + 1] == '\n') return offset + 2;
  return offset + Decode(text, offset).length;
}

std::size_t FindLineBreak(std::string_view text, std::size_t offset) {
  return FindByte</*kAboveAscii=*/false, '\n', '\r'>(text, offset);
}

std::size_t LineEnd(std::string_view text, std::size_t offset) {
  offset = FindLineBreak(text, offset);
  return offset == text.size() ? offset : NextCodePoint(text, offset);
}

bool IsBlankLine(std::string_view text, std::size_t offset) {
  if (offset < text.size() && IsAsciiVisible(text[offset])) return false;
  while (offset < text.size() && !IsLineBreak(text[offset]) && IsSpaceAt(text, offset)) offset = NextCodePoint(text, offset);
  return offset == text.size() || IsLineBreak(text[offset]);
}

std::size_t SkipBlankLines(std::string_view text, std::size_t offset) {
  while (offset < text.size() && IsBlankLine(text, offset)) {
    offset = text[offset] == '\n' ? offset + 1 : LineEnd(text, offset);
  }
  return offset;
}

std::size_t ParagraphEnd(std::string_view text, std::size_t offset) {
  offset = SkipBlankLines(text, offset);
  while (offset < text.size() && !IsBlankLine(text, offset)) offset = LineEnd(text, offset);
  return SkipBlankLines(text, offset);
}

bool IsSafeCut(std::string_view text, std::size_t offset) {
  if (offset == 0 || offset >= text.size()) return true;
  if (IsAscii(text[offset - 1]) && IsAscii(text[offset])) return !(text[offset - 1] == '\r' && text[offset] == '\n');
  const UChar32 before = DecodeBefore(text, offset).character;
  const UChar32 after = Decode(text, offset).character;
  const auto left = GraphemeBreakOf(before);
  const auto right = GraphemeBreakOf(after);
  if (IsControl(left) || IsControl(right)) return true;                                            // GB4, GB5
  if (right == U_GCB_EXTEND || right == U_GCB_ZWJ || right == U_GCB_SPACING_MARK) return false;    // GB9, GB9a
  if (IsHangul(right) && (IsHangul(left) || left == U_GCB_LV || left == U_GCB_LVT)) return false;  // GB6 to GB8
  if (left == U_GCB_L && (right == U_GCB_LV || right == U_GCB_LVT)) return false;                  // GB6
  const auto syllabic = [after] { return u_getIntPropertyValue(after, UCHAR_INDIC_SYLLABIC_CATEGORY); };
  if (left == U_GCB_EXTEND && syllabic() == U_INSC_CONSONANT) return false;      // GB9c: it may join a conjunct
  if (left == U_GCB_PREPEND || left == U_GCB_ZWJ) return false;                  // GB9b, GB11
  return left != U_GCB_REGIONAL_INDICATOR || right != U_GCB_REGIONAL_INDICATOR;  // GB12, GB13
}

bool IsWordStart(std::string_view text, std::size_t offset) {
  if (offset == 0) return true;
  if (IsAscii(text[offset - 1]) && IsAscii(text[offset])) return IsAsciiSpace(text[offset - 1]) && !IsAsciiSpace(text[offset]);
  if (IsSpaceAt(text, offset) || !IsSafeCut(text, offset)) return false;
  const UChar32 before = DecodeBefore(text, offset).character;
  const UChar32 after = Decode(text, offset).character;
  if (!IsSpace(before)) return IsUnspaced(before) && IsUnspaced(after);
  return u_getIntPropertyValue(before, UCHAR_LINE_BREAK) != U_LB_GLUE && !IsIgnoredInWords(after);  // glue: no-break space
}

absl::Status BoundaryScan::Start(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  size_ = text.size();
  if (iterator_ == nullptr) iterator_.reset(ubrk_open(type_, "", nullptr, 0, &error));
  UText* utext = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &error);
  if (U_SUCCESS(error)) ubrk_setUText(iterator_.get(), utext, &error);  // keeps a copy of the UText
  utext_close(utext);
  if (U_SUCCESS(error)) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("ICU cannot find text boundaries: {}; check that the data of ICU are installed", u_errorName(error)));
}

std::size_t BoundaryScan::Next() {
  const std::int32_t next = ubrk_next(iterator_.get());
  return next == UBRK_DONE ? size_ : static_cast<std::size_t>(next);
}

}  // namespace ragpipe::text::internal
