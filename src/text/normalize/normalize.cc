#include "ragpipe/text/normalize.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/boundaries.h"
#include "text/normalize/edited_text.h"

namespace ragpipe::text {
namespace {

using internal::EditedText;

NormalizedText WithLf(std::string_view text) {
  EditedText result(text);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t cr = text.find('\r', begin);
    const std::size_t end = cr == std::string_view::npos ? text.size() : cr;
    if (begin < end) result.Copy({begin, end});
    begin = end;
    if (cr == std::string_view::npos) break;
    begin = cr + (text.substr(cr, 2) == "\r\n" ? 2 : 1);
    result.Replace({cr, begin}, "\n");
  }
  return result.Take();
}

absl::StatusOr<NormalizedText> Composed(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return absl::OutOfRangeError(fmt::format("the text has {} bytes, more than ICU can normalize; divide it", text.size()));
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  NormalizedText result;
  icu::StringByteSink<std::string> sink(&result.text, static_cast<std::int32_t>(text.size()));
  icu::Edits edits;
  if (U_SUCCESS(error)) {
    nfc->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, &edits, error);
  }
  if (U_FAILURE(error)) {
    return absl::InternalError(
        fmt::format("ICU cannot normalize text: {}; check that the data of ICU are installed", u_errorName(error)));
  }
  auto range = [](std::int32_t begin, std::int32_t size) {
    return ByteRange{static_cast<std::size_t>(begin), static_cast<std::size_t>(begin) + static_cast<std::size_t>(size)};
  };
  for (auto edit = edits.getFineChangesIterator(); edit.next(error);) {
    result.map.Add({range(edit.sourceIndex(), edit.oldLength()), range(edit.destinationIndex(), edit.newLength())});
  }
  return result;
}

// The length of the invisible character at `offset`, or 0. All are of two or three bytes.
std::size_t InvisibleLength(std::string_view text, std::size_t offset) {
  const std::string_view rest = text.substr(offset, 3);
  if (rest.substr(0, 2) == "\xC2\xAD" || rest.substr(0, 2) == "\xD8\x9C") return 2;  // U+00AD, U+061C
  if (rest.size() < 3) return 0;
  const auto third = static_cast<unsigned char>(rest[2]);
  if (rest == "\xEF\xBB\xBF" || rest == "\xE1\xA0\x8E") return 3;  // U+FEFF, U+180E
  if (rest.substr(0, 2) == "\xE2\x80") return (third >= 0x8B && third <= 0x8F) || (third >= 0xAA && third <= 0xAE) ? 3 : 0;
  if (rest.substr(0, 2) == "\xE2\x81") return third >= 0xA0 && third <= 0xAF && third != 0xA5 ? 3 : 0;  // U+2060 to U+206F
  return 0;
}

NormalizedText WithoutInvisible(std::string_view text) {
  EditedText result(text);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = static_cast<unsigned char>(text[at]) < 0xC2 ? 0 : InvisibleLength(text, at);
    if (length > 0) {
      if (begin < at) result.Copy({begin, at});
      begin = at + length;
    }
    at += length > 0 ? length : 1;
  }
  if (begin < text.size()) result.Copy({begin, text.size()});
  return result.Take();
}

NormalizedText WithSingleSpaces(std::string_view text) {
  EditedText result(text);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!internal::IsSpaceAt(text, at)) {
      at = internal::NextCodePoint(text, at);
      continue;
    }
    const std::size_t run = at;
    int lines = 0;
    while (internal::IsSpaceAt(text, at)) {
      const char c = text[at];
      lines += c == '\n' || c == '\r' ? 1 : 0;
      at = internal::NextCodePoint(text, at);
    }
    const std::string_view wanted = run == 0 ? "" : lines == 0 ? (at == text.size() ? "" : " ") : lines == 1 ? "\n" : "\n\n";
    if (text.substr(run, at - run) == wanted) continue;
    if (begin < run) result.Copy({begin, run});
    result.Replace({run, at}, wanted);
    begin = at;
  }
  if (begin < text.size()) result.Copy({begin, text.size()});
  return result.Take();
}

absl::StatusOr<NormalizedText> Apply(NormalizationStep step, std::string_view text) {
  switch (step) {
    case NormalizationStep::kLineEnds:
      return WithLf(text);
    case NormalizationStep::kNfc:
      return Composed(text);
    case NormalizationStep::kInvisible:
      return WithoutInvisible(text);
    case NormalizationStep::kWhiteSpace:
      return WithSingleSpaces(text);
  }
  return absl::InvalidArgumentError(fmt::format("there is no normalization step {}", static_cast<int>(step)));
}

}  // namespace

absl::StatusOr<NormalizedText> Normalize(std::string_view text, std::span<const NormalizationStep> steps) {
  NormalizedText result{std::string(text), {}};
  for (const NormalizationStep step : steps) {
    RAGPIPE_ASSIGN_OR_RETURN(NormalizedText next, Apply(step, result.text));
    next.map = result.map.Then(next.map);
    result = std::move(next);
  }
  return result;
}

}  // namespace ragpipe::text
