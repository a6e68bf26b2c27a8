// SplitStream() against Split(): the same chunks, whatever the parts that the text comes in.
#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/router_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer_json.h"
#include "random_text.h"
#include "stream_checks.h"
#include "support/catch.h"
#include "support/seed.h"

using ragpipe::Chunk;
using ragpipe::Chunker;
using ragpipe::Document;
using namespace ragpipe::text;

namespace {

using TokenizerPointer = std::shared_ptr<const Tokenizer>;

// The default model's, and those of OpenAI whose rank files were fetched.
const std::vector<TokenizerPointer>& Tokenizers() {
  static const auto& tokenizers = *new std::vector<TokenizerPointer>([] {
    auto wordpiece = LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
    REQUIRE_OK(wordpiece);
    std::vector<TokenizerPointer> made = {*wordpiece};
    const char* const folder = std::getenv("RAGPIPE_RANK_FILES");
    for (const auto encoding : {TiktokenEncoding::kCl100kBase, TiktokenEncoding::kO200kBase, TiktokenEncoding::kR50kBase}) {
      auto tiktoken = Tiktoken::Open(
          encoding, std::string(folder != nullptr ? folder : "") + "/" + std::string(ToString(encoding)) + ".tiktoken");
      if (tiktoken.ok()) made.push_back(*tiktoken);
    }
    return made;
  }());
  return tokenizers;
}

const TokenizerPointer& DefaultTokenizer() { return Tokenizers().front(); }

template <class T, class Options>
std::shared_ptr<const Chunker> Make(Options options, const TokenizerPointer& tokenizer = DefaultTokenizer()) {
  auto chunker = T::Create(tokenizer, options);
  REQUIRE_OK(chunker);
  return std::make_shared<T>(*std::move(chunker));
}

struct Options {
  std::size_t tokenizer = 0;
  std::size_t max_tokens = 0;
  std::size_t overlap = 0;
  std::size_t min_tokens = 0;
  std::size_t max_bytes = SIZE_MAX;
  Fill fill = Fill::kBalanced;
};

std::ostream& operator<<(std::ostream& out, const Options& options) {
  return out << "tokenizer " << options.tokenizer << " max_tokens " << options.max_tokens << " overlap " << options.overlap
             << " min " << options.min_tokens << " max_bytes " << options.max_bytes << " greedy "
             << (options.fill == Fill::kGreedy);
}

Options RandomOptions(std::mt19937_64& random) {
  Options options;
  options.tokenizer = random() % Tokenizers().size();
  options.max_tokens = std::vector<std::size_t>{4, 16, 60, 200}[random() % 4];
  options.overlap = random() % 2 == 0 ? 0 : random() % (options.max_tokens / 2 + 1);
  options.min_tokens = random() % 2 == 0 ? 0 : random() % options.max_tokens;
  options.max_bytes = random() % 4 == 0 ? 4 + random() % 500 : SIZE_MAX;
  options.fill = random() % 4 == 0 ? Fill::kGreedy : Fill::kBalanced;
  return options;
}

}  // namespace

TEST_CASE("A stream has the chunks of the whole, whatever the parts", "[stream]") {
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  document.media_type = "text/plain";
  for (int round = 0; round < 40; ++round) {
    const Options options = RandomOptions(random);
    const TokenizerPointer& tokenizer = Tokenizers()[options.tokenizer];
    const unsigned blank_lines = std::vector<unsigned>{0, 3, 30, 80}[random() % 4];
    document.text = RandomProse(random, 90000, blank_lines, random() % 4 == 0 ? "\r\n" : "\n");
    INFO(options << " blank lines " << blank_lines);
    const auto& [number, max_tokens, overlap, min_tokens, max_bytes, fill] = options;
    CheckStream(*Make<RecursiveChunker>(RecursiveChunkerOptions{max_tokens, overlap, min_tokens, max_bytes, fill}, tokenizer),
                document, random);
    CheckStream(*Make<SentenceChunker>(SentenceChunkerOptions{max_tokens, overlap, min_tokens, max_bytes, fill}, tokenizer),
                document, random);
    CheckStream(*Make<FixedTokenChunker>(FixedTokenChunkerOptions{max_tokens, overlap, max_bytes}, tokenizer), document,
                random);
    CheckStream(*Make<ContentDefinedChunker>(ContentDefinedChunkerOptions{max_tokens, overlap, max_bytes}, tokenizer), document,
                random);
  }
}

