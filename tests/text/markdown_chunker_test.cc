#include "ragpipe/text/markdown_chunker.h"

#include <string>
#include <vector>

#include "chunk_checks.h"
#include "ragpipe/text/recursive_chunker.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::MarkdownChunker;
using ragpipe::text::MarkdownChunkerOptions;

namespace {

using Strings = std::vector<std::string>;

std::vector<Chunk> Split(const std::string& text, MarkdownChunkerOptions options) {
  Document document;
  document.text = text;
  document.media_type = "text/markdown";
  const auto tokenizer = WordTokens();
  const auto chunks = Created(MarkdownChunker::Create(tokenizer, options)).Split(document);
  REQUIRE_OK(chunks);
  REQUIRE(FindFault(text, *chunks, *tokenizer, options.max_tokens, 0) == "");
  return *chunks;
}

Strings Texts(const std::string& text, MarkdownChunkerOptions options) {
  Strings texts;
  for (const Chunk& chunk : Split(text, options)) texts.push_back(EmbeddedText(text, chunk));
  return texts;
}

// The plain text of the one heading in `markdown`.
std::string HeadingOf(const std::string& markdown) {
  const auto chunks = Split(markdown, {100});
  REQUIRE(chunks.size() == 1);
  return chunks[0].headings.empty() ? "(none)" : chunks[0].headings.back();
}

// How many chunks hold a part of the range, or of the text `part`.
std::size_t ChunksOf(ragpipe::ByteRange range, const std::vector<Chunk>& chunks) {
  std::size_t count = 0;
  for (const Chunk& chunk : chunks) count += chunk.range.begin < range.end && chunk.range.end > range.begin ? 1 : 0;
  return count;
}

std::size_t ChunksOf(const std::string& part, const std::string& text, const std::vector<Chunk>& chunks) {
  const std::size_t begin = text.find(part);
  REQUIRE(begin != std::string::npos);
  return ChunksOf(ragpipe::ByteRange{begin, begin + part.size()}, chunks);
}

std::string Words(std::size_t count) {
  std::string words;
  for (std::size_t i = 0; i < count; ++i) words += (i == 0 ? "w" : " w") + std::to_string(i);
  return words;
}

}  // namespace

TEST_CASE("Sections are the first places to cut", "[markdown]") {
  const std::string text =
      "# Book\n\nAn introduction of six words.\n\n"
      "## One\n\n" +
      Words(8) +
      "\n\n"
      "## Two\n\n" +
      Words(8) + "\n\n### Detail\n\n" + Words(7) +
      "\n\n"
      "## Three\n\n" +
      Words(8) + "\n";
  const auto chunks = Split(text, {12});
  REQUIRE(chunks.size() == 5);
  CHECK(chunks[0].headings == Strings{"Book"});
  CHECK(OwnText(text, chunks[1]) == "## One\n\n" + Words(8) + "\n\n");
  CHECK(chunks[1].headings == Strings{"Book", "One"});
  CHECK(chunks[2].headings == Strings{"Book", "Two"});
  CHECK(OwnText(text, chunks[3]) == "### Detail\n\n" + Words(7) + "\n\n");
  CHECK(chunks[3].headings == Strings{"Book", "Two", "Detail"});
  CHECK(chunks[4].headings == Strings{"Book", "Three"});
  for (const Chunk& chunk : chunks) CHECK(chunk.context.empty());
}

TEST_CASE("Small sections of one parent share a chunk", "[markdown]") {
  const std::string text = "# A\n\n## B\n\nb b\n\n## C\n\nc c\n\n## D\n\n" + Words(30) + "\n\n## E\n\ne e\n";
  const auto chunks = Split(text, {20});
  CHECK(OwnText(text, chunks[0]) == "# A\n\n## B\n\nb b\n\n## C\n\nc c\n\n");
  CHECK(OwnText(text, chunks.back()) == "## E\n\ne e\n");
  CHECK(chunks.back().headings == Strings{"A", "E"});
}

