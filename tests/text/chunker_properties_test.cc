// What every chunker promises for every document, on documents made to break it.
#include <absl/status/status.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "chunk_checks.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/wordpiece.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::ContentDefinedChunker;
using ragpipe::text::Fill;
using ragpipe::text::FixedTokenChunker;
using ragpipe::text::MarkdownChunker;
using ragpipe::text::RecursiveChunker;
using ragpipe::text::SentenceChunker;
using ragpipe::text::Tokenizer;

namespace {

std::shared_ptr<const Tokenizer> DefaultWordPiece() {
  std::ifstream file(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto tokenizer = ragpipe::text::WordPiece::FromJson(json);
  REQUIRE_OK(tokenizer);
  return *tokenizer;
}

std::shared_ptr<const Tokenizer> Estimate() {
  auto tokenizer = ragpipe::text::ApproximateTokenizer::Create(3.5);
  REQUIRE_OK(tokenizer);
  return *tokenizer;
}

Document Markdown(std::string text) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/markdown";
  return document;
}

Document Plain(std::string text) {
  Document document = Markdown(std::move(text));
  document.media_type = "text/plain";
  return document;
}

const std::vector<std::string> kNastyFragments = {
    "word",
    "Another sentence ends here. ",
    "Is it so? Yes! ",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\r\n\r\n",
    "\n\n\n\n",
    "   \n",
    "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",  // a family: ZWJ sequence
    "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7",          // two flags
    "e\xCC\x81\xCC\x82\xCC\x83",
    "\xCC\x81",
    "\xE2\x80\x8D",
    "\xD8\x80"
    "1",                                                                                     // marks, ZWJ, a prepended mark
    "!\xE0\xB8\xB3",                                                                         // a spacing mark after a full stop
    "\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D\xE0\xA4\xA4\xE0\xA5\x87",              // Devanagari
    "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",                                                  // Hangul jamo
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE6\x96\x87\xE3\x80\x82",              // Japanese
    "\xE0\xB8\xA0\xE0\xB8\xB2\xE0\xB8\xA9\xE0\xB8\xB2\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2",  // Thai
    "\xC2\xA0",
    "\xE2\x80\xA8",
    "\xE3\x80\x80",
    "\xEF\xBB\xBF",
    "\x01",
    "\x7F",
    "Donaudampfschifffahrtsgesellschaftskapitaen",
    "https://example.org/a/b?c=d&e=f#g",
    "3.14159",
    "don't",
    "\xC3\xA9t\xC3\xA9",
    "# Title\n",
    "## Part two ##\n",
    "Setext\n===\n",
    "Other\n---\n",
    "###### deep\n\n",
    "#\n",
    "```python\nprint(1)\n\nprint(2)\n```\n",
    "~~~\nopen to the end\n",
    "    indented code\n",
    "> quoted\n> ```\n> x\n> ```\n",
    "> ",
    "- item\n",
    "- item\n  - nested\n\n    more\n",
    "1. one\n2. two\n",
    "  ",
    "- ",
    "* * *\n",
    "---\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
    "| x |\n",
    "<div>\nhtml\n</div>\n\n",
    "<!-- note\n\n-->\n",
    "[f]: /url \"title\"\n",
    "---\ntitle: x\n---\n",
    "+++\nt = 1\n+++\n",
    "[",
    "](",
    "`",
    "*",
    "_",
    "\\",
    "|",
    "<",
    ">",
    "&amp;"};

std::string NastyText(std::mt19937_64& random) {
  std::string text;
  for (std::size_t n = random() % 60; n > 0; --n) {
    const std::string& fragment = kNastyFragments[random() % kNastyFragments.size()];
    const std::size_t times = random() % 12 == 0 ? 1 + random() % 40 : 1;
    for (std::size_t i = 0; i < times; ++i) text += fragment;
  }
  return text;
}

std::string Words(std::mt19937_64& random, std::size_t count) {
  static const char* const kWords[] = {"index",  "the",     "a",      "vector", "of",  "document", "key",
                                       "rotate", "is",      "to",     "store",  "and", "it",       "checkpoint",
                                       "when",   "changes", "reader", "old",    "new", "because"};
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::string word = kWords[random() % std::size(kWords)];
    if (random() % 3 == 0) word += std::to_string(random() % 1000);
    const bool ends = i + 1 == count || random() % 14 == 0;
    text += word + (ends ? "." : "") + (i + 1 == count ? "" : " ");
  }
  return text;
}

