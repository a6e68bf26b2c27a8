#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ragpipe/chunk.h"

namespace ragpipe::text::internal {

struct HtmlToken {
  enum class Kind : std::uint8_t { kText, kStartTag, kEndTag, kOther };

  Kind kind = Kind::kText;
  ByteRange range;
  std::size_t tag = 0;     ///< HtmlTagIndex() of a tag
  bool hidden = false;     ///< start tag: has the attribute `hidden`, or a style of display: none
  bool references = true;  ///< text: has character references
};

/// Divides HTML into tags, text and the rest (comments, doctypes). The tokens tile the source. Linear on any input.
class HtmlTokenizer {
 public:
  explicit HtmlTokenizer(std::string_view html) : html_(html) {}

  /// False at the end.
  bool Next(HtmlToken& token);

 private:
  void ReadMarkup(HtmlToken& token);
  void ReadTag(HtmlToken& token);
  void ReadRawText(HtmlToken& token);
  std::size_t SkipPast(std::string_view end, std::size_t from) const;

  const std::string_view html_;
  std::size_t at_ = 0;
  std::size_t raw_ = 0;  // the tag whose end tag ends the raw text that comes; 0 when none does
};

}  // namespace ragpipe::text::internal