TEST_CASE("A chunk that does not begin with its heading begins with the path", "[markdown]") {
  const std::string text = "# Alpha\n\n## Beta\n\n" + Words(20) + "\n\n" + Words(20) + "\n";
  SECTION("the whole path in at most a quarter of the cap") {
    const auto chunks = Split(text, {24});
    REQUIRE(chunks.size() > 1);
    CHECK(chunks[0].context.empty());
    CHECK(chunks[0].headings == Strings{"Alpha"});
    for (std::size_t i = 1; i < chunks.size(); ++i) {
      CHECK(chunks[i].context == "Alpha > Beta\n");
      CHECK(chunks[i].headings == Strings{"Alpha", "Beta"});
    }
  }
  SECTION("else the innermost heading") { CHECK(Split(text, {8}).back().context == "Beta\n"); }
  SECTION("else nothing") { CHECK(Split(text, {3}).back().context.empty()); }
  SECTION("nothing when it is not wanted") {
    for (const Chunk& chunk : Split(text, {.max_tokens = 24, .heading_context = false})) CHECK(chunk.context.empty());
  }
}

TEST_CASE("A heading stays with the beginning of its body", "[markdown]") {
  const std::string text = "# Title\n\n" + Words(11) + ". And " + Words(11) + ".\n\nEnd.\n";
  const auto chunks = Split(text, {12});
  CHECK(chunks[0].tokens > 4);  // a part of the paragraph, though the paragraph alone would not fit beside it
  CHECK(Texts("# A\n\n## B\n\n" + Words(12), {14})[0].substr(0, 14) == "# A\n\n## B\n\nw0 ");
}

TEST_CASE("Headings are read as a reader sees them", "[markdown]") {
  CHECK(HeadingOf("# Plain\n") == "Plain");
  CHECK(HeadingOf("## Closed ##\n") == "Closed");
  CHECK(HeadingOf("   ###  C# \t\n") == "C#");
  CHECK(HeadingOf("#Not one\n") == "(none)");
  CHECK(HeadingOf("\xEF\xBB\xBF# After a BOM\n") == "After a BOM");
  CHECK(HeadingOf("Two\nlines\n=====\n") == "Two lines");
  CHECK(HeadingOf("Level two\n---\n") == "Level two");
  CHECK(HeadingOf("# *Very* __bold__ `co*de` and snake_case 2 * 3\n") == "Very bold co*de and snake_case 2 * 3");
  CHECK(HeadingOf("# A [link [x]](http://a.b/(c)) and ![image](i.png) and [ref][r] [x]\n") ==
        "A link [x] and image and ref [x]");
  CHECK(HeadingOf("# <b>Tag</b> <https://a.b> \\*star\\* a < b\n") == "Tag https://a.b *star* a < b");
  CHECK(HeadingOf("#\n") == "");
  CHECK(HeadingOf("# " + std::string(1000, 'x') + "\n") == std::string(256, 'x'));
}

TEST_CASE("Code that looks like a heading is none", "[markdown]") {
  const std::string text =
      "# Real\n\n```sh\n# comment\n```\n\n    # indented\n\n<!--\n# in HTML\n-->\n\n- item\n  # nested\n\nend\n";
  for (const Chunk& chunk : Split(text, {5})) CHECK(chunk.headings == Strings{"Real"});
}

TEST_CASE("Fences stay whole when they fit", "[markdown]") {
  const std::string fence = "```cpp\nint a;\n\nint b;\n```\n";  // 13 tokens
  const std::string text = "before it\n\n" + fence + "\nafter it\n";
  SECTION("at top level") { CHECK(ChunksOf(fence, text, Split(text, {13})) == 1); }
  SECTION("below a heading that takes the room") {
    const std::string under = "# A heading of some length\n\n" + fence;
    CHECK(ChunksOf(fence, under, Split(under, {13})) == 1);
  }
  SECTION("in a list item and a quote") {
    const std::string inside = "  ~~~\n  # x\n\n  - y\n  ~~~\n";
    const std::string list = "- " + Words(10) + "\n\n" + inside + "\n- " + Words(10) + "\n";
    CHECK(ChunksOf(inside, list, Split(list, {12})) == 1);
    const std::string quote = "> " + Words(10) + "\n> ```\n> # x\n>\n> y\n> ```\n> " + Words(10) + "\n";
    CHECK(ChunksOf("> ```\n> # x\n>\n> y\n> ```\n", quote, Split(quote, {14})) == 1);
  }
}

