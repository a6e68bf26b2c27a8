// Scans of a part of a document against the scan of all of it: what a stream of Markdown stands on.
#include <fmt/format.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "random_text.h"
#include "support/catch.h"
#include "support/seed.h"
#include "text/markdown/blocks.h"

using ragpipe::text::internal::Block;
using ragpipe::text::internal::ScanMarkdownBlocks;

namespace {

std::string Describe(const Block& block) {
  return fmt::format("[{}, {}) kind {} level {} depth {} head [{}, {}) tail {}", block.begin, block.end,
                     static_cast<int>(block.kind), block.level, block.depth, block.head_begin, block.head_end,
                     block.tail_begin);
}

// The first of `part` that is not the one of `all` from `first` on; empty where there is none.
std::string FindDifference(const std::vector<Block>& part, const std::vector<Block>& all, std::size_t first) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    const std::string expected = first + i < all.size() ? Describe(all[first + i]) : "none";
    if (Describe(part[i]) != expected) return Describe(part[i]) + " instead of " + expected;
  }
  return "";
}

}  // namespace

TEST_CASE("Blocks of a text that goes on are those of the whole", "[markdown][scan]") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = RandomMarkdown(random, 1 + random() % 1500);
    CAPTURE(text);
    const std::vector<Block> all = ScanMarkdownBlocks(text);
    std::size_t most = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1)) {
      const auto part = ScanMarkdownBlocks(std::string_view(text).substr(0, end + 1), 0, /*is_last=*/false);
      REQUIRE(FindDifference(part, all, 0) == "");
      most = std::max(most, part.size());
    }
    std::size_t last = all.size() - 1;
    while (all[last].depth > 0) --last;
    // A front matter without an end is none, and what comes after link definitions is known only when the paragraph ends.
    const bool without_end = most == 0 && (text.find("---") < 4 || text.find("+++") < 4);
    if (!without_end && !all[last].goes_on) REQUIRE(most == last);
  }
}

TEST_CASE("Blocks from the begin of one on are those of the whole", "[markdown][scan]") {
  RAGPIPE_RANDOM_TEST(random);
  std::size_t begins = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::string text = RandomMarkdown(random, 1 + random() % 1500);
    CAPTURE(text);
    const std::vector<Block> all = ScanMarkdownBlocks(text);
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i].depth > 0 || all[i].goes_on) continue;
      ++begins;
      const auto part = ScanMarkdownBlocks(text, all[i].begin);
      REQUIRE(FindDifference(part, all, i) == "");
      REQUIRE(part.size() == all.size() - i);
    }
  }
  CHECK(begins > 1000);
}
