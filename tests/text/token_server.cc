// Tokenizes texts for compare_tokenizers.py: token_server TOKENIZER.JSON|ENCODING.tiktoken reads records of a size in decimal,
// a line feed and so many bytes, and answers each with a line of ids. What the other functions of the tokenizer say of the text
// is checked here.

#include <absl/status/statusor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer.h"
#include "ragpipe/text/tokenizer_json.h"

namespace {

using ragpipe::ByteRange;
using ragpipe::text::Token;
using ragpipe::text::Tokenizer;

/// What is wrong with the other functions, or nothing.
std::string CheckText(const Tokenizer& tokenizer, std::string_view text, const std::vector<Token>& tokens,
                      std::mt19937_64& random) {
  std::vector<std::uint32_t> ids;
  tokenizer.EncodeIds(text, ids);
  if (!std::equal(ids.begin(), ids.end(), tokens.begin(), tokens.end(),
                  [](auto id, const Token& token) { return id == token.id; }))
    return "EncodeIds";
  if (tokenizer.Count(text) != tokens.size()) return "Count";
  if (!tokens.empty() && tokenizer.CountUpTo(text, tokens.size() - 1) != tokens.size()) return "CountUpTo";
  for (const Token& token : tokens) {
    if (token.range.begin > token.range.end || token.range.end > text.size()) return "a range";
  }
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (ragpipe::internal::IsCodePointBoundary(text, i)) cuts.push_back(i);
  }
  const auto counter = tokenizer.CountRanges(text);
  for (int sample = 0; sample < 6; ++sample) {
    std::size_t begin = sample == 0 ? 0 : cuts[random() % cuts.size()];
    std::size_t end = sample == 0 ? text.size() : cuts[random() % cuts.size()];
    if (begin > end) std::swap(begin, end);
    if (counter->Count({begin, end}) != tokenizer.Count(text.substr(begin, end - begin)))
      return "CountRanges " + std::to_string(begin) + " " + std::to_string(end);
  }
  return {};
}

absl::StatusOr<std::shared_ptr<const Tokenizer>> Load(const std::filesystem::path& path) {
  if (path.extension() != ".tiktoken") return ragpipe::text::LoadTokenizerJson(path.string());
  const auto encoding = ragpipe::text::FindTiktokenEncoding(path.stem().string());
  if (!encoding) return absl::NotFoundError("no encoding has the name of the file");
  return ragpipe::text::Tiktoken::Open(*encoding, path.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto tokenizer = Load(argv[1]);
  if (!tokenizer.ok()) {
    std::cout << "error " << tokenizer.status().ToString() << std::endl;
    return 1;
  }
  std::cout << "ready " << (*tokenizer)->Fingerprint() << std::endl;
  std::mt19937_64 random(1);
  std::string text;
  std::vector<Token> tokens;
  for (std::size_t size; std::cin >> size;) {
    std::cin.get();
    text.resize(size);
    std::cin.read(text.data(), static_cast<std::streamsize>(size));
    tokens.clear();
    (*tokenizer)->Encode(text, tokens);
    std::string line;
    for (const Token& token : tokens) line += std::to_string(token.id) + ' ';
    if (const std::string wrong = CheckText(**tokenizer, text, tokens, random); !wrong.empty()) line = "wrong " + wrong;
    std::cout << line << '\n';
    if (std::cin.peek() == '!') {  // the end of a batch
      std::cin.get();
      std::cout.flush();
    }
  }
}
