#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/testing/check_chunker.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/context_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/normalize.h"
#include "ragpipe/text/normalizing_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/router_chunker.h"
#include "ragpipe/text/semantic_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "support/catch.h"

using namespace ragpipe;

namespace {

std::shared_ptr<const text::Tokenizer> Tokenizer() {
  const auto model = embed::DefaultModel();
  REQUIRE_OK(model);
  return model->tokenizer();
}

template <class T>
std::shared_ptr<const Chunker> Shared(absl::StatusOr<T> chunker) {
  REQUIRE_OK(chunker);
  return std::make_shared<T>(*std::move(chunker));
}

void CheckConforms(const testing::ChunkerFactory& factory, const text::Tokenizer& tokenizer, std::size_t max_tokens,
                   testing::ChunkerCheckOptions options = {}) {
  options.count_tokens = [&tokenizer](std::string_view text) { return tokenizer.Count(text); };
  options.tokens_are_estimated = !tokenizer.is_exact();
  options.max_tokens = max_tokens;
  const auto findings = testing::CheckChunker(factory, options);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}

Document DocumentOf(std::string media_type, std::string text) {
  Document document;
  document.id = media_type + " of " + std::to_string(text.size()) + " bytes";
  document.text = std::move(text);
  document.media_type = std::move(media_type);
  return document;
}

Document Page(std::string html) { return DocumentOf("text/html", std::move(html)); }

std::vector<Document> Pages() {
  const std::string body =
      "<h1>Tides</h1>\r\n<p>Twice a day, &amp; <b>often</b> late.\r\n<span hidden>Not seen.</span> caf&eacute;</p>\r\n\r\n"
      "<pre>\r\none\r\n\r\ntwo\r\n</pre><ul><li>ebb<li>flood</ul><script>var hidden = '\r\n';</script>\r\n"
      "<table><tr><th>place<th>height<tr><td>\u00DCber<td>1<tr><td>\u6F22\u5B57<td>2</table>\r\n<!-- note -->";
  std::string site = "<!doctype html>\r\n<title>All</title>\r\n";
  for (int i = 0; i < 40; ++i) site += body;
  return {Page("\uFEFF<!doctype html>\r\n<title>Tides</title>" + body), Page("no tags,\r\nbut lines\r\n\r\nand paragraphs"),
          Page("\r\n<p>\r\n<p>a\r\n"), Page("<script>nothing else\r\n</script>"), Page(std::move(site))};
}

/// For a chunker that drops a document as a whole, or nothing of it.
std::vector<ByteRange> AllIf(bool is_dropped, const Document& document) {
  return is_dropped ? std::vector<ByteRange>{{0, document.text.size()}} : std::vector<ByteRange>();
}

std::vector<Document> Programs() {
  std::string cxx = "#include <map>\r\n\r\n";
  std::string python = "import os\r\n\r\n";
  for (int i = 0; i < 20; ++i) {
    cxx += "// Tides.\r\nclass Tide" + std::to_string(i) +
           " {\r\n public:\r\n  int height() const {\r\n    return \"\u6F22\"[0];  // a byte\r\n  }\r\n};\r\n\r\n";
    python +=
        "class Tide" + std::to_string(i) +
        ":\r\n    \"\"\"Of a day.\r\n\r\n    Twice.\"\"\"\r\n\r\n    def height(self):\r\n        return '\u6F22'\r\n\r\n";
  }
  return {DocumentOf("text/x-c++src", cxx), DocumentOf("text/x-python", python), DocumentOf("text/x-python", "\"\"\"open\r\n")};
}

}  // namespace

TEST_CASE("RecursiveChunker conforms") {
  const auto tokenizer = Tokenizer();
  const std::size_t max_tokens = GENERATE(as<std::size_t>(), 8, 40, 512);
  const std::size_t overlap_tokens = GENERATE(as<std::size_t>(), 0, 5);
  const text::RecursiveChunkerOptions options{.max_tokens = max_tokens, .overlap_tokens = overlap_tokens};
  CheckConforms([&] { return Shared(text::RecursiveChunker::Create(tokenizer, options)); }, *tokenizer, max_tokens);
}

TEST_CASE("MarkdownChunker conforms") {
  const auto tokenizer = Tokenizer();
  const std::size_t max_tokens = GENERATE(as<std::size_t>(), 8, 40, 512);
  const text::MarkdownChunkerOptions options{.max_tokens = max_tokens};
  CheckConforms([&] { return Shared(text::MarkdownChunker::Create(tokenizer, options)); }, *tokenizer, max_tokens);
}

TEST_CASE("ContentDefinedChunker conforms, with the edit radius that it publishes") {
  const auto tokenizer = Tokenizer();
  const std::size_t cap = GENERATE(as<std::size_t>(), 8, 40, 512);
  const std::size_t overlap = GENERATE(as<std::size_t>(), 0, 5);
  CheckConforms(
      [&] { return Shared(text::ContentDefinedChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = overlap})); },
      *tokenizer, cap, {.edit_radius = text::ContentDefinedChunker::kRadius * cap});
}

