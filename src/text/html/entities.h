#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ragpipe::text::internal {

struct CharacterReference {
  std::size_t length = 0;  ///< of the reference; 0 when there is none
  std::string text;        ///< what it stands for, in UTF-8
};

/// The character reference that `text` begins with ("&amp;", "&#x41;"), as HTML reads it outside of attributes.
CharacterReference ReadCharacterReference(std::string_view text);

}  // namespace ragpipe::text::internal
