// The laws that every tokenizer and every chunker keeps, on texts that rapidcheck makes up and then shortens to the smallest
// that breaks one. A new chunker is one more entry of Chunkers(), a new tokenizer one more of Tokenizers().
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rapidcheck.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chunk_checks.h"
#include "core/utf8.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/context_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/normalizing_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/router_chunker.h"
#include "ragpipe/text/semantic_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer_json.h"
#include "support/catch.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Chunker;
using ragpipe::Document;
using ragpipe::text::Token;
using ragpipe::text::Tokenizer;

namespace {

using TokenizerPointer = std::shared_ptr<const Tokenizer>;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct NamedTokenizer {
  std::string name;
  TokenizerPointer tokenizer;
  bool lossless = false;  ///< Decode() gives back any text
  bool reorders = false;  ///< its normalisation may put marks into another order
};

// Real ones: the default model's, one of each family of the golden file, and those whose rank files were fetched.
const std::vector<NamedTokenizer>& Tokenizers() {
  static const auto& tokenizers = *new std::vector<NamedTokenizer>([] {
    std::vector<NamedTokenizer> made;
    auto wordpiece = ragpipe::text::LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
    REQUIRE_OK(wordpiece);
    made.push_back({"default model", *wordpiece});
    const auto golden = nlohmann::json::parse(ReadFile(RAGPIPE_TEST_DATA "/tokenizer_json_golden.json"));
    for (const auto& golden_case : golden["cases"]) {
      auto tokenizer = ragpipe::text::TokenizerFromJson(golden_case["tokenizer"].dump());
      REQUIRE_OK(tokenizer);
      const bool reorders = golden_case["tokenizer"].dump().find("\"NF") != std::string::npos;
      made.push_back({golden_case["name"].get<std::string>(), *tokenizer, false, reorders});
    }
    const char* ranks = std::getenv("RAGPIPE_RANK_FILES");
    using ragpipe::text::TiktokenEncoding;
    for (const auto encoding : {TiktokenEncoding::kCl100kBase, TiktokenEncoding::kO200kBase, TiktokenEncoding::kR50kBase}) {
      const std::string name(ToString(encoding));
      auto tiktoken =
          ragpipe::text::Tiktoken::Open(encoding, std::string(ranks == nullptr ? "" : ranks) + "/" + name + ".tiktoken");
      if (tiktoken.ok()) made.push_back({name, *tiktoken, true});
    }
    return made;
  }());
  return tokenizers;
}

// The tokens of a text that begins at `offset`.
std::vector<Token> Encoded(const Tokenizer& tokenizer, const std::string& text, std::size_t offset) {
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  for (Token& token : tokens) token.range = {offset + token.range.begin, offset + token.range.end};
  return tokens;
}

std::vector<Token> Joined(std::vector<Token> before, const std::vector<Token>& after) {
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

struct Caps {
  std::size_t max_tokens = 0;
  std::size_t overlap_tokens = 0;
  std::size_t min_tokens = 0;
  std::size_t max_bytes = SIZE_MAX;
};

using ChunkerPointer = std::shared_ptr<const Chunker>;

struct NamedChunker {
  std::string name;
  std::string media_type;
  std::function<absl::StatusOr<ChunkerPointer>(const TokenizerPointer&, const Caps&)> make;
  bool overlaps = false;
  bool shows = false;  ///< Chunk::text is what a reader sees of markup: ranges are of the source, which has other characters
};

template <class T>
absl::StatusOr<ChunkerPointer> Shared(absl::StatusOr<T> chunker) {
  if (!chunker.ok()) return chunker.status();
  return std::make_shared<T>(*std::move(chunker));
}

template <class Options>
Options With(const Caps& caps) {
  return {.max_tokens = caps.max_tokens,
          .overlap_tokens = caps.overlap_tokens,
          .min_tokens = caps.min_tokens,
          .max_bytes = caps.max_bytes};
}

const std::vector<NamedChunker>& Chunkers() {
  using namespace ragpipe::text;
  static const auto& chunkers = *new std::vector<NamedChunker>{
      {"recursive", "text/plain",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(RecursiveChunker::Create(tokenizer, With<RecursiveChunkerOptions>(caps)));
       },
       true},
      {"markdown", "text/markdown",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(MarkdownChunker::Create(tokenizer, With<MarkdownChunkerOptions>(caps)));
       },
       true},
      {"code, C++", "text/x-c++src",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(CodeChunker::Create(tokenizer, With<CodeChunkerOptions>(caps)));
       },
       true},
      {"code, Python", "text/x-python",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(CodeChunker::Create(tokenizer, With<CodeChunkerOptions>(caps)));
       },
       true},
      {"sentence", "text/plain",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(SentenceChunker::Create(tokenizer, With<SentenceChunkerOptions>(caps)));
       },
       true},
      {"fixed token", "text/plain",  // its overlap is of tokens, not of words: other_chunkers_test.cc has it
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(FixedTokenChunker::Create(tokenizer, {.max_tokens = caps.max_tokens, .max_bytes = caps.max_bytes}));
       }},
      {"content-defined", "text/plain",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(ContentDefinedChunker::Create(
             tokenizer, {.max_tokens = caps.max_tokens, .overlap_tokens = caps.overlap_tokens, .max_bytes = caps.max_bytes}));
       },
       true},
      {"semantic", "text/plain",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(SemanticChunker::Create(tokenizer, std::make_shared<ragpipe::testing::HashEmbedder>(),
                                               With<SemanticChunkerOptions>(caps)));
       },
       true},
      {"router", "text/markdown",
       [](const TokenizerPointer& tokenizer, const Caps& caps) -> absl::StatusOr<ChunkerPointer> {
         auto markdown = Shared(MarkdownChunker::Create(tokenizer, With<MarkdownChunkerOptions>(caps)));
         auto recursive = Shared(RecursiveChunker::Create(tokenizer, {.max_tokens = caps.max_tokens}));
         if (!markdown.ok() || !recursive.ok()) return markdown.ok() ? recursive : markdown;
         return Shared(RouterChunker::Create({{"text/markdown", *markdown}}, *recursive));
       },
       true},
      {"html", "text/html",
       [](const TokenizerPointer& tokenizer, const Caps& caps) {
         return Shared(HtmlChunker::Create(tokenizer, With<HtmlChunkerOptions>(caps)));
       },
       true, true},
      {"normalizing", "text/markdown",
       [](const TokenizerPointer& tokenizer, const Caps& caps) -> absl::StatusOr<ChunkerPointer> {
         auto inner = Shared(MarkdownChunker::Create(tokenizer, With<MarkdownChunkerOptions>(caps)));
         if (!inner.ok()) return inner;
         return Shared(NormalizingChunker::Create(*inner, {NormalizationStep::kLineEnds, NormalizationStep::kNfc,
                                                           NormalizationStep::kInvisible, NormalizationStep::kWhiteSpace}));
       },
       true, true},
  };
  return chunkers;
}

