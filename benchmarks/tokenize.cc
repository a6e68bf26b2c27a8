// How fast are the tokenizers, in bytes of text a second of one thread?
//
//     tokenize [--benchmark_filter=REGEX] [FILE...]
//
// For each file: `unseen` is its second half, once, by a tokenizer that has seen the first half alone; `warm` is the second
// half again and again. Then texts that are hard on tokenizers, 1 MB and 8 MB, counted on first sight.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "ragpipe/text/wordpiece.h"

using namespace ragpipe;

namespace {

using Text = std::shared_ptr<const std::string>;

/// Makes one that has seen nothing.
struct Maker {
  std::string name;
  std::function<std::shared_ptr<const text::Tokenizer>()> make;
};

struct Operation {
  const char* name;
  std::size_t (*run)(const text::Tokenizer&, std::string_view);
};

constexpr Operation kOperations[] = {
    {"count", [](const text::Tokenizer& tokenizer, std::string_view text) { return tokenizer.Count(text); }},
    {"count_ranges",
     [](const text::Tokenizer& tokenizer, std::string_view text) {
       return tokenizer.CountRanges(text)->Count({0, text.size()});
     }},
    {"encode_ids",
     [](const text::Tokenizer& tokenizer, std::string_view text) {
       static std::vector<std::uint32_t> ids;
       ids.clear();
       tokenizer.EncodeIds(text, ids);
       return ids.size();
     }},
    {"encode",
     [](const text::Tokenizer& tokenizer, std::string_view text) {
       static std::vector<text::Token> tokens;
       tokens.clear();
       tokenizer.Encode(text, tokens);
       return tokens.size();
     }},
};

double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Measure(benchmark::State& state, const Maker& maker, const Operation& operation, std::string_view before, bool fresh,
             std::string_view text) {
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::size_t tokens = 0;
  for (auto _ : state) {
    if (fresh || tokenizer == nullptr) {
      tokenizer = maker.make();
      operation.run(*tokenizer, before);
    }
    const double begin = ThreadSeconds();
    tokens = operation.run(*tokenizer, text);
    state.SetIterationTime(ThreadSeconds() - begin);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(tokens);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void RegisterFile(const Maker& maker, const std::string& path) {
  const Text text = std::make_shared<const std::string>(ReadFile(path));
  const std::size_t half = std::min(text->find('\n', text->size() / 2), text->size());
  const std::string name = path.substr(path.rfind('/') + 1);
  for (const Operation& operation : kOperations) {
    for (const bool unseen : {true, false}) {
      auto* registered = benchmark::RegisterBenchmark(
          (maker.name + "/" + operation.name + (unseen ? "/unseen/" : "/warm/") + name).c_str(), [=](benchmark::State& state) {
            const std::string_view all = *text;
            Measure(state, maker, operation, all.substr(0, half), unseen, all.substr(half));
          });
      registered->UseManualTime();
      if (unseen) registered->Iterations(5);
    }
  }
}

std::string Repeat(std::string_view part, std::size_t size) {
  std::string text;
  while (text.size() < size) text += part;
  return text;
}

std::string RandomOf(std::string_view alphabet, std::size_t size) {
  std::mt19937_64 random(1);
  std::string text(size, ' ');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

std::string RandomWords(std::size_t size) {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < size) {
    for (std::size_t length = 6 + random() % 7; length > 0; --length) text += static_cast<char>('a' + random() % 26);
    text += ' ';
  }
  return text;
}

void RegisterHardTexts(const Maker& maker) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::vector<std::pair<const char*, std::function<std::string(std::size_t)>>> texts = {
      {"one_letter", [](std::size_t size) { return std::string(size, 'a'); }},
      {"spaces", [](std::size_t size) { return std::string(size, ' '); }},
      {"newlines", [](std::size_t size) { return std::string(size, '\n'); }},
      {"brackets", [](std::size_t size) { return std::string(size, '['); }},
      {"random_letters", [=](std::size_t size) { return RandomOf(kLetters, size); }},
      {"random_words", RandomWords},
      {"base64", [=](std::size_t size) { return RandomOf(kBase64, size); }},
      {"letter_and_space", [](std::size_t size) { return Repeat("a ", size); }},
      {"emoji", [](std::size_t size) { return Repeat("\U0001F469\U0001F3FD\u200D\U0001F4BB\uFE0F", size); }},
      {"combining_marks", [](std::size_t size) { return "a" + Repeat("\u0301\u0327", size); }},
      {"moving_marks", [](std::size_t size) { return "a" + Repeat("\u302E\u1DF6", size); }},
      {"ideographs", [](std::size_t size) { return Repeat("\u4E2D\u6587\u3002", size); }},
      {"hangul", [](std::size_t size) { return Repeat("\uD55C\uAD6D\uC5B4 ", size); }},
      {"not_utf8", [](std::size_t size) { return Repeat("\xF0\x9F\x98\xFF", size); }},
  };
  for (const auto& [text_name, make] : texts) {
    for (const std::size_t megabytes : {1, 8}) {
      const std::string name = maker.name + "/count/" + text_name + "/" + std::to_string(megabytes) + "MB";
      benchmark::RegisterBenchmark(name.c_str(),
                                   [maker, make = make, megabytes](benchmark::State& state) {
                                     const std::string text = make(megabytes << 20U);
                                     Measure(state, maker, kOperations[0], "", true, text);
                                   })
          ->UseManualTime()
          ->Iterations(3);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::vector<Maker> makers = {
      {"wordpiece",
       [json = ReadFile(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json")] { return text::WordPiece::FromJson(json).value(); }},
  };
  for (const Maker& maker : makers) {
    for (int i = 1; i < argc; ++i) RegisterFile(maker, argv[i]);
    RegisterHardTexts(maker);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
