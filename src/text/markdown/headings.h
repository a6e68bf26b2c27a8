#pragma once

#include <string>
#include <string_view>

namespace ragpipe::text::internal {

/// What a reader sees of a heading: `source` is the block's text, with its markers. Emphasis, code, link and image markup, raw
/// HTML and backslashes are left out, white space is single spaces. At most 256 bytes: every chunk of a section repeats it.
std::string PlainHeading(std::string_view source);

}  // namespace ragpipe::text::internal