std::string Utf8(std::uint32_t c) {
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0U | (c >> 6U)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0U | (c >> 12U)), tail(6), tail(0)};
  return {static_cast<char>(0xF0U | (c >> 18U)), tail(12), tail(6), tail(0)};
}

// Texts are made of fragments that have broken chunkers or tokenizers before, here or elsewhere, and of any code points.
rc::Gen<std::string> Fragment() {
  return rc::gen::weightedOneOf<std::string>(
      {{6, rc::gen::element<std::string>("word", "The quick brown fox. ", "a", "I'm", "don't ", "e.g. this", "1234567", "3.14",
                                         "x=y+z;", "Donaudampfschifffahrtsgesellschaft", "https://example.org/a?b=c#d",
                                         "aaaaaaaaaaaaaaaa")},
       {6, rc::gen::element<std::string>(" ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "   \n", "\xC2\xA0",
                                         "\xC2\x85", "\xE2\x80\xA8", "\xE3\x80\x80", "\x0B", "\n \n")},
       {4, rc::gen::element<std::string>(
               "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",
               "e\xCC\x81", "\xCC\x81", "\xE2\x80\x8D", "\xD8\x80", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",
               "\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA5\x8D\xE0\xA4\xA4", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x80\x82",
               "\xE0\xB8\xA0\xE0\xB8\xB2\xE0\xB8\xA9", "\xC5\xBF", "'\xC5\xBF", "\xCE\xA3", "\xEF\xBB\xBF", "\xEF\xBF\xBD",
               "\x01", "\x7F")},
       {4, rc::gen::element<std::string>("# Title\n", "## Part\n\n", "Setext\n===\n", "```cc\nint x;\n\n```\n", "~~~\nopen\n",
                                         "> quoted\n", "> ", "- item\n", "  - nested\n", "1. one\n",
                                         "| a | b |\n|---|---|\n| 1 | 2 |\n", "| x |\n", "<div>\nhtml\n</div>\n", "<!-- ",
                                         "---\ntitle: x\n---\n", "[f]: /url\n", "    code\n", "---\n")},
       {4, rc::gen::element<std::string>("<p>", "</p>", "<h1>", "</h1>", "<li>", "<table><tr><td>", "</table>", "<th>", "<pre>",
                                         "</pre>", "<b>", "</b>", "<br>", "<script>", "</script>", "<span hidden>", "</span>",
                                         "&amp;", "&eacute", "&#x301;", "&#0;", "&", "<a title=\"", "\">")},
       {4, rc::gen::element<std::string>("int f() {\n", "}\n", "class A:\n", "  def f(self):\n", "    return 1\n", "\"", "'",
                                         "\"\"\"", "/*", "*/", "// note\n", "R\"x(", ")x\"", "#if 0\n", "#endif\n", "\\\n", "(",
                                         ")", "[", "{", "@decorator\n")},
       {2, rc::gen::map(rc::gen::suchThat(rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(1, 0x3000),
                                                         rc::gen::inRange<std::uint32_t>(0x3000, 0x110000)),
                                          [](std::uint32_t c) { return c < 0xD800 || c > 0xDFFF; }),
                        Utf8)}});
}

