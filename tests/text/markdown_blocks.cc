// Prints the block structure of documents for check_commonmark.mjs: reads them from standard input, a NUL after each, and
// answers each with one line of JSON, [[kind, level, depth, first byte, end], ...].
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "text/markdown/blocks.h"

namespace {

const char* NameOf(ragpipe::text::internal::BlockKind kind) {
  using ragpipe::text::internal::BlockKind;
  switch (kind) {
    case BlockKind::kFrontMatter:
      return "front_matter";
    case BlockKind::kHeading:
      return "heading";
    case BlockKind::kThematicBreak:
      return "thematic_break";
    case BlockKind::kFence:
    case BlockKind::kIndentedCode:
      return "code_block";
    case BlockKind::kHtml:
      return "html_block";
    case BlockKind::kTable:
      return "table";
    case BlockKind::kLinkDefinitions:
      return "link_definitions";
    case BlockKind::kParagraph:
      return "paragraph";
    case BlockKind::kQuote:
      return "block_quote";
    case BlockKind::kList:
      return "list";
    case BlockKind::kItem:
      return "item";
  }
  return "";
}

}  // namespace

int main() {
  const std::string input{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  for (std::string_view rest = input; !rest.empty();) {
    const std::string_view text = rest.substr(0, rest.find('\0'));
    std::cout << '[';
    const char* comma = "";
    for (const auto& block : ragpipe::text::internal::ScanMarkdownBlocks(text)) {
      std::cout << comma << "[\"" << NameOf(block.kind) << "\"," << int{block.level} << ',' << int{block.depth} << ','
                << block.begin << ',' << block.end << ']';
      comma = ",";
    }
    std::cout << "]\n";
    rest.remove_prefix(text.size() + 1);
  }
}
