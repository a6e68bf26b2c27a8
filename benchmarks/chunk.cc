// How fast are the chunkers, beside the count of the whole text by the same tokenizer? `free` counts in no time (a token for
// four bytes), so that what remains is the chunker's own work.
//
//     chunk [--benchmark_filter=REGEX]
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

class FreeTokenizer final : public text::Tokenizer {
 public:
  void Encode(std::string_view text, std::vector<text::Token>& out) const override { out.resize(out.size() + Count(text)); }
  std::size_t Count(std::string_view text) const override { return (text.size() + 3) / 4; }
  std::unique_ptr<text::RangeCounter> CountRanges(std::string_view) const override { return std::make_unique<Counter>(); }
  std::string Decode(const std::vector<std::uint32_t>&) const override { return {}; }
  bool is_additive_at_lines() const override { return true; }
  std::size_t vocabulary_size() const override { return 1; }
  std::string Fingerprint() const override { return "free"; }

 private:
  struct Counter final : text::RangeCounter {
    std::size_t Count(ByteRange range) const override { return (range.size() + 3) / 4; }
  };
};

std::shared_ptr<const text::Tokenizer> WordPiece() {
  static const auto model = embed::DefaultModel();
  return model->tokenizer();
}

std::string Words(std::mt19937_64& random, std::size_t count) {
  static constexpr std::string_view kWords[] = {"index", "the",   "a",  "vector",  "of",     "document", "key", "rotate",
                                                "is",    "to",    "in", "store",   "and",    "it",       "for", "checkpoint",
                                                "when",  "which", "at", "changes", "reader", "old",      "new", "because"};
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::string word(kWords[random() % std::size(kWords)]);
    if (i == 0 || text.ends_with(". ")) word[0] = static_cast<char>(word[0] - 'a' + 'A');
    text += word + (i + 1 == count ? "." : random() % 14 == 0 ? ". " : " ");
  }
  return text;
}

Document Make(std::string text, std::string media_type) {
  Document document;
  document.text = std::move(text);
  document.media_type = std::move(media_type);
  return document;
}

const Document& Plain() {
  static const Document document = [] {
    std::mt19937_64 random(1);
    std::string text;
    while (text.size() < 2 * kMegabyte) text += Words(random, 5 + random() % 120) + "\n\n";
    return Make(std::move(text), "text/plain");
  }();
  return document;
}

const Document& Markdown() {
  static const Document document = [] {
    std::mt19937_64 random(2);
    std::string text;
    while (text.size() < 2 * kMegabyte) {
      text += std::string(1 + random() % 3, '#') + " " + Words(random, 4) + "\n\n";
      for (std::size_t n = random() % 4; n > 0; --n) text += Words(random, 5 + random() % 120) + "\n\n";
      for (std::size_t n = random() % 5; n > 0; --n) text += "- " + Words(random, 3 + random() % 20) + "\n";
      text += "\n```sh\n";
      for (std::size_t n = random() % 6; n > 0; --n) text += "run --" + Words(random, 3) + "\n";
      text += "```\n\n";
    }
    return Make(std::move(text), "text/markdown");
  }();
  return document;
}

std::string Filled(std::string_view unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

std::vector<std::pair<std::string, std::string>> WorstCases(std::size_t bytes) {
  std::mt19937_64 random(3);
  std::string letters;
  std::string base64;
  while (letters.size() < bytes) letters += static_cast<char>('a' + random() % 26);
  while (base64.size() < bytes) base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random() % 64];
  return {{"one_letter", std::string(bytes, 'a')},
          {"spaces", std::string(bytes, ' ')},
          {"newlines", std::string(bytes, '\n')},
          {"letters", letters},
          {"far_blank_line", std::string(bytes / 2, 'a') + "\n\n" + std::string(bytes / 2, 'b')},
          {"a_space", Filled("a ", bytes)},
          {"emoji", Filled("\U0001F468\u200D\U0001F469\u200D\U0001F467\U0001F44D\U0001F3FD", bytes)},
          {"base64", base64},
          {"nested_quotes", std::string(bytes / 10, '>') + Filled(" text", bytes * 9 / 10)},
          {"huge_row", "| a | b |\n|---|---|\n| " + Filled("cell ", bytes) + "| x |\n"}};
}

void Report(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void CountAll(benchmark::State& state, const Document& document) {
  const auto tokenizer = WordPiece();
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->Count(document.text));
  Report(state, document.text.size());
}

template <class C>
void Split(benchmark::State& state, const absl::StatusOr<C>& chunker, const Document& document) {
  if (!chunker.ok()) std::abort();
  std::size_t chunks = 0;
  for (auto _ : state) {
    const auto split = chunker->Split(document);
    chunks = split.ok() ? split->size() : 0;
  }
  state.counters["chunks"] = static_cast<double>(chunks);
  Report(state, document.text.size());
}

void Register(std::string name, const auto& run) { benchmark::RegisterBenchmark(name.c_str(), run); }

}  // namespace

int main(int argc, char** argv) {
  const auto wordpiece = WordPiece();
  const std::shared_ptr<const text::Tokenizer> free = std::make_shared<FreeTokenizer>();
  Register("count/plain/wordpiece", [](benchmark::State& state) { CountAll(state, Plain()); });
  Register("count/markdown/wordpiece", [](benchmark::State& state) { CountAll(state, Markdown()); });
  for (const auto& [name, tokenizer] : {std::pair{"free", free}, std::pair{"wordpiece", wordpiece}}) {
    for (const std::size_t max_tokens : {64U, 512U, 16384U}) {
      for (const std::size_t overlap : {std::size_t{0}, max_tokens / 8}) {
        const std::string suffix = "/" + std::string(name) + "/" + std::to_string(max_tokens) + "/" + std::to_string(overlap);
        Register("recursive/plain" + suffix, [=](benchmark::State& state) {
          Split(state, text::RecursiveChunker::Create(tokenizer, {max_tokens, overlap}), Plain());
        });
        Register("markdown/markdown" + suffix, [=](benchmark::State& state) {
          Split(state, text::MarkdownChunker::Create(tokenizer, {max_tokens, overlap}), Markdown());
        });
      }
    }
    for (const std::size_t megabytes : {1U, 8U}) {
      for (auto& [label, text] : WorstCases(megabytes * kMegabyte)) {
        for (const char* const media_type : {"text/plain", "text/markdown"}) {
          const auto document = std::make_shared<Document>(Make(text, media_type));
          Register("worst/" + label + "/" + (media_type + 5) + "/" + name + "/" + std::to_string(megabytes),
                   [=](benchmark::State& state) { Split(state, text::MarkdownChunker::Create(tokenizer), *document); });
        }
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
