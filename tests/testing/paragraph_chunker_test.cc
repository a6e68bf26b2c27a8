#include "ragpipe/testing/paragraph_chunker.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace ragpipe::testing {
namespace {

std::vector<std::string> Pieces(const std::string& text) {
  const ParagraphChunker chunker;
  Document document;
  document.text = text;
  const auto chunks = chunker.Split(document);
  REQUIRE_OK(chunks);
  std::vector<std::string> pieces;
  for (const Chunk& chunk : *chunks) {
    pieces.push_back(text.substr(chunk.range.begin, chunk.range.size()) + "|" + std::to_string(chunk.tokens));
  }
  return pieces;
}

using Strings = std::vector<std::string>;

TEST_CASE("ParagraphChunker: one chunk a paragraph, with its words counted") {
  CHECK(Pieces("one two\nthree\n\nfour") == Strings{"one two\nthree\n\n|3", "four|1"});
  CHECK(Pieces("one\n\n \t\r\n\ntwo\n\n") == Strings{"one\n\n \t\r\n\n|1", "two\n\n|1"});
  CHECK(Pieces("\n\none\n\ntwo") == Strings{"\n\none\n\n|1", "two|1"});
  CHECK(Pieces("one\n") == Strings{"one\n|1"});
  CHECK(Pieces("caf\xC3\xA9 noir") == Strings{"caf\xC3\xA9 noir|2"});
}

TEST_CASE("ParagraphChunker: nothing and nothing but blanks") {
  CHECK(Pieces("").empty());
  CHECK(Pieces("\n \n\n") == Strings{"\n \n\n|0"});
}

}  // namespace
}  // namespace ragpipe::testing
