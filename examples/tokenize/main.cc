// Prints the tokens of a file.
//
//     tokenize --tokenizer TOKENIZER.JSON [--count] [--json] FILE
//     tokenize --encoding NAME [--ranks FILE] [--count] [--json] FILE
//
// An encoding is one of tiktoken's, cl100k_base for instance; its ranks are in NAME.tiktoken if nothing else is said. FILE - is
// standard input. The ids come on one line, with --count their number; with --json as an object, with the range of bytes that
// each token stands for.
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

#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer.h"
#include "ragpipe/text/tokenizer_json.h"

namespace {

constexpr char kUsage[] = "usage: tokenize --tokenizer TOKENIZER.JSON|--encoding NAME [--ranks FILE] [--count] [--json] FILE";

struct Arguments {
  std::string tokenizer;
  std::string encoding;
  std::string ranks;
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
    } else if (word == "--encoding" && i + 1 < words.size()) {
      arguments.encoding = words[++i];
    } else if (word == "--ranks" && i + 1 < words.size()) {
      arguments.ranks = words[++i];
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
  if (arguments.tokenizer.empty() == arguments.encoding.empty() || arguments.file.empty())
    return absl::InvalidArgumentError(kUsage);
  return arguments;
}

absl::StatusOr<std::shared_ptr<const ragpipe::text::Tokenizer>> OpenTokenizer(const Arguments& arguments) {
  if (arguments.encoding.empty()) return ragpipe::text::LoadTokenizerJson(arguments.tokenizer);
  const auto encoding = ragpipe::text::FindTiktokenEncoding(arguments.encoding);
  if (!encoding) return absl::InvalidArgumentError("there is no encoding '" + arguments.encoding + "'; try cl100k_base");
  return ragpipe::text::Tiktoken::Open(*encoding, arguments.ranks.empty() ? arguments.encoding + ".tiktoken" : arguments.ranks);
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
  const auto tokenizer = OpenTokenizer(*arguments);
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
