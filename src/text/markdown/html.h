#pragma once

#include <string_view>

namespace ragpipe::text::internal {

/// The kind (1 to 7, CommonMark 0.31.2 section 4.6) of the HTML block that a line begins, or 0. `line` is without indentation
/// and line ending.
int HtmlBlockKind(std::string_view line);

/// Whether an HTML block of kind 1 to 5 ends with this line. (Kinds 6 and 7 end before a blank line.)
bool EndsHtmlBlock(int kind, std::string_view line);

}  // namespace ragpipe::text::internal
