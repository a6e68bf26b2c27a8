// How fast are tokenizers and chunkers? One measurement of benchmarks/compare/text.py; the rivals' programs take the same
// words.
//
//   text_speed TASK MODE FILE FOLDER
//
// TASK: VOCABULARY/encode, /count, or /recursive, /markdown (chunks of 512 tokens, or as .../recursive:64; of which 8 are
// overlap: .../recursive:64:8). MODE: halves (the first half of the text is seen before the second is timed), first (all of it,
// once), threads (wall time of its eighths on one thread, then on two), ranges (a line for each chunk, with its bytes and
// tokens; nothing is timed).
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ragpipe/document.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer_json.h"

namespace {

using ragpipe::text::Tokenizer;

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "text_speed: " << message << '\n';
  std::exit(1);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double Seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

long ResidentKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

std::shared_ptr<const Tokenizer> Load(const std::string& vocabulary, const std::string& folder) {
  if (const auto encoding = ragpipe::text::FindTiktokenEncoding(vocabulary)) {
    auto tokenizer = ragpipe::text::Tiktoken::Open(*encoding, folder + "/" + vocabulary + ".tiktoken");
    if (!tokenizer.ok()) Fail(tokenizer.status().ToString());
    return *tokenizer;
  }
  auto tokenizer = ragpipe::text::LoadTokenizerJson(folder + "/" + vocabulary + ".json");
  if (!tokenizer.ok()) Fail(tokenizer.status().ToString());
  return *tokenizer;
}

// What a result is checked by: how many, and a sum that depends on order.
struct Outcome {
  std::size_t count = 0;
  std::uint64_t sum = 0;
};

using Task = std::function<Outcome(std::string_view)>;

// A task that the program's words name: VOCABULARY/WHAT, or that and :MAX_TOKENS, or :MAX_TOKENS:OVERLAP_TOKENS.
struct TaskName {
  std::string vocabulary;
  std::string what;
  std::size_t max_tokens = 512;
  std::size_t overlap_tokens = 0;
};

TaskName ParseTaskName(const std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) Fail("a task is VOCABULARY/WHAT, not " + name);
  const std::size_t colon = std::min(name.find(':'), name.size());
  TaskName parsed{name.substr(0, slash), name.substr(slash + 1, colon - slash - 1)};
  if (colon < name.size()) {
    std::size_t digits = 0;
    const std::string numbers = name.substr(colon + 1);
    parsed.max_tokens = std::stoul(numbers, &digits);
    if (digits < numbers.size()) parsed.overlap_tokens = std::stoul(numbers.substr(digits + 1));
  }
  return parsed;
}

template <class Chunker, class Options>
std::shared_ptr<const ragpipe::Chunker> Make(std::shared_ptr<const Tokenizer> tokenizer, const TaskName& name) {
  Options options;
  options.max_tokens = name.max_tokens;
  options.overlap_tokens = name.overlap_tokens;
  auto chunker = Chunker::Create(std::move(tokenizer), options);
  if (!chunker.ok()) Fail(chunker.status().ToString());
  return std::make_shared<Chunker>(*std::move(chunker));
}

// Chunks that tile the text.
std::vector<ragpipe::Chunk> Split(const ragpipe::Chunker& chunker, const std::string& media_type, std::string_view text) {
  ragpipe::Document document;
  document.text = std::string(text);
  document.media_type = media_type;
  auto chunks = chunker.Split(document);
  if (!chunks.ok()) Fail(chunks.status().ToString());
  std::size_t end = 0;
  for (const ragpipe::Chunk& chunk : *chunks) {
    if (chunk.range.begin != end) Fail("the chunks do not tile the text");
    end = chunk.range.end;
  }
  if (end != text.size()) Fail("the chunks do not tile the text");
  return *std::move(chunks);
}

using SplitText = std::function<std::vector<ragpipe::Chunk>(std::string_view)>;

