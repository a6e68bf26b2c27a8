#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "ragpipe/text/code_chunker.h"

namespace ragpipe::text::internal {

/// Whole lines of source code that belong together: a definition, a statement, an element of a list. What stands in its
/// brackets, or is indented below it, are its children; they tile it from `body` on. Blank lines and closing brackets belong to
/// the item before them.
struct CodeItem {
  static constexpr std::uint32_t kNoParent = std::numeric_limits<std::uint32_t>::max();

  std::size_t begin = 0;  ///< with its comments
  std::size_t code = 0;   ///< without comments and attributes
  std::size_t body = 0;   ///< where its first child begins; `end` where it has none
  std::size_t end = 0;
  std::uint32_t parent = kNoParent;
  std::uint8_t depth = 0;         ///< items around it
  bool has_block = false;         ///< its body is in braces or indented: no list of arguments
  bool after_blank = false;       ///< a blank line stands before it
  bool is_definition = false;     ///< its head is worth repeating: not a loop, not a call
  bool holds_statements = false;  ///< it is, or is inside of, the body of a function
};

/// In the order of the text, each before its children. Linear. Empty for an empty text.
std::vector<CodeItem> ScanCodeItems(std::string_view text, CodeLanguage language);

}  // namespace ragpipe::text::internal