TEST_CASE("A fence that is divided carries its opening line", "[markdown]") {
  std::string text = "```python\n";
  for (int i = 0; i < 12; ++i) text += "x = " + std::to_string(i) + "\n";
  text += "```\n\ntail\n";
  const auto chunks = Split(text, {16});
  REQUIRE(chunks.size() > 2);
  CHECK(chunks[0].context.empty());
  CHECK(chunks[1].context == "```python\n");
  CHECK(OwnText(text, chunks[1]).substr(0, 4) == "x = ");
  for (const Chunk& chunk : chunks) CHECK((OwnText(text, chunk).substr(0, 3) != "```" || &chunk == &chunks[0]));
}

TEST_CASE("A fence that is never closed reaches to the end", "[markdown]") {
  std::string text = "# H\n\n~~~ text\n";
  for (int i = 0; i < 20; ++i) text += "# line " + std::to_string(i) + "\n";
  const auto chunks = Split(text, {24});
  REQUIRE(chunks.size() > 2);
  for (std::size_t i = 0; i < chunks.size(); ++i) CHECK(chunks[i].headings == Strings{"H"});
  CHECK(chunks.back().context == "H\n~~~ text\n");
}

TEST_CASE("A table that is divided repeats its header", "[markdown]") {
  const std::string header = "| key | value |\n|:---|---:|\n";  // 5 + 11 tokens
  std::string text = header;
  for (int i = 0; i < 9; ++i) text += "| k" + std::to_string(i) + " | " + std::to_string(i) + " |\n";
  SECTION("when it takes less than half of the cap") {
    const auto chunks = Split(text, {40});
    REQUIRE(chunks.size() > 1);
    for (std::size_t i = 1; i < chunks.size(); ++i) {
      CHECK(chunks[i].context == header);
      CHECK(OwnText(text, chunks[i]).substr(0, 3) == "| k");
      CHECK(OwnText(text, chunks[i]).back() == '\n');
    }
  }
  SECTION("else not") {
    for (const Chunk& chunk : Split(text, {32})) CHECK(chunk.context.empty());
  }
  SECTION("after the heading path") {
    const auto chunks = Split("# Keys\n\n" + text, {40});
    REQUIRE(chunks.size() > 1);
    CHECK(chunks[1].context == "Keys\n" + header);
  }
  SECTION("and stays whole when it fits") {
    const std::string with_text = Words(20) + "\n\n" + text + "\n" + Words(20) + "\n";
    CHECK(ChunksOf(text, with_text, Split(with_text, {WordTokens()->Count(text)})) == 1);
  }
}

TEST_CASE("Front matter is a block of its own", "[markdown]") {
  const std::string yaml = "---\ntitle: a b\n# no heading\n---\n";
  const auto chunks = Split(yaml + "\n# Real\n\n" + Words(20) + "\n", {24});
  CHECK(chunks[0].headings.empty());
  CHECK(chunks[0].range.end == yaml.size() + 1);
  CHECK(chunks[1].headings == Strings{"Real"});
  // TOML; and a rule at the top that nothing closes.
  CHECK(Split("+++\n# k = 1\n+++\n", {100})[0].headings.empty());
  CHECK(Split("---\n# Heading\n", {4})[1].headings == Strings{"Heading"});
}

TEST_CASE("List items stay whole when they fit", "[markdown]") {
  const std::string first = "1. one\n\n   - nested a\n     b c\n";
  const std::string second = "2. two\n\n   > quoted d\n";
  const std::string third = "3. three\n";
  const std::string text = first + second + third + "\nend\n";
  for (const std::size_t max_tokens : {8U, 9U, 10U}) {
    const auto chunks = Split(text, {max_tokens});
    CHECK(ChunksOf(first, text, chunks) == 1);
    CHECK(ChunksOf(second, text, chunks) == 1);
    CHECK(ChunksOf(third, text, chunks) == 1);
  }
}

TEST_CASE("HTML blocks hide what is in them", "[markdown]") {
  for (const std::string html : {"<pre>\n\n# a\n</pre>\n", "<!--\n\n# a\n-->\n", "<?\n\n# a\n?>\n", "<!X\n\n# a\n>\n",
                                 "<![CDATA[\n\n# a\n]]>\n", "<div>\n# a\n", "<x-y z='1'>\n# a\n"}) {
    INFO(html);
    const auto chunks = Split(html + "\n# Real\n\ntext\n", {5});
    CHECK(chunks.back().headings == Strings{"Real"});
    CHECK(chunks.front().headings.empty());
    for (const Chunk& chunk : chunks) CHECK((chunk.headings.empty() || chunk.headings == Strings{"Real"}));
  }
}