SplitText MakeChunker(const TaskName& name, std::shared_ptr<const Tokenizer> tokenizer) {
  using namespace ragpipe::text;
  std::shared_ptr<const ragpipe::Chunker> chunker;
  if (name.what == "recursive") chunker = Make<RecursiveChunker, RecursiveChunkerOptions>(tokenizer, name);
  if (name.what == "markdown") chunker = Make<MarkdownChunker, MarkdownChunkerOptions>(tokenizer, name);
  if (chunker == nullptr) Fail("there is no task " + name.what);
  const std::string media_type = name.what == "markdown" ? "text/markdown" : "text/plain";
  return [chunker, media_type](std::string_view text) { return Split(*chunker, media_type, text); };
}

Task MakeTask(const TaskName& name, const std::string& folder) {
  const auto tokenizer = Load(name.vocabulary, folder);
  if (name.what == "encode") {
    return [tokenizer](std::string_view text) {
      std::vector<std::uint32_t> ids;
      tokenizer->EncodeIds(text, ids);
      Outcome outcome{ids.size(), 0};
      for (std::size_t i = 0; i < ids.size(); ++i) outcome.sum += (i + 1) * ids[i];
      return outcome;
    };
  }
  if (name.what == "count") return [tokenizer](std::string_view text) { return Outcome{tokenizer->Count(text), 0}; };
  return [split = MakeChunker(name, tokenizer)](std::string_view text) { return Outcome{split(text).size(), 0}; };
}

// Wall time of all documents.
double OnThreads(int thread_count, const std::vector<std::string_view>& documents, const Task& run) {
  const double start = Seconds(CLOCK_MONOTONIC);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < documents.size(); i = next++) run(documents[i]);
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < thread_count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return Seconds(CLOCK_MONOTONIC) - start;
}

// The eighths of a text, as documents.
std::vector<std::string_view> Eighths(std::string_view text) {
  std::vector<std::string_view> documents;
  for (std::size_t left = 8; left > 0; --left) {
    const std::size_t size = std::min(text.find('\n', text.size() / left - 1), text.size() - 1) + 1;
    documents.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return documents;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) Fail("usage: text_speed TASK MODE FILE FOLDER");
  const TaskName name = ParseTaskName(argv[1]);
  const std::string mode = argv[2];
  const std::string text = ReadFile(argv[3]);
  if (mode == "ranges") {
    for (const ragpipe::Chunk& chunk : MakeChunker(name, Load(name.vocabulary, argv[4]))(text)) {
      std::cout << R"({"begin":)" << chunk.range.begin << R"(,"end":)" << chunk.range.end << R"(,"tokens":)" << chunk.tokens
                << "}\n";
    }
    return 0;
  }

  const long kib_before = ResidentKib();
  const double load_start = Seconds(CLOCK_MONOTONIC);
  const Task run = MakeTask(name, argv[4]);
  run("Hello");
  const double load = Seconds(CLOCK_MONOTONIC) - load_start;
  const long kib = ResidentKib() - kib_before;

  std::string_view timed = text;
  if (mode == "halves") {
    timed.remove_prefix(std::min(text.find('\n', text.size() / 2), text.size()));
    run(std::string_view(text).substr(0, text.size() - timed.size()));
  }
  std::vector<double> seconds;
  Outcome outcome;
  if (mode == "threads") {
    const auto documents = Eighths(text);
    for (const int thread_count : {2, 1, 2, 1, 2}) seconds.push_back(OnThreads(thread_count, documents, run));
    seconds = {std::min(seconds[1], seconds[3]), std::min(seconds[2], seconds[4])};
  }
  for (int i = 0; i < (mode == "halves" ? 5 : mode == "first" ? 1 : 0); ++i) {
    const double start = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    outcome = run(timed);
    seconds.push_back(Seconds(CLOCK_PROCESS_CPUTIME_ID) - start);
  }
  const double warm = seconds.size() == 1 ? seconds[0] : *std::min_element(seconds.begin() + 1, seconds.end());
  std::cout << R"({"bytes":)" << timed.size() << R"(,"first":)" << seconds[0] << R"(,"warm":)" << warm << R"(,"count":)"
            << outcome.count << R"(,"sum":)" << outcome.sum << R"(,"load":)" << load << R"(,"kib":)" << kib << "}\n";
}
