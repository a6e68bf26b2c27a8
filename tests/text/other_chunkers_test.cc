#include <absl/status/status.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "chunk_checks.h"
#include "ragpipe/adapters.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/router_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using namespace ragpipe::text;

namespace {

using Strings = std::vector<std::string>;

Document Plain(std::string text) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/plain";
  return document;
}

Strings Texts(const ragpipe::Chunker& chunker, const std::string& text) {
  const auto chunks = chunker.Split(Plain(text));
  REQUIRE_OK(chunks);
  Strings texts;
  for (const Chunk& chunk : *chunks) texts.push_back(EmbeddedText(text, chunk));
  return texts;
}

// Words, most of them rare, with sentences and maybe paragraphs.
std::string RandomText(std::mt19937_64& random, std::size_t bytes, bool sentences, bool paragraphs) {
  std::string text;
  while (text.size() < bytes) {
    std::string word = random() % 3 == 0 ? "the" : "w" + std::to_string(random() % 5000);
    const bool ends = sentences && random() % 12 == 0;
    text += word + (ends ? ". " : " ");
    if (ends) text += "A";
    if (paragraphs && random() % 80 == 0) text += ".\n\n";
  }
  return text;
}

// The ends of chunks that lie further than so many tokens from the edited range.
std::vector<std::size_t> CutsBeyond(std::size_t radius_tokens, ragpipe::ByteRange edited, std::string_view text,
                                    const std::vector<Chunk>& chunks, const ragpipe::text::Tokenizer& tokenizer) {
  std::vector<std::size_t> cuts;
  for (const Chunk& chunk : chunks) cuts.push_back(chunk.range.end);
  auto is_far = [&](std::size_t begin, std::size_t end) {
    return tokenizer.Count(text.substr(begin, end - begin)) > radius_tokens;
  };
  // The further, the more tokens: halving finds both ends of what is near.
  const auto near = std::partition_point(cuts.begin(), cuts.end(),
                                         [&](std::size_t cut) { return cut < edited.begin && is_far(cut, edited.begin); });
  const auto beyond =
      std::partition_point(near, cuts.end(), [&](std::size_t cut) { return cut <= edited.end || !is_far(edited.end, cut); });
  cuts.erase(near, beyond);
  return cuts;
}

}  // namespace

TEST_CASE("Token windows are full but for the last, and overlap by tokens", "[fixed]") {
  const auto chunker = Created(FixedTokenChunker::Create(ByteTokens(), {4, 1}));
  CHECK(Texts(Created(FixedTokenChunker::Create(ByteTokens(), {4})), "") == Strings{});
  CHECK(Texts(Created(FixedTokenChunker::Create(ByteTokens(), {8})), "abcdefgh") == Strings{"abcdefgh"});
  auto estimate = ApproximateTokenizer::Create(2);
  REQUIRE_OK(estimate);
  CHECK(Texts(Created(FixedTokenChunker::Create(*estimate, {2})), "abcdefghij") == Strings{"abcd", "efgh", "ij"});
  CHECK(Texts(Created(FixedTokenChunker::Create(*estimate, {3, 1})), "abcdefghij") == Strings{"abcdef", "efghij"});
}

TEST_CASE("Sentences are packed across lines and paragraphs", "[sentence]") {
  CHECK(Texts(Created(SentenceChunker::Create(WordTokens(), {.max_tokens = 8, .fill = Fill::kGreedy})),
              "One two. Three\n\nfour five! Six seven eight nine? Ten.") ==
        Strings{"One two. Three\n\nfour five! ", "Six seven eight nine? Ten."});
}

TEST_CASE("An edit changes no chunk beyond the published radius", "[content_defined]") {
  RAGPIPE_RANDOM_TEST(random);
  for (const auto& [sentences, paragraphs] : {std::pair{true, true}, {true, false}, {false, false}}) {
    const std::string text = RandomText(random, 105000, sentences, paragraphs);
    for (const std::size_t max_tokens : {16U, 128U, 512U}) {
      const auto tokenizer = WordTokens();
      const auto chunker = Created(ContentDefinedChunker::Create(tokenizer, {max_tokens}));
      const auto before = chunker.Split(Plain(text));
      REQUIRE_OK(before);
      REQUIRE(FindFault(text, *before, *tokenizer, max_tokens, 0) == "");
      for (int i = 0; i < 20; ++i) {
        const std::size_t at = text.find(' ', random() % (text.size() - 100)) + 1;
        const std::size_t length = random() % 3 == 0 ? 0 : text.find(' ', at) + 1 - at;
        const std::string word = random() % 3 == 0 ? "" : "inserted ";
        std::string edited = text;
        edited.replace(at, length, word);
        const auto after = chunker.Split(Plain(edited));
        REQUIRE_OK(after);
        const std::size_t radius = ContentDefinedChunker::kRadius * max_tokens;
        const auto old_cuts = CutsBeyond(radius, {at, at + length}, text, *before, *tokenizer);
        auto new_cuts = CutsBeyond(radius, {at, at + word.size()}, edited, *after, *tokenizer);
        for (std::size_t& cut : new_cuts) cut = cut > at ? cut - word.size() + length : cut;
        CAPTURE(sentences, paragraphs, max_tokens, at, length, word);
        REQUIRE(old_cuts == new_cuts);
      }
    }
  }
}