// Every guarantee, or the one error there is.
void CheckSplit(const ragpipe::Chunker& chunker, const Document& document, const Tokenizer& tokenizer, std::size_t max_tokens,
                std::size_t overlap_tokens, std::size_t max_bytes = SIZE_MAX) {
  CAPTURE(chunker.Fingerprint());
  const auto chunks = chunker.Split(document);
  if (!chunks.ok()) {
    // Only when one code point does not fit, and then the message names it.
    const std::string message(chunks.status().message());
    REQUIRE(chunks.status().code() == absl::StatusCode::kOutOfRange);
    const std::size_t at = message.find("at byte ");
    REQUIRE(at != std::string::npos);
    const std::size_t offset = std::stoul(message.substr(at + 8));
    std::size_t end = offset + 1;
    while (end < document.text.size() && (document.text[end] & 0xC0) == 0x80) ++end;
    if (document.text.substr(offset, 2) == "\r\n") end = offset + 2;
    REQUIRE(tokenizer.Count(std::string_view(document.text).substr(offset, end - offset)) > max_tokens);
    REQUIRE(message.find("max_tokens = " + std::to_string(max_tokens)) != std::string::npos);
    return;
  }
  REQUIRE(FindFault(document.text, *chunks, tokenizer, max_tokens, overlap_tokens, max_bytes) == "");
}

}  // namespace

TEST_CASE("Every guarantee holds on documents made of nasty fragments", "[chunker]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::vector<std::shared_ptr<const Tokenizer>> tokenizers = {WordTokens(), ByteTokens(), GroupTokens(),
                                                                    SeamTokens(), Estimate(),   DefaultWordPiece()};
  const std::size_t caps[] = {1, 2, 3, 4, 5, 7, 10, 16, 30, 64, 150, 600};
  for (int round = 0; round < 400; ++round) {
    const std::string text = NastyText(random);
    const auto& tokenizer = tokenizers[random() % tokenizers.size()];
    const std::size_t max_tokens = caps[random() % std::size(caps)];
    const std::size_t overlap_tokens = random() % 2 == 0 ? 0 : random() % max_tokens;
    const std::size_t min_tokens = random() % 2 == 0 ? 0 : random() % (max_tokens + 1);
    const std::size_t max_bytes = random() % 2 == 0 ? SIZE_MAX : 4 + random() % 100;
    const Fill fill = random() % 3 == 0 ? Fill::kGreedy : Fill::kBalanced;
    const bool heading_context = random() % 4 != 0;
    CAPTURE(text, tokenizer->Fingerprint(), max_tokens, overlap_tokens, min_tokens, max_bytes, fill, heading_context);
    const auto recursive =
        Created(RecursiveChunker::Create(tokenizer, {max_tokens, overlap_tokens, min_tokens, max_bytes, fill}));
    CheckSplit(recursive, Plain(text), *tokenizer, max_tokens, overlap_tokens, max_bytes);
    const auto markdown =
        Created(MarkdownChunker::Create(tokenizer, {max_tokens, overlap_tokens, min_tokens, max_bytes, fill, heading_context}));
    CheckSplit(markdown, Markdown(text), *tokenizer, max_tokens, overlap_tokens, max_bytes);
    const auto sentence =
        Created(SentenceChunker::Create(tokenizer, {max_tokens, overlap_tokens, min_tokens, max_bytes, fill}));
    CheckSplit(sentence, Plain(text), *tokenizer, max_tokens, overlap_tokens, max_bytes);
    const auto by_content = Created(ContentDefinedChunker::Create(tokenizer, {max_tokens, overlap_tokens, max_bytes}));
    CheckSplit(by_content, Plain(text), *tokenizer, max_tokens, overlap_tokens, max_bytes);
    const auto fixed = Created(FixedTokenChunker::Create(tokenizer, {max_tokens, 0, max_bytes}));
    CheckSplit(fixed, Plain(text), *tokenizer, max_tokens, 0, max_bytes);
  }
}

