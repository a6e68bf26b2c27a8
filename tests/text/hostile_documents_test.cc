// Documents that are made to take a chunker's time, memory or stack: they come out whole. None would end if anything were
// quadratic.
#include <absl/status/status.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chunk_checks.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/normalize.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/tokenizer_json.h"
#include "support/catch.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Chunker;
using ragpipe::Document;
using ragpipe::text::Tokenizer;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string Repeat(std::string_view unit, std::size_t times) {
  std::string text;
  text.reserve(unit.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += unit;
  return text;
}

Document Typed(std::string text, std::string media_type) {
  Document document;
  document.text = std::move(text);
  document.media_type = std::move(media_type);
  return document;
}

std::shared_ptr<const Tokenizer> DefaultTokenizer() {
  auto tokenizer = ragpipe::text::LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
  REQUIRE_OK(tokenizer);
  return *tokenizer;
}

struct TypedChunker {
  std::unique_ptr<const Chunker> chunker;
  std::string media_type;
};

template <class T>
std::unique_ptr<const Chunker> Made(absl::StatusOr<T> chunker) {
  REQUIRE_OK(chunker);
  return std::make_unique<T>(*std::move(chunker));
}

// Those that tile their document.
std::vector<TypedChunker> Tiling(const std::shared_ptr<const Tokenizer>& tokenizer, std::size_t max_tokens) {
  using namespace ragpipe::text;
  std::vector<TypedChunker> chunkers;
  chunkers.push_back({Made(RecursiveChunker::Create(tokenizer, {.max_tokens = max_tokens})), "text/plain"});
  chunkers.push_back({Made(SentenceChunker::Create(tokenizer, {.max_tokens = max_tokens})), "text/plain"});
  chunkers.push_back({Made(FixedTokenChunker::Create(tokenizer, {.max_tokens = max_tokens})), "text/plain"});
  chunkers.push_back({Made(ContentDefinedChunker::Create(tokenizer, {.max_tokens = max_tokens})), "text/plain"});
  chunkers.push_back({Made(MarkdownChunker::Create(tokenizer, {.max_tokens = max_tokens})), "text/markdown"});
  for (const char* type : {"text/x-c++src", "text/x-python", "text/javascript", "application/sql", "text/x-sh"}) {
    chunkers.push_back({Made(CodeChunker::Create(tokenizer, {.max_tokens = max_tokens})), type});
  }
  return chunkers;
}

void RequireWhole(const std::string& text, const std::vector<Chunk>& chunks) {
  std::size_t at = 0;
  for (const Chunk& chunk : chunks) {
    REQUIRE(chunk.range.begin == at);
    REQUIRE(chunk.range.end > at);
    at = chunk.range.end;
  }
  REQUIRE(at == text.size());
}

}  // namespace

TEST_CASE("Bytes that are no text come out whole, from every chunker", "[hostile]") {
  const std::string nul(1, '\0');
  const std::vector<std::pair<const char*, std::string>> kinds = {
      {"lone continuation bytes", "\x80\xBF\xBF"},
      {"bytes that never occur", "\xC0\xC1\xF5\xFE\xFF"},
      {"overlong forms", "\xC0\x80\xE0\x80\x80\xF0\x80\x80\x80"},
      {"sequences cut short", "\xC3 \xE6\x97 \xF0\x9F\x91 "},
      {"surrogates", "\xED\xA0\x80 \xED\xBF\xBF \xED\xA0\xBD\xED\xB8\x80 "},
      {"above U+10FFFF", "\xF4\x90\x80\x80\xF8\x88\x80\x80\x80"},
      {"NUL", "a" + nul + nul + "b "},
      {"byte order marks", "\xEF\xBB\xBF"},
      {"U+FFFE and U+FFFF", "\xEF\xBF\xBE\xEF\xBF\xBF"},
      {"UTF-16", "\xFF\xFEh" + nul + "i" + nul + "\n" + nul},
  };
  for (const auto& tokenizer : {DefaultTokenizer(), std::shared_ptr<const Tokenizer>(ByteTokens())}) {
    for (const auto& [name, unit] : kinds) {
      for (const std::string& text : {unit, "# A text. " + unit + " More.\n\n" + unit, Repeat(unit, 3000)}) {
        for (const TypedChunker& each : Tiling(tokenizer, 40)) {
          INFO(name << ", " << text.size() << " bytes, " << each.chunker->Fingerprint());
          const auto chunks = each.chunker->Split(Typed(text, each.media_type));
          REQUIRE_OK(chunks);
          RequireWhole(text, *chunks);
          for (const Chunk& chunk : *chunks) REQUIRE(chunk.tokens <= 40);
        }
        const auto html = Made(ragpipe::text::HtmlChunker::Create(tokenizer, {.max_tokens = 40}));
        REQUIRE_OK(html->Split(Typed("<p title='" + text + "'>" + text, "text/html")));
        using ragpipe::text::NormalizationStep;
        REQUIRE_OK(ragpipe::text::Normalize(text, std::vector{NormalizationStep::kLineEnds, NormalizationStep::kNfc,
                                                              NormalizationStep::kInvisible, NormalizationStep::kWhiteSpace}));
      }
    }
  }
}