rc::Gen<std::string> Text() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(Fragment()), [](const std::vector<std::string>& fragments) {
    std::string text;
    for (const std::string& fragment : fragments) text += fragment;
    return text;
  });
}

rc::Gen<std::size_t> Cap() {
  return rc::gen::oneOf(rc::gen::inRange<std::size_t>(1, 8), rc::gen::inRange<std::size_t>(1, 80),
                        rc::gen::inRange<std::size_t>(80, 600));
}

// Of a chunker that overlaps or not; it takes those of these caps that it has options for.
Caps SomeCaps(bool overlaps) {
  Caps caps{.max_tokens = *Cap()};
  if (overlaps) caps.overlap_tokens = *rc::gen::inRange<std::size_t>(0, caps.max_tokens);
  if (*rc::gen::arbitrary<bool>()) caps.min_tokens = *rc::gen::inRange<std::size_t>(0, caps.max_tokens + 1);
  if (*rc::gen::arbitrary<bool>()) caps.max_bytes = *rc::gen::inRange<std::size_t>(4, 200);
  return caps;
}

// The offset of a code point boundary.
std::size_t SomeBoundary(std::string_view text) {
  std::size_t offset = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
  while (!ragpipe::internal::IsCodePointBoundary(text, offset)) --offset;
  return offset;
}

// The end of the code point or CRLF at `offset`.
std::size_t CodePointEnd(std::string_view text, std::size_t offset) {
  if (text.substr(offset, 2) == "\r\n") return offset + 2;
  do {
    ++offset;
  } while (!ragpipe::internal::IsCodePointBoundary(text, offset));
  return offset;
}

