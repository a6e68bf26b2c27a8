// Rank files that are wrong, made here: the real ones are fetched, and tiktoken_test.cc has them.
#include <absl/status/status.h>
#include <absl/strings/escaping.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ragpipe/text/tiktoken.h"
#include "support/catch.h"

using ragpipe::text::Tiktoken;
using ragpipe::text::TiktokenEncoding;

namespace {

constexpr std::size_t kTokens = 50256;  // of r50k_base

// The bytes, then tokens that are each one byte longer than an earlier one.
std::vector<std::string> Tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (std::size_t shorter = 'a'; tokens.size() < kTokens; ++shorter) {
    if (shorter == 256) continue;
    for (char c = 'a'; c <= 'z' && tokens.size() < kTokens; ++c) {
      if (shorter < 256 && shorter > 'z') continue;
      tokens.push_back(tokens[shorter] + c);
    }
  }
  return tokens;
}

std::string File(const std::vector<std::string>& tokens) {
  std::string file;
  for (std::size_t i = 0; i < tokens.size(); ++i) file += absl::Base64Escape(tokens[i]) + " " + std::to_string(i) + "\n";
  return file;
}

std::string ErrorOf(const std::string& file) {
  const auto made = Tiktoken::FromRanks(TiktokenEncoding::kR50kBase, file);
  REQUIRE(made.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(made.status().message());
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("A rank file is read, with either line end", "[rank_file]") {
  const std::vector<std::string> tokens = Tokens();
  std::string file = File(tokens);
  const auto made = Tiktoken::FromRanks(TiktokenEncoding::kR50kBase, file);
  REQUIRE_OK(made);
  std::vector<std::uint32_t> ids;
  (*made)->EncodeIds("abc", ids);
  REQUIRE(ids.size() == 1);
  CHECK(tokens[ids[0]] == "abc");
  std::string crlf;
  for (const char c : file) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  REQUIRE_OK(Tiktoken::FromRanks(TiktokenEncoding::kR50kBase, crlf));
}

TEST_CASE("A damaged rank file is an error that says where", "[rank_file]") {
  const std::vector<std::string> tokens = Tokens();
  const std::string file = File(tokens);
  CHECK(Has(ErrorOf(""), "no token for byte 0x00"));
  CHECK(Has(ErrorOf(std::string(1 << 20, '\n')), "no token for byte 0x00"));
  CHECK(Has(ErrorOf(std::string(1 << 20, 'A')), "line 1: the last line has no end: the file is cut off"));
  CHECK(Has(ErrorOf(file.substr(0, file.size() - 1)), "line 50256: the last line has no end"));
  for (std::size_t size = 1; size < file.size(); size += file.size() / 23) ErrorOf(file.substr(0, size));
  CHECK(Has(ErrorOf("\xEF\xBB\xBF" + file), "line 1: the token is not base64"));
  CHECK(Has(ErrorOf(std::string("\0\0\0 0\n", 6) + file), "line 1: the token is not base64"));
  CHECK(Has(ErrorOf("QQ==  0\n"), "line 1: the rank is not a number"));
  CHECK(Has(ErrorOf("QQ== -1\n"), "line 1: the rank is not a number"));
  CHECK(Has(ErrorOf("QQ== 4294967296\n"), "line 1: the rank is not a number"));
  CHECK(Has(ErrorOf("Q=== 0\n"), "line 1: the token is not base64"));
  CHECK(Has(ErrorOf(" 0\n"), "line 1: the token is not base64"));
  // The second half before the first.
  const std::size_t half = file.find('\n', file.size() / 2) + 1;
  CHECK(Has(ErrorOf(file.substr(half) + file.substr(0, half)), "rank 0 comes after rank 50255; ranks must rise"));
}

TEST_CASE("A rank file with a wrong token is an error that names it", "[rank_file]") {
  const std::vector<std::string> tokens = Tokens();
  auto with = [&tokens](std::size_t at, const std::string& token) {
    std::vector<std::string> changed = tokens;
    changed[at] = token;
    return File(changed);
  };
  CHECK(Has(ErrorOf(with(1000, tokens[999])), "line 1001: the token was given before"));
  CHECK(Has(ErrorOf(with(7, "new token")), "no token for byte 0x07"));
  CHECK(Has(ErrorOf(with(1000, std::string(257, 'x'))), "line 1001: the token has 257 bytes"));
  CHECK(Has(ErrorOf(with(1000, std::string(1 << 22, 'x'))), "line 1001: the token has 4194304 bytes"));
  REQUIRE_OK(Tiktoken::FromRanks(TiktokenEncoding::kR50kBase, with(1000, std::string(256, 'x'))));

  std::vector<std::string> fewer = tokens;
  fewer.pop_back();
  CHECK(Has(ErrorOf(File(fewer)), "50255 tokens, but r50k_base has 50256"));
}

// With "abc" before "ab" and "bc", tiktoken would still make it, by merges of higher rank than its own; here it never would.
TEST_CASE("A rank file whose tokens come before what they are made of is refused", "[rank_file]") {
  std::vector<std::string> tokens = Tokens();
  std::size_t of_three = 256;
  while (tokens[of_three].size() < 3) ++of_three;
  std::swap(tokens[256], tokens[of_three]);  // "aa" and "aaa"
  CHECK(Has(ErrorOf(File(tokens)), "rank file: the token of rank 256 is made of tokens that come after it"));
}