TEST_CASE("FixedTokenChunker has no edit radius, and is found out when it claims one") {
  const auto tokenizer = Tokenizer();
  const auto fixed = Shared(text::FixedTokenChunker::Create(tokenizer, {.max_tokens = 40}));
  const auto findings = testing::CheckChunker(
      [&] { return fixed; },
      {.count_tokens = [&](std::string_view text) { return tokenizer->Count(text); }, .edit_radius = 200});
  INFO(testing::ToText(findings));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "chunker.edit_radius");
}

TEST_CASE("HtmlChunker conforms: its chunks tile a page, but for one that shows nothing") {
  const auto tokenizer = Tokenizer();
  const std::size_t cap = GENERATE(as<std::size_t>(), 8, 40, 512);
  const auto dropped = [](const Document& page) { return AllIf(text::ReadHtml(page.text).text.empty(), page); };
  CheckConforms([&] { return Shared(text::HtmlChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap, {.dropped = dropped, .documents = Pages()});
}

TEST_CASE("The other chunkers conform") {
  const auto tokenizer = Tokenizer();
  const std::size_t cap = GENERATE(as<std::size_t>(), 8, 40, 512);
  CheckConforms([&] { return Shared(text::FixedTokenChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap);
  CheckConforms([&] { return Shared(text::SentenceChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap);
  const auto embedder = std::make_shared<testing::HashEmbedder>();
  CheckConforms(
      [&] { return Shared(text::SemanticChunker::Create(tokenizer, embedder, {.max_tokens = cap, .overlap_tokens = 3})); },
      *tokenizer, cap);
  CheckConforms([&] { return Shared(text::CodeChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap, {.documents = Programs()});
  const auto markdown = Shared(text::MarkdownChunker::Create(tokenizer, {.max_tokens = cap}));
  const auto recursive = Shared(text::RecursiveChunker::Create(tokenizer, {.max_tokens = cap}));
  CheckConforms([&] { return Shared(text::RouterChunker::Create({{"text/markdown", markdown}}, recursive)); }, *tokenizer, cap);
}

TEST_CASE("Chunkers around another one conform") {
  const auto tokenizer = Tokenizer();
  const std::size_t cap = GENERATE(as<std::size_t>(), 8, 40, 512);
  const auto markdown = Shared(text::MarkdownChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3}));
  const auto titled =
      Shared(text::ContextChunker::Create(tokenizer, markdown, {.max_tokens = cap + 6, .max_context_tokens = 6}));
  std::vector<Document> documents = Pages();
  for (Document& document : documents) document.metadata["title"] = "Tide\r\ntable";
  for (Document& document : Pages()) {
    document.media_type = "text/markdown";
    documents.push_back(std::move(document));
  }
  CheckConforms([&] { return titled; }, *tokenizer, cap + 6);
  CheckConforms([&] { return titled; }, *tokenizer, cap + 6, {.documents = documents});
  const std::vector<text::NormalizationStep> steps = {text::NormalizationStep::kLineEnds, text::NormalizationStep::kNfc,
                                                      text::NormalizationStep::kInvisible,
                                                      text::NormalizationStep::kWhiteSpace};
  const auto dropped = [&steps](const Document& document) {
    const auto normalized = text::Normalize(document.text, steps);
    REQUIRE_OK(normalized);
    return AllIf(normalized->text.empty(), document);
  };
  const auto normalizing = Shared(text::NormalizingChunker::Create(markdown, steps));
  CheckConforms([&] { return normalizing; }, *tokenizer, cap, {.dropped = dropped});
  CheckConforms([&] { return normalizing; }, *tokenizer, cap, {.dropped = dropped, .documents = documents});
}

TEST_CASE("Chunkers that estimate say so in each count") {
  const auto made = text::ApproximateTokenizer::Create(3.5);
  REQUIRE_OK(made);
  const std::shared_ptr<const text::Tokenizer> tokenizer = *made;
  const auto recursive = Shared(text::RecursiveChunker::Create(tokenizer, {.max_tokens = 40}));
  CheckConforms([&] { return recursive; }, *tokenizer, 40);
  CheckConforms([&] { return Shared(text::FixedTokenChunker::Create(tokenizer, {.max_tokens = 40})); }, *tokenizer, 40);
  CheckConforms([&] { return Shared(text::ContentDefinedChunker::Create(tokenizer, {.max_tokens = 40})); }, *tokenizer, 40,
                {.edit_radius = text::ContentDefinedChunker::kRadius * 40});
  CheckConforms(
      [&] { return Shared(text::ContextChunker::Create(tokenizer, recursive, {.max_tokens = 46, .max_context_tokens = 6})); },
      *tokenizer, 46);
}
