// Shows how files are divided into chunks.
//
//     chunk_view [--chunker recursive|sentence|fixed|markdown|html|code|content_defined|semantic] [--compare CHUNKER]
//                [--max-tokens N] [--overlap N] [--tokenizer default|ENCODING|TOKENIZER.JSON|RANKS.tiktoken]
//                [--ranks FOLDER] [--json] FILE...
//
// Prints one HTML page: each chunk in a colour, two chunkers side by side with --compare. With --json it prints one chunk a
// line instead. ENCODING is one of tiktoken's, as cl100k_base, whose rank file is in FOLDER; RANKS.tiktoken is that file, under
// its encoding's name. "semantic" embeds with the built-in model.
//
//     cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/ragpipe/is/installed
//     cmake --build build
//     build/chunk_view --max-tokens 128 --chunker markdown --compare recursive README.md >chunks.html
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <charconv>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "json.h"
#include "page.h"
#include "stages.h"

namespace {

constexpr char kUsage[] =
    "usage: chunk_view [--chunker NAME] [--compare NAME] [--max-tokens N] [--overlap N] [--tokenizer NAME] [--ranks FOLDER] "
    "[--json] FILE...";

struct Arguments {
  std::vector<std::string> chunkers = {"recursive"};
  ChunkerSettings settings;
  std::string tokenizer = "default";
  std::string ranks = ".";
  bool json = false;
  std::vector<std::string> files;
};

absl::Status ReadNumber(const std::string& option, const std::string& text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(option + " '" + text + "' is not a number");
}

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--json") {
      arguments.json = true;
    } else if (!word.starts_with("--")) {
      arguments.files.push_back(word);
    } else if (i + 1 == words.size()) {
      return absl::InvalidArgumentError(kUsage);
    } else if (const std::string& value = words[++i]; word == "--chunker") {
      arguments.chunkers[0] = value;
    } else if (word == "--compare") {
      arguments.chunkers.resize(1);
      arguments.chunkers.push_back(value);
    } else if (word == "--tokenizer") {
      arguments.tokenizer = value;
    } else if (word == "--ranks") {
      arguments.ranks = value;
    } else if (word == "--max-tokens" || word == "--overlap") {
      std::size_t& number = word == "--overlap" ? arguments.settings.overlap_tokens : arguments.settings.max_tokens;
      if (absl::Status status = ReadNumber(word, value, number); !status.ok()) return status;
    } else {
      return absl::InvalidArgumentError("unknown option '" + word + "'; " + kUsage);
    }
  }
  if (arguments.files.empty()) return absl::InvalidArgumentError(kUsage);
  if (arguments.json && arguments.chunkers.size() > 1)
    return absl::InvalidArgumentError("--json shows one chunker, no --compare");
  return arguments;
}

absl::StatusOr<ChunkedFile> ChunkFile(const std::string& path, const std::vector<std::string>& names,
                                      const std::vector<std::shared_ptr<const ragpipe::Chunker>>& chunkers) {
  std::ifstream in(path, std::ios::binary);
  ChunkedFile file{path, {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}, {}};
  if (!in) return absl::NotFoundError("cannot read '" + path + "'");
  for (std::size_t i = 0; i < chunkers.size(); ++i) {
    ragpipe::Document document;
    document.id = path;
    document.text = file.text;
    document.media_type = MediaTypeFor(names[i], path);
    auto chunks = chunkers[i]->Split(document);
    if (!chunks.ok()) return chunks.status();
    file.columns.push_back({names[i], *std::move(chunks)});
  }
  return file;
}

absl::Status Show(const Arguments& arguments) {
  const auto tokenizer = MakeTokenizer(arguments.tokenizer, arguments.ranks);
  if (!tokenizer.ok()) return tokenizer.status();
  std::vector<std::shared_ptr<const ragpipe::Chunker>> chunkers;
  for (const std::string& name : arguments.chunkers) {
    auto chunker = MakeChunker(name, *tokenizer, arguments.settings);
    if (!chunker.ok()) return chunker.status();
    chunkers.push_back(*std::move(chunker));
  }
  std::vector<ChunkedFile> files;
  for (const std::string& path : arguments.files) {
    auto file = ChunkFile(path, arguments.chunkers, chunkers);
    if (!file.ok()) return file.status();
    files.push_back(*std::move(file));
  }
  if (!arguments.json) {
    WritePage(files, arguments.settings.max_tokens, arguments.tokenizer, std::cout);
    return absl::OkStatus();
  }
  for (const ChunkedFile& file : files) {
    for (const ragpipe::Chunk& chunk : file.columns[0].chunks) std::cout << ToJsonLine(file.text, chunk) << '\n';
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = ParseArguments({argv + 1, argv + argc});
  const absl::Status status = arguments.ok() ? Show(*arguments) : arguments.status();
  if (status.ok()) return 0;
  std::cerr << "chunk_view: " << status.message() << '\n';
  return 2;
}