TEST_CASE("Bytes that are not UTF-8 are split without harm", "[chunker]") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 100; ++round) {
    std::string text = NastyText(random);
    for (char& c : text) {
      if (random() % 8 == 0) c = static_cast<char>(random() & 0xFF);
    }
    const std::size_t max_tokens = 1 + random() % 30;
    for (const bool markdown : {false, true}) {
      const auto chunker = Created(MarkdownChunker::Create(ByteTokens(), {max_tokens}));
      const auto chunks = chunker.Split(markdown ? Markdown(text) : Plain(text));
      if (!chunks.ok()) continue;
      std::string joined;
      for (const Chunk& chunk : *chunks) joined += OwnText(text, chunk);
      REQUIRE(joined == text);
    }
  }
}

TEST_CASE("What is only white space stays with the chunk before", "[chunker]") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 200; ++round) {
    const std::string text = "first" + NastyText(random) + "last";
    const std::size_t max_tokens = 1 + random() % 20;
    for (const Document& document : {Plain(text), Markdown(text)}) {
      const auto chunks =
          Created(MarkdownChunker::Create(WordTokens(), {.max_tokens = max_tokens, .heading_context = false})).Split(document);
      REQUIRE_OK(chunks);
      for (const Chunk& chunk : *chunks) {
        CAPTURE(text, text.substr(0, chunk.range.begin), chunk.range.end, max_tokens);
        const std::string_view own = OwnText(text, chunk);
        REQUIRE(own.find_first_not_of(" \t\r\n") != std::string_view::npos);
      }
    }
  }
}

TEST_CASE("Counting is linear whatever the document", "[chunker]") {
  auto repeat = [](std::string_view unit, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += unit;
    return text;
  };
  const std::vector<std::string> units = {"a",
                                          " ",
                                          "\n",
                                          "a\n",
                                          "a\n\n",
                                          "a ",
                                          "a. ",
                                          "\xCC\x81",
                                          "\xE6\x97\xA5",
                                          "word, word; (word) ",
                                          "- ",
                                          "> ",
                                          "- a\n",
                                          "# a\n",
                                          "# a\n\nb c d e f g\n\n",
                                          "`",
                                          "```\n",
                                          "|",
                                          "|a",
                                          "|-|\n",
                                          "[a]: b\n",
                                          "<a ",
                                          "<!--",
                                          "*",
                                          "\\",
                                          "[",
                                          "![](",
                                          "\r\n",
                                          "a\r\n \r\n"};
  for (const std::string& unit : units) {
    for (const bool markdown : {false, true}) {
      std::size_t bytes_before = 0;
      std::size_t calls_before = 0;
      for (const std::size_t size : {4096U, 16384U}) {
        INFO("unit '" << unit << "', " << size << " bytes, markdown " << markdown);
        const auto tokenizer = std::make_shared<MeteredTokenizer>(ByteTokens());
        const std::string text = repeat(unit, size);
        REQUIRE_OK(Created(MarkdownChunker::Create(tokenizer, {64})).Split(markdown ? Markdown(text) : Plain(text)));
        CHECK(tokenizer->documents == 1);
        CHECK(tokenizer->bytes < 16 * size);
        CHECK(tokenizer->calls < 3 * size);
        if (bytes_before > 0) {
          CHECK(tokenizer->bytes < bytes_before * 5);
          CHECK(tokenizer->calls < calls_before * 5);
        }
        bytes_before = tokenizer->bytes;
        calls_before = tokenizer->calls;
      }
    }
  }
}

