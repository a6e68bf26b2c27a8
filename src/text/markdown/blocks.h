#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

enum class BlockKind : std::uint8_t {
  kFrontMatter,
  kHeading,
  kThematicBreak,
  kFence,
  kIndentedCode,
  kHtml,
  kTable,
  kLinkDefinitions,
  kParagraph,
  // Containers:
  kQuote,
  kList,
  kItem,
};

/// Whole lines of a document. Siblings tile their parent: blank lines belong to the block before them.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t head_begin = 0;  ///< fence: the opening marker; table: the header row
  std::size_t head_end = 0;    ///< fence: after the opening line; table: after the delimiter row
  std::size_t tail_begin = 0;  ///< fence: the closing line; `end` where it has none
  BlockKind kind = BlockKind::kParagraph;
  std::uint8_t level = 0;  ///< of a heading, 1 to 6
  std::uint8_t depth = 0;  ///< containers around it
  bool goes_on = false;    ///< begins among the lines of a paragraph: another block might begin there were it the first line
};

/// The block structure of a Markdown document (CommonMark 0.31.2, GFM tables, YAML and TOML front matter), in the order of the
/// text, each container before its children. Linear. An empty document has no blocks, any other has at least one.
///
/// Containers are recognised to a depth of 32; what is nested deeper is text of the container around it.
///
/// The blocks are those from `begin` on, where one begins that is in no container and does not go on; only a scan from 0 looks
/// for front matter. Where the document goes on behind `text` (`is_last` is false), `text` ends with a line ending, and the
/// last block outside all containers, which what follows may change, is left out with those in it.
std::vector<Block> ScanMarkdownBlocks(std::string_view text, std::size_t begin = 0, bool is_last = true);

}  // namespace ragpipe::text::internal
