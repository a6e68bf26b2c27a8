#pragma once

#include <string_view>
#include <vector>

#include "ragpipe/text/html_chunker.h"
#include "text/markdown/blocks.h"

namespace ragpipe::text::internal {

struct HtmlDocument {
  HtmlText text;
  std::vector<Block> blocks;  ///< of text.text, which they tile; as those of ScanMarkdownBlocks()
};

HtmlDocument ReadHtmlBlocks(std::string_view html, bool drop_boilerplate);

}  // namespace ragpipe::text::internal