TEST_CASE("A content-defined stream numbers repeated lines as the whole does", "[stream]") {
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  int streamed = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string repeated = RandomWords(random, 8) + "\n";
    document.text.clear();
    while (document.text.size() < 90000) {
      document.text += RandomProse(random, 1 + random() % 4000, 3, "\n");
      for (std::uint64_t lines = random() % 40; lines > 0; --lines) document.text += repeated;
    }
    const std::size_t max_tokens = std::vector<std::size_t>{16, 60, 120}[random() % 3];
    const auto chunker = Make<ContentDefinedChunker>(ContentDefinedChunkerOptions{.max_tokens = max_tokens});
    streamed += CheckStream(*chunker, document, random) > 0 ? 1 : 0;
  }
  CHECK(streamed > 30);
}

TEST_CASE("A stream of Markdown has the chunks of the whole", "[stream][markdown]") {
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  document.media_type = "text/markdown";
  constexpr int kRounds = 100;
  int streamed = 0;  // not read as a whole first
  for (int round = 0; round < kRounds; ++round) {
    const Options options = RandomOptions(random);
    const auto& [number, max_tokens, overlap, min_tokens, max_bytes, fill] = options;
    const bool heading_context = random() % 4 != 0;
    document.text = RandomMarkdown(random, 90000);
    INFO(options << " round " << round << " heading_context " << heading_context);
    const auto chunker =
        Make<MarkdownChunker>(MarkdownChunkerOptions{max_tokens, overlap, min_tokens, max_bytes, fill, heading_context},
                              Tokenizers()[options.tokenizer]);
    streamed += CheckStream(*chunker, document, random) > 0 ? 1 : 0;
  }
  CHECK(streamed > kRounds / 2);
}

TEST_CASE("A stream of Markdown divides no section that fits, wherever a window ends", "[stream][markdown]") {
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  document.media_type = "text/markdown";
  for (int round = 0; round < 20; ++round) {
    const std::size_t deepest = 2 + random() % 5;
    document.text.clear();
    for (std::size_t level = 1; document.text.size() < 60000; level = level == deepest ? 1 + random() % 2 : level + 1) {
      document.text += std::string(level, '#') + " " + RandomWords(random, 1) + "\n\n" + RandomWords(random, 2) + "\n\n";
    }
    CheckStream(*Make<MarkdownChunker>(MarkdownChunkerOptions{.max_tokens = 60 + random() % 60}), document, random);
  }
}

TEST_CASE("A stream of text that nothing divides has the chunks of the whole", "[stream]") {
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  document.media_type = "text/plain";
  const auto recursive = Make<RecursiveChunker>(RecursiveChunkerOptions{.max_tokens = 30});
  const auto sentences = Make<SentenceChunker>(SentenceChunkerOptions{.max_tokens = 30});
  const auto windows = Make<FixedTokenChunker>(FixedTokenChunkerOptions{.max_tokens = 30});
  const auto markdown = Make<MarkdownChunker>(MarkdownChunkerOptions{.max_tokens = 30});
  const auto content_defined = Make<ContentDefinedChunker>(ContentDefinedChunkerOptions{.max_tokens = 30});
  for (const std::string& text :
       {std::string(), std::string("one line"), std::string(60000, ' '), std::string(60000, '\n'), std::string(30000, 'x'),
        RandomWords(random, 9000), std::string("\r\n") + RandomWords(random, 20) + "\r\n\r\n" + RandomWords(random, 5000)}) {
    document.text = text;
    document.media_type = "text/plain";
    for (const auto& chunker : {recursive, sentences, windows, markdown, content_defined})
      CheckStream(*chunker, document, random);
    document.media_type = "text/markdown";
    CheckStream(*markdown, document, random);
  }
}

TEST_CASE("A router streams with the chunker for the type", "[stream]") {
  RAGPIPE_RANDOM_TEST(random);
  const auto recursive = Make<RecursiveChunker>(RecursiveChunkerOptions{.max_tokens = 40});
  const auto markdown = Make<MarkdownChunker>(MarkdownChunkerOptions{.max_tokens = 40});
  auto router = RouterChunker::Create({{"text/markdown", markdown}}, recursive);
  REQUIRE_OK(router);
  Document document;
  document.text = RandomMarkdown(random, 60000);
  for (const char* const media_type : {"text/markdown", "text/plain"}) {
    document.media_type = media_type;
    CheckStream(*router, document, random);
  }
}

