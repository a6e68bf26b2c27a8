// Chunks of a small corpus as they were, so that no change of them goes unseen: a change of any output must raise the version
// in Fingerprint(). This is against drift, and says nothing of whether chunks are right: other tests do. Equal with each
// compiler and on any number of threads. When chunks change on purpose, write the file anew, and read its difference:
//
//   RAGPIPE_WRITE_GOLDEN_CHUNKS=1 build/dev/tests/text/text_golden_chunks_test
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/normalizing_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/tokenizer_json.h"
#include "support/catch.h"

using ragpipe::Chunk;
using ragpipe::Chunker;
using ragpipe::Document;

namespace {

const std::string kFolder = RAGPIPE_TEST_DATA "/golden_chunks/";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Case {
  std::string name;
  std::shared_ptr<const Chunker> chunker;
  Document document;
};

// Every chunker, at a small and a middle cap, on every text of the corpus that is for it.
std::vector<Case> Cases() {
  using namespace ragpipe::text;
  const auto tokenizer = LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
  REQUIRE_OK(tokenizer);
  std::vector<Case> cases;
  const auto add = [&cases](const std::string& name, auto chunker, const std::vector<std::string>& files,
                            const char* media_type) {
    REQUIRE_OK(chunker);
    const auto shared = std::make_shared<const std::decay_t<decltype(*chunker)>>(*std::move(chunker));
    for (const std::string& file : files) {
      Case& made = cases.emplace_back(Case{name + " " + file, shared, {}});
      made.document.text = ReadFile(kFolder + file);
      made.document.media_type = media_type;
    }
  };
  const std::vector<std::string> texts = {"languages.txt", "odd.txt", "prose.txt"};
  for (const std::size_t cap : {std::size_t{32}, std::size_t{128}}) {
    const auto named = [cap](const char* name) { return fmt::format("{} {}", name, cap); };
    const auto recursive = RecursiveChunker::Create(*tokenizer, {.max_tokens = cap, .overlap_tokens = cap / 4});
    REQUIRE_OK(recursive);
    add(named("recursive"), RecursiveChunker::Create(*tokenizer, {.max_tokens = cap}), texts, "text/plain");
    add(named("recursive overlap"), absl::StatusOr<RecursiveChunker>(*recursive), texts, "text/plain");
    add(named("recursive greedy"), RecursiveChunker::Create(*tokenizer, {.max_tokens = cap, .fill = Fill::kGreedy}), texts,
        "text/plain");
    add(named("sentence"), SentenceChunker::Create(*tokenizer, {.max_tokens = cap}), texts, "text/plain");
    add(named("fixed"), FixedTokenChunker::Create(*tokenizer, {.max_tokens = cap, .overlap_tokens = cap / 8}), texts,
        "text/plain");
    add(named("content_defined"), ContentDefinedChunker::Create(*tokenizer, {.max_tokens = cap}), texts, "text/plain");
    add(named("normalizing"),
        NormalizingChunker::Create(std::make_shared<RecursiveChunker>(*recursive),
                                   {NormalizationStep::kLineEnds, NormalizationStep::kNfc, NormalizationStep::kInvisible,
                                    NormalizationStep::kWhiteSpace}),
        texts, "text/plain");
    add(named("markdown"), MarkdownChunker::Create(*tokenizer, {.max_tokens = cap}), {"guide.md", "odd.txt"}, "text/markdown");
    add(named("markdown overlap"), MarkdownChunker::Create(*tokenizer, {.max_tokens = cap, .overlap_tokens = cap / 4}),
        {"guide.md"}, "text/markdown");
    add(named("html"), HtmlChunker::Create(*tokenizer, {.max_tokens = cap}), {"page.html"}, "text/html");
    add(named("code"), CodeChunker::Create(*tokenizer, {.max_tokens = cap}), {"scanner.cc"}, "text/x-c++src");
    add(named("code"), CodeChunker::Create(*tokenizer, {.max_tokens = cap}), {"tables.py"}, "text/x-python");
  }
  return cases;
}

// The name, then a line for each chunk: begin, end, tokens; then the bytes of overlap and context, where there are any.
std::string Lines(const Case& each) {
  const auto chunks = each.chunker->Split(each.document);
  if (!chunks.ok()) return "error: " + chunks.status().ToString() + "\n";
  std::string lines = "# " + each.name + "\n";
  for (const Chunk& chunk : *chunks) {
    lines += fmt::format("{} {} {}", chunk.range.begin, chunk.range.end, chunk.tokens);
    if (chunk.overlap + chunk.context.size() > 0) lines += fmt::format(" {} {}", chunk.overlap, chunk.context.size());
    lines += '\n';
  }
  return lines;
}

std::string Lines(const std::vector<Case>& cases) {
  std::string lines;
  for (const Case& each : cases) lines += Lines(each);
  return lines;
}

}  // namespace

TEST_CASE("Chunks are what they were, on one thread and on eight", "[golden_chunks]") {
  const std::vector<Case> cases = Cases();
  if (std::getenv("RAGPIPE_WRITE_GOLDEN_CHUNKS") != nullptr) {
    std::ofstream(kFolder + "chunks.txt", std::ios::binary) << Lines(cases);
    return;
  }
  const std::string golden = ReadFile(kFolder + "chunks.txt");
  std::string expected_rest = golden;
  for (const Case& each : cases) {
    const std::string lines = Lines(each);
    INFO(each.name << ": if this is meant, RAGPIPE_WRITE_GOLDEN_CHUNKS=1 writes the file anew");
    const std::string expected = expected_rest.substr(0, expected_rest.find("# ", 2));
    CHECK(lines == expected);
    expected_rest.erase(0, expected.size());
  }
  CHECK(expected_rest.empty());

  std::vector<std::string> by_thread(8);
  std::vector<std::thread> threads;
  for (std::string& lines : by_thread) threads.emplace_back([&cases, &lines] { lines = Lines(cases); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& lines : by_thread) CHECK((lines == golden));
}
