#pragma once

#include <cstddef>
#include <string_view>

namespace ragpipe::text::internal {

/// How many lines at the front of a paragraph are link reference definitions (CommonMark 0.31.2 section 4.7). `paragraph` has
/// lines that end with LF, without indentation and container markers.
std::size_t CountLinkDefinitionLines(std::string_view paragraph);

}  // namespace ragpipe::text::internal