TEST_CASE("Link definitions are no part of a setext heading", "[markdown]") {
  CHECK(HeadingOf("[a]: /url\nTitle\n===\n") == "(none)");  // the chunk begins with the definition
  CHECK(Split("[a]: /url\nTitle\n===\n", {5}).back().headings == Strings{"Title"});
  CHECK(HeadingOf("[a]: /url 'title\nof two lines'\n===\n") == "(none)");
}

TEST_CASE("Other media types are split as RecursiveChunker does", "[markdown]") {
  const auto tokenizer = WordTokens();
  Document document;
  document.text = "# Title\n\n" + Words(30) + "\n\n# Other\n\n" + Words(5);
  const auto chunker = Created(MarkdownChunker::Create(tokenizer, {16}));
  auto headings = [&](const std::string& media_type) {
    document.media_type = media_type;
    const auto chunks = chunker.Split(document);
    REQUIRE_OK(chunks);
    return chunks->front().headings;
  };
  for (const char* markdown : {"text/markdown", "Text/Markdown; charset=utf-8"}) CHECK(headings(markdown) == Strings{"Title"});
  for (const char* other : {"text/plain", "text/html", "text/markdownish", ""}) CHECK(headings(other).empty());

  document.media_type = "text/plain";
  const auto here = chunker.Split(document);
  const auto there = Created(ragpipe::text::RecursiveChunker::Create(tokenizer, {16})).Split(document);
  REQUIRE(here->size() == there->size());
  for (std::size_t i = 0; i < here->size(); ++i) CHECK((*here)[i].range == (*there)[i].range);
}

// The heading path and the whole blocks, against what the generator knows.
TEST_CASE("Structure is kept in random documents", "[markdown]") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 100; ++round) {
    std::string text;
    std::vector<std::pair<std::size_t, Strings>> paths = {{0, {}}};  // from which byte on
    std::vector<ragpipe::ByteRange> whole;
    Strings names(6);
    std::size_t last = 0;
    for (std::size_t n = 1 + random() % 30; n > 0; --n) {
      const std::size_t begin = text.size();
      switch (random() % 6) {
        case 0: {
          const std::size_t level = 1 + random() % 6;
          names[level - 1] = "h" + std::to_string(begin);
          for (std::size_t i = level; i < names.size(); ++i) names[i].clear();
          Strings path;
          for (const std::string& name : names) {
            if (!name.empty()) path.push_back(name);
          }
          paths.emplace_back(begin, path);
          text += std::string(level, '#') + " " + names[level - 1] + "\n";
          break;
        }
        case 1:
          text += "```\n# " + Words(random() % 12) + "\n\n- x\n```\n";
          whole.push_back({begin, text.size()});
          break;
        case 2:
          text += "| a | b |\n|---|---|\n";
          for (std::size_t rows = random() % 8; rows > 0; --rows) text += "| " + Words(2) + " | c |\n";
          whole.push_back({begin, text.size()});
          break;
        case 3:
          text += "- " + Words(1 + random() % 10) + "\n\n  # inside\n";
          // The first block after a heading is divided rather than parted from it.
          if (paths.back().first < last) whole.push_back({begin, text.size()});
          break;
        default:
          text += Words(1 + random() % 40) + ".\n";
      }
      text += "\n";
      last = begin;
    }
    const std::size_t max_tokens = 4 + random() % 60;
    CAPTURE(text, max_tokens);
    const auto chunks = Split(text, {max_tokens});
    for (const Chunk& chunk : chunks) {
      const Strings* path = &paths.front().second;
      for (const auto& [begin, from_here] : paths) {
        if (begin <= chunk.range.begin) path = &from_here;
      }
      REQUIRE(chunk.headings == *path);
    }
    for (const ragpipe::ByteRange& block : whole) {
      if (WordTokens()->Count(std::string_view(text).substr(block.begin, block.size())) > max_tokens) continue;
      REQUIRE(ChunksOf(block, chunks) == 1);
    }
  }
}