TEST_CASE("HTML bombs show what they show", "[hostile]") {
  using ragpipe::text::ReadHtml;
  constexpr std::size_t kDeep = 100000;
  const auto chunker = Made(ragpipe::text::HtmlChunker::Create(DefaultTokenizer(), {.max_tokens = 64}));
  std::vector<std::string> bombs;
  for (const char* unit : {"<div>", "<p>", "<b>", "<ul><li>", "<table><tr><td>", "<blockquote>", "<a href=x>", "<font><p>",
                           "<select><option>", "<svg><g>", "<h1><h2>", "</p>", "</b></div>", "<template>", "<button><form>"}) {
    bombs.push_back(Repeat(unit, kDeep) + "x");
  }
  bombs.push_back(Repeat("<div>", kDeep) + "x" + Repeat("</div>", kDeep));
  bombs.push_back(Repeat("&CounterClockwiseContourIntegral;", kDeep));
  bombs.push_back(Repeat("&#", kDeep) + Repeat("9", kDeep));
  bombs.push_back("&#" + Repeat("9", kMiB) + ";");
  bombs.push_back("&" + Repeat("a", kMiB));
  for (const char* open :
       {"<!--", "<![CDATA[", "<?", "<!", "</", "<script>", "<style>", "<textarea>", "<title>", "<p title=\"", "<p "}) {
    bombs.push_back("before " + std::string(open) + Repeat("- x='", kDeep));
    bombs.push_back("before " + Repeat(open, kDeep));
  }
  for (const std::string& bomb : bombs) {
    INFO(bomb.substr(0, 40) << "..., " << bomb.size() << " bytes");
    const auto seen = ReadHtml(bomb);
    REQUIRE(seen.text.size() <= 2 * bomb.size());
    const auto chunks = chunker->Split(Typed(bomb, "text/html"));
    REQUIRE_OK(chunks);
    std::string shown;
    for (const Chunk& chunk : *chunks) shown += chunk.text.value_or("");
    REQUIRE(shown == seen.text);
  }
}

TEST_CASE("Markdown and code that nest without end come out whole", "[hostile]") {
  const std::vector<std::string> units = {"> ",    "- ",      "1. ", "  - a\n",    "[",      "![",   "*", "`",
                                          "<div>", "| a ",    "# ",  "{",          "(",      "\"",   "'", "/*",
                                          "\\\n",  "#if 1\n", "`${", "  if x:\n ", "\"\"\"", "<<A\n"};
  const auto tokenizer = DefaultTokenizer();
  for (const std::string& unit : units) {
    const std::string text = Repeat(unit, 100000);
    for (const TypedChunker& each : Tiling(tokenizer, 256)) {
      INFO("'" << unit << "', " << each.media_type << ", " << each.chunker->Fingerprint());
      const auto chunks = each.chunker->Split(Typed(text, each.media_type));
      REQUIRE_OK(chunks);
      RequireWhole(text, *chunks);
    }
  }
}

TEST_CASE("A line of sixteen megabytes is counted and divided", "[hostile]") {
  const auto tokenizer = DefaultTokenizer();
  const auto chunker = Made(ragpipe::text::RecursiveChunker::Create(tokenizer, {.max_tokens = 512}));
  for (const std::string_view unit : {"x", "word, and another word. "}) {
    const std::string text = Repeat(unit, 16 * kMiB / unit.size());
    std::size_t tokens = tokenizer->Count(text);
    REQUIRE(tokens > 0);
    const auto chunks = chunker->Split(Typed(text, "text/plain"));
    REQUIRE_OK(chunks);
    RequireWhole(text, *chunks);
  }
}