// These would run for minutes, the first for hours, if anything were quadratic.
TEST_CASE("Large hostile documents are split", "[chunker]") {
  constexpr std::size_t size = std::size_t{1} << 17;
  const auto wordpiece = DefaultWordPiece();
  auto filled = [](std::string_view unit) {
    std::string text;
    while (text.size() < size) text += unit;
    return text;
  };
  std::vector<std::string> texts = {std::string(40 * size, 'a'),
                                    std::string(size, ' '),
                                    std::string(size, '\n'),
                                    std::string(size / 2, 'a') + "\n\n" + std::string(size / 2, 'b'),
                                    filled("word "),
                                    filled("\xE6\x97\xA5"),
                                    filled("a\xCC\x81\xCC\x82"),
                                    filled("> - "),
                                    filled("- - - - - - x\n\n\n\n"),
                                    filled("| a | b |\n|---|---|\n| 1 | 2 |\n"),
                                    filled("# [a](b) *c*\n"),
                                    filled("<a b=\"")};
  texts.push_back("# " + std::string(size, 'h') + "\n\n" + filled("text "));
  texts.push_back("| " + std::string(size, 'h') + " |\n|---|\n" + filled("| 1 |\n"));
  for (const std::string& text : texts) {
    for (const std::shared_ptr<const Tokenizer>& tokenizer : {wordpiece, std::shared_ptr<const Tokenizer>(ByteTokens())}) {
      INFO("begins with '" << text.substr(0, 20) << "', " << tokenizer->Fingerprint());
      const auto chunks = Created(MarkdownChunker::Create(tokenizer, {512})).Split(Markdown(text));
      REQUIRE_OK(chunks);
      std::size_t own = 0;
      for (const Chunk& chunk : *chunks) own += chunk.range.size();
      REQUIRE(own == text.size());
    }
  }
}

TEST_CASE("Replacing a word changes the chunks around it", "[chunker]") {
  std::mt19937_64 random(20240607);
  std::string plain;
  std::string markdown;
  for (int paragraph = 0; plain.size() < 105000; ++paragraph) {
    const std::string text = Words(random, 5 + random() % 150) + "\n\n";
    plain += text;
    if (paragraph % 5 == 0) markdown += std::string(1 + random() % 3, '#') + " " + Words(random, 3) + "\n\n";
    markdown += text;
  }
  const auto tokenizer = WordTokens();
  const auto recursive = Created(RecursiveChunker::Create(tokenizer, {256, 0}));
  const auto by_heading = Created(MarkdownChunker::Create(tokenizer, {256}));
  struct Case {
    const ragpipe::Chunker& chunker;
    Document document;
    std::string replacement;
    int edits;
  };
  for (const Case& test :
       {Case{recursive, Plain(plain), "replaced", 300}, Case{by_heading, Markdown(markdown), "replaced", 300},
        Case{recursive, Plain(plain), "two-token", 30}, Case{by_heading, Markdown(markdown), "two-token", 30},
        Case{recursive, Plain(plain), "A sentence. And more of it, then", 30}}) {
    const std::string& text = test.document.text;
    const auto before = test.chunker.Split(test.document);
    REQUIRE_OK(before);
    std::vector<std::size_t> changed;
    for (int i = 0; i < test.edits; ++i) {
      const std::size_t begin = text.find(' ', random() % (text.size() - 200)) + 1;
      const std::size_t end = text.find_first_of(" .\n", begin);
      Document edited = test.document;
      edited.text.replace(begin, end - begin, test.replacement);
      const auto after = test.chunker.Split(edited);
      REQUIRE_OK(after);
      changed.push_back(CountNewTexts(text, *before, edited.text, *after));
    }
    std::sort(changed.begin(), changed.end());
    CAPTURE(test.replacement, before->size(), changed[changed.size() * 9 / 10]);
    CHECK(changed[changed.size() / 2] == 1);
    CHECK(changed.back() <= 6);
  }
}