// What must hold of chunks that show their ranges: those tile the source, and the cap and the count are of what is shown.
std::string FindFaultOfShown(std::string_view source, const std::vector<Chunk>& chunks, const Tokenizer& tokenizer,
                             const Caps& caps) {
  std::size_t at = 0;
  for (const Chunk& chunk : chunks) {
    if (chunk.range.begin != at || chunk.range.end < at || chunk.range.end > source.size()) return "ranges that do not tile";
    if (chunk.overlap > chunk.range.begin) return "an overlap that begins before the document";
    at = chunk.range.end;
    if (!ragpipe::internal::IsCodePointBoundary(source, at)) return "a cut inside a code point";
    if (tokenizer.Count(EmbeddedText(source, chunk)) != chunk.tokens) return "a wrong token count";
    if (chunk.tokens > caps.max_tokens) return "more tokens than the cap";
    const std::size_t own_bytes = chunk.text.has_value() ? chunk.text->size() : chunk.range.size();
    if (chunk.overlap == 0 && own_bytes > caps.max_bytes) return "more bytes than the cap";
    if (chunk.tokens_are_estimated == tokenizer.is_exact()) return "an estimate that is none, or the reverse";
  }
  return chunks.empty() || at == source.size() ? "" : "the end of the document is missing";
}

}  // namespace

TEST_CASE("Tokenizers keep their laws on any text", "[properties]") {
  for (const NamedTokenizer& named : Tokenizers()) {
    const Tokenizer& tokenizer = *named.tokenizer;
    INFO(named.name);
    CHECK(rc::check("tokenizer " + named.name, [&] {
      const std::string text = *Text();
      std::vector<Token> tokens;
      tokenizer.Encode(text, tokens);
      std::vector<std::uint32_t> ids;
      tokenizer.EncodeIds(text, ids);
      RC_ASSERT(ids.size() == tokens.size());
      std::size_t begin = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        RC_ASSERT(ids[i] == tokens[i].id);
        RC_ASSERT(ids[i] < tokenizer.vocabulary_size());
        RC_ASSERT(named.reorders || tokens[i].range.begin >= begin);
        RC_ASSERT(tokens[i].range.end >= tokens[i].range.begin);
        RC_ASSERT(tokens[i].range.end <= text.size());
        begin = tokens[i].range.begin;
      }
      RC_ASSERT(tokenizer.Count(text) == ids.size());
      const std::size_t limit = *rc::gen::inRange<std::size_t>(0, ids.size() + 3);
      RC_ASSERT(tokenizer.CountUpTo(text, limit) == std::min(ids.size(), limit + 1));
      if (named.lossless) RC_ASSERT(tokenizer.Decode(ids) == text);

      const auto counter = tokenizer.CountRanges(text);
      for (int i = 0; i < 8; ++i) {
        const std::size_t first = SomeBoundary(text);
        const std::size_t second = SomeBoundary(text);
        const ragpipe::ByteRange range{std::min(first, second), std::max(first, second)};
        const std::string part = text.substr(range.begin, range.size());
        RC_LOG() << "range [" << range.begin << ", " << range.end << ")\n";
        const std::size_t count = tokenizer.Count(part);
        RC_ASSERT(counter->Count(range) == count);
        const ragpipe::text::TokenEstimate estimate = counter->Estimate(range);
        RC_ASSERT(estimate.at_least <= count);
        RC_ASSERT(count <= estimate.at_most);
      }
    }));
  }
}

TEST_CASE("Chunks of short lines are filled, with any tokenizer", "[properties]") {
  constexpr std::size_t kMaxTokens = 100;
  for (const NamedTokenizer& named : Tokenizers()) {
    INFO(named.name);
    Document document;
    for (int i = 0; i < 2000; ++i) document.text += "text\n";
    const auto chunker = ragpipe::text::RecursiveChunker::Create(named.tokenizer, {.max_tokens = kMaxTokens});
    REQUIRE_OK(chunker);
    const auto chunks = chunker->Split(document);
    REQUIRE_OK(chunks);
    CHECK(chunks->size() <= 2 * named.tokenizer->Count(document.text) / kMaxTokens + 1);
  }
}

