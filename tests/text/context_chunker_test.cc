#include "ragpipe/text/context_chunker.h"

#include <absl/status/status.h>

#include <memory>
#include <string>
#include <vector>

#include "chunk_checks.h"
#include "ragpipe/adapters.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using namespace ragpipe::text;

namespace {

template <class T>
std::shared_ptr<const ragpipe::Chunker> Shared(absl::StatusOr<T> chunker) {
  return std::make_shared<const T>(Created(std::move(chunker)));
}

Document Titled(std::string text, std::string title) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/plain";
  document.metadata["title"] = std::move(title);
  return document;
}

std::vector<std::string> Contexts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> contexts;
  for (const Chunk& chunk : chunks) contexts.push_back(chunk.context);
  return contexts;
}

std::vector<Chunk> Split(const ragpipe::Chunker& chunker, const Document& document) {
  auto chunks = chunker.Split(document);
  REQUIRE_OK(chunks);
  return *std::move(chunks);
}

}  // namespace

TEST_CASE("Each chunk gets the title of its document", "[context]") {
  const auto recursive = Shared(RecursiveChunker::Create(WordTokens(), {.max_tokens = 6, .fill = Fill::kGreedy}));
  const auto chunker = Created(ContextChunker::Create(WordTokens(), recursive, {.max_tokens = 10, .max_context_tokens = 4}));
  const Document document = Titled("one two three four five six seven eight", "  The\n tide\ttable ");
  const auto chunks = Split(chunker, document);
  CHECK(Contexts(chunks) == std::vector<std::string>(2, "The tide table\n"));
  CHECK(chunks[0].tokens == 9);
  CHECK(chunks[1].tokens == 5);
  CHECK(FindFault(document.text, chunks, *WordTokens(), 10, 0) == "");
}

TEST_CASE("Lines come in the order of the fields, each only if it fits", "[context]") {
  const auto recursive = Shared(RecursiveChunker::Create(WordTokens(), {.max_tokens = 10}));
  const auto chunker = Created(ContextChunker::Create(
      WordTokens(), recursive,
      {.fields =
           {{"title", ""}, {"missing", "Missing: "}, {"empty", "Empty: "}, {"long", ""}, {"tags", "Tags: "}, {"year", "Year "}},
       .max_tokens = 22,
       .max_context_tokens = 12}));
  Document document = Titled("text", "A b");
  document.metadata["empty"] = " ";
  document.metadata["long"] = "one two three four five six seven eight nine ten eleven";
  document.metadata["tags"] = std::vector<std::string>{"x", "y"};
  document.metadata["year"] = std::int64_t{1999};
  CHECK(Contexts(Split(chunker, document)) == std::vector<std::string>{"A b\nTags: x, y\nYear 1999\n"});
  document.metadata.clear();
  CHECK(Contexts(Split(chunker, document)) == std::vector<std::string>{""});
}

TEST_CASE("The chunk's own context and text stay, after the lines", "[context]") {
  const auto markdown = Shared(MarkdownChunker::Create(WordTokens(), {.max_tokens = 12}));
  const auto chunker = Created(ContextChunker::Create(WordTokens(), markdown, {.max_tokens = 20, .max_context_tokens = 8}));
  Document document = Titled("# Part\n\none two three four five six.\n\nseven eight nine ten eleven twelve.\n", "Book");
  document.media_type = "text/markdown";
  const auto chunks = Split(chunker, document);
  REQUIRE(chunks.size() == 2);
  CHECK(Contexts(chunks) == std::vector<std::string>{"Book\n", "Book\nPart\n"});
  CHECK(chunks[1].headings == std::vector<std::string>{"Part"});
  CHECK(FindFault(document.text, chunks, *WordTokens(), 20, 0) == "");

  const auto html = Shared(HtmlChunker::Create(WordTokens(), {.max_tokens = 12}));
  document.text = "<p>seen <b>by</b> a reader</p>";
  document.media_type = "text/html";
  const auto of_html =
      Split(Created(ContextChunker::Create(WordTokens(), html, {.max_tokens = 20, .max_context_tokens = 8})), document);
  CHECK(of_html.at(0).context == "Book\n");
  CHECK(of_html.at(0).text == "seen by a reader");
  CHECK(of_html.at(0).tokens == 5);
}

TEST_CASE("The cap holds where counts do not add up", "[context]") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 500; ++round) {
    const auto tokenizer = round % 2 == 0 ? SeamTokens() : GroupTokens();
    std::string text;
    for (std::uint64_t n = random() % 60; n > 0; --n) text += random() % 4 == 0 ? "a. " : random() % 3 == 0 ? "bc" : " d";
    const std::size_t max_context = 1 + random() % 8;
    const std::size_t max_tokens = max_context + 2 + random() % 12;
    const auto recursive = Shared(RecursiveChunker::Create(
        tokenizer, {.max_tokens = max_tokens - max_context, .overlap_tokens = (max_tokens - max_context) / 2}));
    const auto chunker =
        Created(ContextChunker::Create(tokenizer, recursive, {.max_tokens = max_tokens, .max_context_tokens = max_context}));
    const Document document = Titled(text, random() % 2 == 0 ? "xyz" : "x yz. w");
    CAPTURE(text, max_tokens, max_context);
    REQUIRE(FindFault(text, Split(chunker, document), *tokenizer, max_tokens, max_tokens) == "");
  }
}

TEST_CASE("A chunker that leaves no room is found out", "[context]") {
  const auto recursive = Shared(RecursiveChunker::Create(ByteTokens(), {.max_tokens = 20}));
  const auto chunker = Created(ContextChunker::Create(ByteTokens(), recursive, {.max_tokens = 20, .max_context_tokens = 8}));
  const absl::Status status = chunker.Split(Titled("seventeen letters", "title")).status();
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  const std::string message(status.message());
  CHECK(message.find("17 tokens") != std::string::npos);
  CHECK(message.find("at most 12 tokens") != std::string::npos);
  CHECK(message.find("letters") == std::string::npos);
  REQUIRE_OK(chunker.Split(Titled("twelve bytes", "title")));
}

TEST_CASE("ContextChunker says whether its counts are estimates, and refuses options by name", "[context]") {
  const auto estimate = Created(ApproximateTokenizer::Create(2));
  const auto whole = std::make_shared<ragpipe::FunctionChunker>("whole", [](const Document& document) {
    return std::vector<Chunk>{{.range = {0, document.text.size()}}};
  });
  CHECK(Split(Created(ContextChunker::Create(estimate, whole)), Titled("text", "t")).at(0).tokens_are_estimated);
  CHECK(Split(Created(ContextChunker::Create(estimate, whole)), Titled("text", "t")).at(0).tokens == 3);

  auto refused = [&](const std::string& part, ContextChunkerOptions options) {
    const absl::Status status = ContextChunker::Create(WordTokens(), whole, std::move(options)).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(status.message()).find(part) != std::string::npos);
  };
  refused("max_tokens", {.max_tokens = 0});
  refused("max_context_tokens", {.max_context_tokens = 0});
  refused("max_context_tokens", {.max_tokens = 64, .max_context_tokens = 64});
  refused("fields", {.fields = {}});
  refused("fields", {.fields = {{"", "Title: "}}});
  refused("fields", {.fields = {{"title", "\xC3"}}});
  CHECK(ContextChunker::Create(nullptr, whole).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(ContextChunker::Create(WordTokens(), nullptr).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(Created(ContextChunker::Create(WordTokens(), whole)).Fingerprint() ==
        "ragpipe.context/1(max_tokens=512,max_context_tokens=64,fields=[\"\",\"title\"],tokenizer=words,whole)");
}
