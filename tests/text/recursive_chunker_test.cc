#include "ragpipe/text/recursive_chunker.h"

#include <string>
#include <vector>

#include "chunk_checks.h"
#include "support/catch.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::Fill;
using ragpipe::text::RecursiveChunker;
using ragpipe::text::RecursiveChunkerOptions;

namespace {

std::vector<Chunk> Split(const std::string& text, RecursiveChunkerOptions options,
                         const std::shared_ptr<RuleTokenizer>& tokenizer = WordTokens()) {
  Document document;
  document.text = text;
  const auto chunks = Created(RecursiveChunker::Create(tokenizer, options)).Split(document);
  REQUIRE_OK(chunks);
  REQUIRE(FindFault(text, *chunks, *tokenizer, options.max_tokens, options.overlap_tokens) == "");
  return *chunks;
}

std::vector<std::string> Texts(const std::string& text, RecursiveChunkerOptions options,
                               const std::shared_ptr<RuleTokenizer>& tokenizer = WordTokens()) {
  std::vector<std::string> texts;
  for (const Chunk& chunk : Split(text, options, tokenizer)) texts.emplace_back(OwnText(text, chunk));
  return texts;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("An empty document has no chunks, a short one is one", "[recursive]") {
  CHECK(Split("", {8}).empty());
  CHECK(Texts("\n one two \n", {8}) == Strings{"\n one two \n"});
  CHECK(Texts(" \n \n", {1}) == Strings{" \n \n"});
}

TEST_CASE("A text is divided at the highest level that fits", "[recursive]") {
  SECTION("paragraphs, with the blank lines after them") {
    CHECK(Texts("a b c\nd e\n\n\nf g h\ni j\n", {5}) == Strings{"a b c\nd e\n\n\n", "f g h\ni j\n"});
    CHECK(Texts("a b c\r\nd e\r\n \t\r\nf g h i j", {5}) == Strings{"a b c\r\nd e\r\n \t\r\n", "f g h i j"});
  }
  SECTION("lines") { CHECK(Texts("a b. c d\ne f. g h\n", {5}) == Strings{"a b. c d\n", "e f. g h\n"}); }
  SECTION("sentences, with the blanks after them") {
    CHECK(Texts("We came home.  Did you see it? So we left.", {5}) ==
          Strings{"We came home.  ", "Did you see it? ", "So we left."});
  }
  SECTION("ends of lines that one line of JSON writes as \\n") {
    CHECK(Texts("Hi. there\\n\\nTo you. all\\n1. x y", {9}) == Strings{"Hi. there\\n\\n", "To you. all\\n1. x y"});
    CHECK(Texts("a \\nabla b c. D e f", {6}) == Strings{"a \\nabla b c. ", "D e f"});
  }
  SECTION("what ends like a sentence though a small letter follows") {
    CHECK(Texts("we came home. did you (see it?) so \xE2\x80\x9Cwe left.\xE2\x80\x9D at 3.5 or", {7}) ==
          Strings{"we came home. ", "did you (see it?) ", "so \xE2\x80\x9Cwe left.\xE2\x80\x9D ", "at 3.5 or"});
  }
  SECTION("clauses") { CHECK(Texts("we came, saw it; and left", {3}) == Strings{"we came, ", "saw it; ", "and left"}); }
  SECTION("words") { CHECK(Texts("a bb ccc dddd", {2}) == Strings{"a bb ", "ccc dddd"}); }
  SECTION("grapheme clusters") {
    CHECK(Texts("abcdef", {.max_tokens = 3, .fill = Fill::kGreedy}, ByteTokens()) == Strings{"abc", "def"});
    CHECK(Texts("e\xCC\x81"
                "e\xCC\x81",
                {4}, ByteTokens()) == Strings{"e\xCC\x81", "e\xCC\x81"});
  }
  SECTION("code points, when a cluster does not fit") {
    CHECK(Texts("e\xCC\x81\xCC\x82", {3}, ByteTokens()) == Strings{"e\xCC\x81", "\xCC\x82"});
  }
}

TEST_CASE("Small paragraphs share a chunk, and the last one is not left over", "[recursive]") {
  CHECK(Texts("a b\n\nc d\n\ne f\n\ng h\n\n", {4}) == Strings{"a b\n\nc d\n\n", "e f\n\ng h\n\n"});
  // Nine words in chunks of eight: shared, not eight and one.
  const auto chunks = Split("a\n\nb\n\nc\n\nd\n\ne\n\nf\n\ng\n\nh\n\ni\n\n", {8});
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[0].tokens >= 3);
  CHECK(chunks[1].tokens >= 3);
}

TEST_CASE("A character that does not fit is an error with its place", "[recursive]") {
  Document document;
  document.text = "ab \xF0\x9F\x98\x80 cd";
  const auto chunks = Created(RecursiveChunker::Create(ByteTokens(), {3})).Split(document);
  REQUIRE(chunks.status().code() == absl::StatusCode::kOutOfRange);
  CHECK(std::string(chunks.status().message()) ==
        "the character at byte 3 takes 4 tokens, more than max_tokens = 3; raise max_tokens");
}

TEST_CASE("A CRLF is never divided", "[recursive]") {
  CHECK(Texts("ab\r\ncd\r\n", {2}, ByteTokens()) == Strings{"ab", "\r\n", "cd", "\r\n"});
  Document document;
  document.text = "ab\r\n";
  CHECK(Created(RecursiveChunker::Create(ByteTokens(), {1})).Split(document).status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("Overlap is whole words from the end of the chunk before", "[recursive]") {
  SECTION("as many as fit") {
    const std::string text = "one two three four five six seven eight nine ten";
    const auto chunks = Split(text, {6, 2});
    REQUIRE(chunks.size() > 1);
    CHECK(chunks[0].overlap == 0);
    for (std::size_t i = 1; i < chunks.size(); ++i) {
      const std::string repeated = text.substr(chunks[i].range.begin - chunks[i].overlap, chunks[i].overlap);
      const ragpipe::ByteRange before = chunks[i - 1].range;
      CHECK(WordTokens()->Count(repeated) ==
            std::min<std::size_t>(2, WordTokens()->Count(text.substr(before.begin, before.size()))));
      CHECK(chunks[i].context.empty());
    }
  }
  SECTION("less, so that a paragraph stays whole") {
    const std::string text = "a b c d e\n\nf g h i j\n\n";
    const auto chunks = Split(text, {6, 3});
    REQUIRE(chunks.size() == 2);
    CHECK(EmbeddedText(text, chunks[1]) == "e\n\nf g h i j\n\n");
    CHECK(chunks[1].tokens == 6);
  }
  SECTION("none, where no word fits") {
    for (const Chunk& chunk : Split("abcdefgh ijklmnop", {8, 4}, ByteTokens())) CHECK(chunk.overlap == 0);
  }
}

TEST_CASE("The cap holds when a whole is more than its parts", "[recursive]") {
  const auto tokenizer = SeamTokens();
  for (std::size_t max_tokens = 1; max_tokens < 12; ++max_tokens) {
    Split("a b c\n\nd e f. G h.\n\ni j k l m n o p q r s t u v w x y z", {max_tokens}, tokenizer);
  }
}