TEST_CASE("Content-defined chunks overlap where there is room", "[content_defined]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::string text = RandomText(random, 20000, true, true);
  const auto tokenizer = WordTokens();
  const auto chunks =
      Created(ContentDefinedChunker::Create(tokenizer, {.max_tokens = 40, .overlap_tokens = 8})).Split(Plain(text));
  REQUIRE_OK(chunks);
  CHECK(FindFault(text, *chunks, *tokenizer, 40, 8) == "");
  for (std::size_t i = 1; i < chunks->size(); ++i) CHECK((*chunks)[i].overlap > 0);
  // A character of three tokens fits, though not beside the overlap.
  CHECK(Texts(Created(ContentDefinedChunker::Create(ByteTokens(), {.max_tokens = 3, .overlap_tokens = 2})), "\u6F22\u5B57") ==
        Strings{"\u6F22", "\u5B57"});
  CHECK(ContentDefinedChunker::Create(tokenizer, {.max_tokens = 4, .overlap_tokens = 4}).status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("Content-defined chunks are neither tiny nor few where the text repeats itself", "[content_defined]") {
  const auto chunker = Created(ContentDefinedChunker::Create(ByteTokens(), {.max_tokens = 64}));
  for (const std::string unit : {"a", "a ", "a\n", "a\nb\n", "word. ", "one line\n\n"}) {
    std::string text;
    while (text.size() < 16384) text += unit;
    const auto chunks = chunker.Split(Plain(text));
    REQUIRE_OK(chunks);
    CAPTURE(unit);
    CHECK(chunks->size() < text.size() / 20);
  }
}

TEST_CASE("A chunk below the minimum joins a neighbour", "[recursive]") {
  const std::string text = "a b c d e f g h\n\ni\n\nj k l m n o p q r\n\n";
  const auto small = Texts(Created(RecursiveChunker::Create(WordTokens(), {.max_tokens = 9, .fill = Fill::kGreedy})), text);
  CHECK(small == Strings{"a b c d e f g h\n\ni\n\n", "j k l m n o p q r\n\n"});
  Document document =
      Plain("# A\n\n" + std::string("x ") + "\n\n# B\n\none two three four five six seven eight nine ten eleven\n");
  document.media_type = "text/markdown";
  for (const std::size_t min_tokens : {0U, 4U}) {
    const auto chunks =
        Created(MarkdownChunker::Create(WordTokens(), {.max_tokens = 12, .min_tokens = min_tokens})).Split(document);
    REQUIRE_OK(chunks);
    const bool has_small = std::any_of(chunks->begin(), chunks->end(), [](const Chunk& chunk) { return chunk.tokens < 4; });
    CAPTURE(min_tokens, chunks->size());
    CHECK((min_tokens == 0 || !has_small || chunks->size() <= 2));
  }
}

TEST_CASE("An estimate says that it is one", "[approximate]") {
  for (const double wrong : {0.0, 0.5, -4.0, 1001.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(ApproximateTokenizer::Create(wrong).status().code() == absl::StatusCode::kInvalidArgument);
  }
  auto tokenizer = ApproximateTokenizer::Create(4);
  REQUIRE_OK(tokenizer);
  CHECK((*tokenizer)->Count("") == 0);
  CHECK((*tokenizer)->Count("abcd") == 1);
  CHECK((*tokenizer)->Count("abcde") == 2);
  std::vector<Token> tokens;
  (*tokenizer)->Encode("abcdefghij", tokens);
  CHECK(tokens.size() == 3);
  const auto chunks = Created(RecursiveChunker::Create(*tokenizer, {4})).Split(Plain("one two three four five"));
  REQUIRE_OK(chunks);
  for (const Chunk& chunk : *chunks) CHECK(chunk.tokens_are_estimated);
}

TEST_CASE("Documents go to the chunker of their media type", "[router]") {
  auto named = [](const std::string& name) {
    return std::make_shared<ragpipe::FunctionChunker>(name, [name](const Document& document) {
      return std::vector<Chunk>{{.range = {0, document.text.size()}, .context = name}};
    });
  };
  const auto router = Created(RouterChunker::Create(
      {{"text/markdown", named("markdown")}, {"text/x-*", named("never")}, {"text/*", named("text")}}, named("other")));
  auto taken = [&router](const std::string& media_type) {
    Document document = Plain("text");
    document.media_type = media_type;
    const auto chunks = router.Split(document);
    REQUIRE_OK(chunks);
    return chunks->at(0).context;
  };
  CHECK(taken("text/markdown") == "markdown");
  CHECK(taken("Text/Markdown; charset=utf-8") == "markdown");
  CHECK(taken("text/plain") == "text");
  CHECK(taken("application/json") == "other");
  CHECK(taken("") == "other");
  CHECK(router.Fingerprint() == "ragpipe.router/1(text/markdown=markdown,text/x-*=never,text/*=text,otherwise=other)");

  CHECK(RouterChunker::Create({}, nullptr).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(RouterChunker::Create({{"text/plain", nullptr}}, named("x")).status().code() == absl::StatusCode::kInvalidArgument);
  for (const char* wrong : {"", "text", "/x", "text/", "text/plain; charset=utf-8"}) {
    CHECK(RouterChunker::Create({{wrong, named("x")}}, named("y")).status().code() == absl::StatusCode::kInvalidArgument);
  }
}