TEST_CASE("A stream whose tokens may depend on all before them is read as a whole", "[stream]") {
  RAGPIPE_RANDOM_TEST(random);
  const auto estimate = ApproximateTokenizer::Create();
  REQUIRE_OK(estimate);
  Document document;
  document.text = RandomProse(random, 60000, 30, "\n");
  const auto chunker = Make<FixedTokenChunker>(FixedTokenChunkerOptions{.max_tokens = 40}, *estimate);
  CheckStream(*chunker, document, random);
  CHECK(MostBytesHeld(*chunker, document) == document.text.size());
}

TEST_CASE("A stream keeps a bounded part of the text in memory", "[stream]") {
  constexpr std::size_t kMostBytes = 128 * 1024;
  RAGPIPE_RANDOM_TEST(random);
  Document document;
  document.media_type = "text/plain";
  document.text = RandomProse(random, 4000000, 20, "\n");
  CHECK(MostBytesHeld(*Make<RecursiveChunker>(RecursiveChunkerOptions{.max_tokens = 100}), document) < kMostBytes);
  CHECK(MostBytesHeld(*Make<SentenceChunker>(SentenceChunkerOptions{.max_tokens = 100}), document) < kMostBytes);
  CHECK(MostBytesHeld(*Make<ContentDefinedChunker>(ContentDefinedChunkerOptions{.max_tokens = 100}), document) < kMostBytes);
  for (const char* const line_end : {"\n", "\r\n"}) {
    for (const unsigned blank_lines : {0U, 100U}) {
      document.text = RandomProse(random, 1000000, blank_lines, line_end);
      for (const TokenizerPointer& tokenizer : Tokenizers()) {
        const auto chunker = Make<FixedTokenChunker>(FixedTokenChunkerOptions{.max_tokens = 100}, tokenizer);
        CHECK(MostBytesHeld(*chunker, document) < kMostBytes);
      }
    }
  }
  document.media_type = "text/markdown";
  document.text.clear();
  while (document.text.size() < 4000000) document.text += RandomArticle(random);
  CHECK(MostBytesHeld(*Make<MarkdownChunker>(MarkdownChunkerOptions{.max_tokens = 100}), document) < kMostBytes);
}

TEST_CASE("A stream has the errors of the whole", "[stream]") {
  const auto bytes = ApproximateTokenizer::Create(1.0);
  REQUIRE_OK(bytes);
  Document document;
  document.media_type = "text/markdown";
  for (int i = 0; i < 20000; ++i) document.text += "a\n\n";
  document.text += "\U0001F468\n";
  for (const auto& chunker : {Make<RecursiveChunker>(RecursiveChunkerOptions{.max_tokens = 3}, *bytes),
                              Make<SentenceChunker>(SentenceChunkerOptions{.max_tokens = 3}, *bytes),
                              Make<FixedTokenChunker>(FixedTokenChunkerOptions{.max_tokens = 3}, *bytes),
                              Make<ContentDefinedChunker>(ContentDefinedChunkerOptions{.max_tokens = 3}, *bytes),
                              Make<MarkdownChunker>(MarkdownChunkerOptions{.max_tokens = 3}, *bytes)}) {
    std::size_t at = 0;
    auto read = [&]() -> absl::StatusOr<std::string_view> {
      const std::string_view part = std::string_view(document.text).substr(at, 1000);
      at += part.size();
      return part;
    };
    auto take = [](const Chunk&, std::string_view) { return absl::OkStatus(); };
    const absl::Status expected = chunker->Split(document).status();
    CHECK(absl::IsOutOfRange(expected));
    CHECK(chunker->SplitStream(document, read, take) == expected);
  }
}

TEST_CASE("A stream ends with the error of its reader, its taker, or its text", "[stream]") {
  const auto chunker = Make<RecursiveChunker>(RecursiveChunkerOptions{.max_tokens = 5});
  auto nothing = [] { return absl::StatusOr<std::string_view>(std::string_view()); };
  auto take = [](const Chunk&, std::string_view) { return absl::OkStatus(); };
  CHECK(chunker->SplitStream({}, nothing, take).ok());
  CHECK(absl::IsUnavailable(chunker->SplitStream(
      {}, [] { return absl::UnavailableError("gone"); }, take)));
  bool given = false;
  auto text = [&given]() -> absl::StatusOr<std::string_view> {
    return std::exchange(given, true) ? std::string_view() : std::string_view("Some words.");
  };
  CHECK(absl::IsCancelled(
      chunker->SplitStream({}, text, [](const Chunk&, std::string_view) { return absl::CancelledError("enough"); })));
}
