#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ragpipe::text::internal {

/// What an element means for the text that a reader sees.
struct HtmlTag {
  enum Trait : std::uint32_t {
    kVoid = 1U << 0,       ///< has no end tag and no content
    kRawText = 1U << 1,    ///< its content has no tags
    kUnseen = 1U << 2,     ///< never shown
    kBlock = 1U << 3,      ///< stands on lines of its own
    kParagraph = 1U << 4,  ///< with an empty line around it
    kHeading = 1U << 5,
    kPreformatted = 1U << 6,  ///< white space is kept
    kBoilerplate = 1U << 7,
    kList = 1U << 8,
    kItem = 1U << 9,
    kQuote = 1U << 10,
    kTable = 1U << 11,
    kRow = 1U << 12,
    kCell = 1U << 13,
    kRowGroup = 1U << 14,
    kReferences = 1U << 15,  ///< raw text with character references
    kClosesParagraph = 1U << 16,
  };
  std::string_view name;
  std::uint32_t traits = 0;

  bool Is(std::uint32_t any_of) const { return (traits & any_of) != 0; }
};

/// Of a name in lower case; elements that mean nothing here share one without a name. The index is below kHtmlTags.
std::size_t HtmlTagIndex(std::string_view name);
const HtmlTag& HtmlTagAt(std::size_t index);
constexpr std::size_t kHtmlTags = 128;

}  // namespace ragpipe::text::internal