TEST_CASE("The same document gives the same chunks in every thread", "[chunker]") {
  RAGPIPE_RANDOM_TEST(random);
  std::string text;
  while (text.size() < 50000) text += NastyText(random);
  const auto chunker = Created(MarkdownChunker::Create(DefaultWordPiece(), {40}));
  const auto expected = chunker.Split(Markdown(text));
  REQUIRE_OK(expected);
  std::vector<std::vector<std::string>> embedded(4);
  std::vector<std::thread> threads;
  for (auto& texts : embedded) {
    threads.emplace_back([&chunker, &text, &texts] {
      const auto chunks = chunker.Split(Markdown(text));
      for (const Chunk& chunk : *chunks) texts.push_back(EmbeddedText(text, chunk));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> expected_texts;
  for (const Chunk& chunk : *expected) expected_texts.push_back(EmbeddedText(text, chunk));
  for (const auto& texts : embedded) CHECK(texts == expected_texts);
}

TEST_CASE("Invalid options are refused when a chunker is made, with name, value and what is allowed", "[chunker]") {
  auto refused = [](const auto& made, const std::string& message) {
    CHECK(made.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(made.status().message()) == message);
  };
  refused(RecursiveChunker::Create(nullptr), "RecursiveChunker: the tokenizer is null; give one to Create()");
  refused(RecursiveChunker::Create(WordTokens(), {0, 0}),
          "RecursiveChunker: RecursiveChunkerOptions::max_tokens is 0; it must be at least 1");
  refused(RecursiveChunker::Create(WordTokens(), {8, 9}),
          "RecursiveChunker: RecursiveChunkerOptions::overlap_tokens is 9; it must be below max_tokens, which is 8");
  refused(RecursiveChunker::Create(WordTokens(), {.max_tokens = 8, .min_tokens = 9}),
          "RecursiveChunker: RecursiveChunkerOptions::min_tokens is 9; it must be at most max_tokens, which is 8");
  refused(
      ContentDefinedChunker::Create(WordTokens(), {.max_bytes = 3}),
      "ContentDefinedChunker: ContentDefinedChunkerOptions::max_bytes is 3; it must be at least 4, the bytes of one character");
  refused(FixedTokenChunker::Create(WordTokens(), {.max_tokens = 4, .overlap_tokens = 4}),
          "FixedTokenChunker: FixedTokenChunkerOptions::overlap_tokens is 4; it must be below max_tokens, which is 4");
  refused(SentenceChunker::Create(nullptr), "SentenceChunker: the tokenizer is null; give one to Create()");
  refused(MarkdownChunker::Create(nullptr), "MarkdownChunker: the tokenizer is null; give one to Create()");
  refused(MarkdownChunker::Create(WordTokens(), {0}),
          "MarkdownChunker: MarkdownChunkerOptions::max_tokens is 0; it must be at least 1");
}

TEST_CASE("A fingerprint names what the chunks depend on", "[chunker]") {
  const std::string recursive = Created(RecursiveChunker::Create(WordTokens(), {256, 32})).Fingerprint();
  for (const char* part : {"recursive/4", "max_tokens=256", "overlap_tokens=32", "tokenizer=words", "unicode=", "icu="}) {
    CHECK(recursive.find(part) != std::string::npos);
  }
  const std::string markdown =
      Created(MarkdownChunker::Create(WordTokens(), {.max_tokens = 256, .heading_context = false})).Fingerprint();
  for (const char* part : {"markdown/4", "max_tokens=256", "heading_context=false", "tokenizer=words", "unicode=", "icu="}) {
    CHECK(markdown.find(part) != std::string::npos);
  }
  CHECK(recursive != Created(RecursiveChunker::Create(WordTokens(), {256, 33})).Fingerprint());
  CHECK(recursive != Created(RecursiveChunker::Create(ByteTokens(), {256, 32})).Fingerprint());
  CHECK(markdown != Created(MarkdownChunker::Create(WordTokens(), {.max_tokens = 256, .heading_context = true})).Fingerprint());
}