TEST_CASE("Tokenizers that say so take apart what a line end divides", "[properties]") {
  std::size_t additive = 0;
  for (const NamedTokenizer& named : Tokenizers()) {
    const Tokenizer& tokenizer = *named.tokenizer;
    if (!tokenizer.is_additive_at_lines()) continue;
    ++additive;
    INFO(named.name);
    CHECK(rc::check("additive " + named.name, [&] {
      const std::string before =
          *Text() + *rc::gen::element<std::string>("a", "7", ".", "'", "/", "-", "\u00E9", "\u6F22", ">") + "\n";
      const std::string after =
          static_cast<char>(*rc::gen::suchThat(rc::gen::inRange(0x21, 0x7F), [](int c) { return c != '/'; })) + *Text();
      RC_ASSERT(tokenizer.Count(before + after) == tokenizer.Count(before) + tokenizer.Count(after));
      RC_ASSERT(Joined(Encoded(tokenizer, before, 0), Encoded(tokenizer, after, before.size())) ==
                Encoded(tokenizer, before + after, 0));
    }));
    CHECK(rc::check("apart " + named.name, [&] {
      const std::string before =
          *Text() + *rc::gen::element<std::string>("", "\r", "\n", " ", ".\r", "\n \n\t", "\u3000") + "\n";
      const std::string first = *rc::gen::element<std::string>("a", "Z", "7", ".", "'", "-", "\u00E9", "\u6F22", ">", "\u0439");
      const std::string after = first + *Text();
      std::vector<Token> tokens = Encoded(tokenizer, before + first, 0);
      std::erase_if(tokens, [&before](const Token& token) { return token.range.begin >= before.size(); });
      RC_ASSERT(Joined(tokens, Encoded(tokenizer, after, before.size())) == Encoded(tokenizer, before + after, 0));
    }));
  }
  CHECK(additive > 0);
}

