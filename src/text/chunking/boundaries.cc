#include "text/chunking/boundaries.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include "core/utf8.h"

namespace ragpipe::text::internal {
namespace {

// The code point at `offset`; ill-formed bytes count as U+FFFD.
UChar32 CodePointAt(std::string_view text, std::size_t offset) {
  const std::string_view rest = text.substr(offset, 4);
  const std::size_t length = ragpipe::internal::Utf8SequenceLength(rest);
  auto byte = [rest](std::size_t i) { return static_cast<UChar32>(static_cast<unsigned char>(rest[i])); };
  if (length == 0) return 0xFFFD;
  if (length == 1) return byte(0);
  UChar32 c = byte(0) & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3F);
  return c;
}

UChar32 CodePointBefore(std::string_view text, std::size_t offset) {
  std::size_t begin = offset - 1;
  while (begin > 0 && offset - begin < 4 && !ragpipe::internal::IsCodePointBoundary(text, begin)) --begin;
  return CodePointAt(text.substr(0, offset), begin);
}

bool IsSpace(UChar32 c) { return u_isUWhiteSpace(c) != 0; }

UGraphemeClusterBreak GraphemeBreakOf(UChar32 c) {
  return static_cast<UGraphemeClusterBreak>(u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK));
}

bool IsControl(UGraphemeClusterBreak property) {
  return property == U_GCB_CONTROL || property == U_GCB_CR || property == U_GCB_LF;
}

bool IsLineBreak(char c) { return c == '\n' || c == '\r'; }

}  // namespace

bool IsSpaceAt(std::string_view text, std::size_t offset) { return offset < text.size() && IsSpace(CodePointAt(text, offset)); }

bool IsSpaceBefore(std::string_view text, std::size_t offset) { return offset > 0 && IsSpace(CodePointBefore(text, offset)); }

std::size_t NextCodePoint(std::string_view text, std::size_t offset) {
  if (text.substr(offset, 2) == "\r\n") return offset + 2;
  const std::size_t length = ragpipe::internal::Utf8SequenceLength(text.substr(offset));
  return offset + (length == 0 ? 1 : length);
}

std::size_t LineEnd(std::string_view text, std::size_t offset) {
  while (offset < text.size() && !IsLineBreak(text[offset])) ++offset;
  if (offset == text.size()) return offset;
  return offset + (text.substr(offset, 2) == "\r\n" ? 2 : 1);
}

bool IsBlankLine(std::string_view text, std::size_t offset) {
  while (offset < text.size() && !IsLineBreak(text[offset]) && IsSpaceAt(text, offset)) offset = NextCodePoint(text, offset);
  return offset == text.size() || IsLineBreak(text[offset]);
}

std::size_t SkipBlankLines(std::string_view text, std::size_t offset) {
  while (offset < text.size() && IsBlankLine(text, offset)) offset = LineEnd(text, offset);
  return offset;
}

std::size_t ParagraphEnd(std::string_view text, std::size_t offset) {
  offset = SkipBlankLines(text, offset);
  while (offset < text.size() && !IsBlankLine(text, offset)) offset = LineEnd(text, offset);
  return SkipBlankLines(text, offset);
}

bool IsSafeCut(std::string_view text, std::size_t offset) {
  if (offset == 0 || offset >= text.size()) return true;
  const UChar32 before = CodePointBefore(text, offset);
  const UChar32 after = CodePointAt(text, offset);
  if (before < 0x80 && after < 0x80) return !(before == '\r' && after == '\n');
  const auto left = GraphemeBreakOf(before);
  const auto right = GraphemeBreakOf(after);
  if (IsControl(left) || IsControl(right)) return true;                                          // GB4, GB5
  if (right == U_GCB_EXTEND || right == U_GCB_ZWJ || right == U_GCB_SPACING_MARK) return false;  // GB9, GB9a
  if (left == U_GCB_PREPEND || left == U_GCB_ZWJ) return false;                                  // GB9b, GB11
  return left != U_GCB_REGIONAL_INDICATOR || right != U_GCB_REGIONAL_INDICATOR;                  // GB12, GB13
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
