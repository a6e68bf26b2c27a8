// Prints the tokens of a file.
//
//     tokenize --tokenizer TOKENIZER.JSON [--count] [--json] FILE
//
// FILE - is standard input. The ids come on one line, with --count their number; with --json as an object, with the range of
// bytes that each token stands for.
//
//     cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/ragpipe/is/installed
//     cmake --build build
//     build/tokenize --tokenizer tokenizer.json README.md
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "ragpipe/text/tokenizer_json.h"

namespace {

constexpr char kUsage[] = "usage: tokenize --tokenizer TOKENIZER.JSON [--count] [--json] FILE";

struct Arguments {
  std::string tokenizer;
  std::string file;
  bool count = false;
  bool json = false;
};

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--tokenizer" && i + 1 < words.size()) {
      arguments.tokenizer = words[++i];
    } else if (word == "--count") {
      arguments.count = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (arguments.file.empty() && (word == "-" || !word.starts_with("-"))) {
      arguments.file = word;
    } else {
      return absl::InvalidArgumentError(kUsage);
    }
  }
  if (arguments.tokenizer.empty() || arguments.file.empty()) return absl::InvalidArgumentError(kUsage);
  return arguments;
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || (path != "-" && !file.is_open())) return absl::NotFoundError("cannot read " + path);
  return text;
}

void PrintTokens(const ragpipe::text::Tokenizer& tokenizer, std::string_view text, bool json) {
  if (!json) {
    std::vector<std::uint32_t> ids;
    tokenizer.EncodeIds(text, ids);
    for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i == 0 ? "" : " ") << ids[i];
    std::cout << '\n';
    return;
  }
  std::vector<ragpipe::text::Token> tokens;
  tokenizer.Encode(text, tokens);
  std::cout << R"({"ids":[)";
  for (std::size_t i = 0; i < tokens.size(); ++i) std::cout << (i == 0 ? "" : ",") << tokens[i].id;
  std::cout << R"(],"ranges":[)";
  for (std::size_t i = 0; i < tokens.size(); ++i)
    std::cout << (i == 0 ? "" : ",") << '[' << tokens[i].range.begin << ',' << tokens[i].range.end << ']';
  std::cout << "]}\n";
}

absl::Status Run(const std::vector<std::string>& words) {
  const absl::StatusOr<Arguments> arguments = ParseArguments(words);
  if (!arguments.ok()) return arguments.status();
  const auto tokenizer = ragpipe::text::LoadTokenizerJson(arguments->tokenizer);
  if (!tokenizer.ok()) return tokenizer.status();
  const absl::StatusOr<std::string> text = ReadText(arguments->file);
  if (!text.ok()) return text.status();
  if (!arguments->count) {
    PrintTokens(**tokenizer, *text, arguments->json);
  } else if (arguments->json) {
    std::cout << R"({"count":)" << (*tokenizer)->Count(*text) << "}\n";
  } else {
    std::cout << (*tokenizer)->Count(*text) << '\n';
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const absl::Status status = Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::cerr << "tokenize: " << status.message() << '\n';
  return 2;
}