TEST_CASE("Tokenizers take bytes that are not UTF-8 for U+FFFD, as ICU replaces them", "[properties]") {
  for (const NamedTokenizer& named : Tokenizers()) {
    INFO(named.name);
    CHECK(rc::check("tokenizer of bytes " + named.name, [&] {
      std::string bytes = *Text();
      for (std::size_t n = *rc::gen::inRange<std::size_t>(1, 6); n > 0; --n) {
        bytes.insert(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1),
                     *rc::gen::element<std::string>(
                         "\x80", "\xBF\xBF", "\xC0\x80", "\xC3", "\xE6\x97", "\xED\xA0\xBD\xED\xB8\x80", "\xEF\xBF\xBE",
                         "\xF0\x9F\x91", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFE\xFF", std::string(1, '\0')));
      }
      std::string repaired;
      icu::UnicodeString::fromUTF8(bytes).toUTF8String(repaired);
      std::vector<std::uint32_t> ids;
      named.tokenizer->EncodeIds(bytes, ids);
      std::vector<std::uint32_t> expected;
      named.tokenizer->EncodeIds(repaired, expected);
      RC_ASSERT(ids == expected);
      RC_ASSERT(named.tokenizer->Count(bytes) == expected.size());
      std::vector<Token> tokens;
      named.tokenizer->Encode(bytes, tokens);
      RC_ASSERT(tokens.size() == expected.size());
      for (const Token& token : tokens) RC_ASSERT(token.range.begin <= token.range.end && token.range.end <= bytes.size());
    }));
  }
}

namespace {

// Real tokenizers, and counts that break what one would expect of them.
std::vector<NamedTokenizer> Counters() {
  std::vector<NamedTokenizer> counters = Tokenizers();
  auto estimate = ragpipe::text::ApproximateTokenizer::Create(3.5);
  REQUIRE_OK(estimate);
  counters.push_back({"estimate", *estimate});
  counters.push_back({"bytes", ByteTokens()});
  counters.push_back({"groups", GroupTokens()});  // a count that falls when a letter is added
  counters.push_back({"seams", SeamTokens()});    // wholes that are more than their parts
  return counters;
}

const NamedTokenizer& OneOf(const std::vector<NamedTokenizer>& counters) {
  const NamedTokenizer& chosen = counters[*rc::gen::inRange<std::size_t>(0, counters.size())];
  RC_LOG() << "tokenizer " << chosen.name << '\n';
  return chosen;
}

}  // namespace

TEST_CASE("Chunkers keep their guarantees on any text, with any tokenizer and caps", "[properties]") {
  const std::vector<NamedTokenizer> counters = Counters();
  for (const NamedChunker& named : Chunkers()) {
    INFO(named.name);
    CHECK(rc::check("chunker " + named.name, [&] {
      const TokenizerPointer& tokenizer = OneOf(counters).tokenizer;
      const Caps caps = SomeCaps(named.overlaps);
      Document document;
      document.text = *Text();
      document.media_type = named.media_type;
      const auto chunker = named.make(tokenizer, caps);
      RC_ASSERT(chunker.ok());
      RC_LOG() << (*chunker)->Fingerprint() << '\n';
      const auto chunks = (*chunker)->Split(document);
      if (!chunks.ok()) {
        // Only when one code point does not fit, and then the message names it.
        const std::string message(chunks.status().message());
        RC_LOG() << message << '\n';
        RC_ASSERT(chunks.status().code() == absl::StatusCode::kOutOfRange);
        if (named.shows) return;
        const std::size_t at = message.find("at byte ");
        RC_ASSERT(at != std::string::npos);
        const std::size_t begin = std::stoul(message.substr(at + 8));
        const std::size_t end = CodePointEnd(document.text, begin);
        RC_ASSERT(tokenizer->Count(std::string_view(document.text).substr(begin, end - begin)) > caps.max_tokens);
        return;
      }
      const std::string fault =
          named.shows ? FindFaultOfShown(document.text, *chunks, *tokenizer, caps)
                      : FindFault(document.text, *chunks, *tokenizer, caps.max_tokens, caps.overlap_tokens, caps.max_bytes);
      RC_LOG() << fault << '\n';
      RC_ASSERT(fault.empty());

      const auto again = (*chunker)->Split(document);
      RC_ASSERT(again.ok());
      RC_ASSERT(again->size() == chunks->size());
      for (std::size_t i = 0; i < chunks->size(); ++i) {
        RC_ASSERT((*again)[i].range == (*chunks)[i].range);
        RC_ASSERT((*again)[i].context == (*chunks)[i].context);
      }
    }));
  }
}

TEST_CASE("ContextChunker keeps its promises around any chunker, with any title", "[properties]") {
  const std::vector<NamedTokenizer> counters = Counters();
  CHECK(rc::check("chunker context", [&] {
    const TokenizerPointer& tokenizer = OneOf(counters).tokenizer;
    const NamedChunker& named = Chunkers()[*rc::gen::inRange<std::size_t>(0, Chunkers().size())];
    const Caps caps = SomeCaps(named.overlaps);
    const auto inner = named.make(tokenizer, caps);
    RC_ASSERT(inner.ok());
    const std::size_t max_context_tokens = *rc::gen::inRange<std::size_t>(1, 40);
    const std::size_t max_tokens = caps.max_tokens + max_context_tokens;
    const auto chunker = ragpipe::text::ContextChunker::Create(
        tokenizer, *inner,
        {.fields = {{"title", "Of "}, {"part", ""}}, .max_tokens = max_tokens, .max_context_tokens = max_context_tokens});
    RC_ASSERT(chunker.ok());
    RC_LOG() << chunker->Fingerprint() << '\n';
    Document document;
    document.text = *Text();
    document.media_type = named.media_type;
    document.metadata = {{"title", *Text()}, {"part", *Text()}};
    const auto plain = (*inner)->Split(document);
    const auto chunks = chunker->Split(document);
    RC_ASSERT(chunks.status() == plain.status());
    if (!chunks.ok()) return;
    const std::string fault = FindContextFault(document.text, *plain, *chunks, *tokenizer, max_tokens, max_context_tokens);
    RC_LOG() << fault << '\n';
    RC_ASSERT(fault.empty());
  }));
}
