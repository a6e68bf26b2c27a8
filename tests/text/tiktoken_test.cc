#include "ragpipe/text/tiktoken.h"

#include <openssl/sha.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

namespace ragpipe::text {
namespace {

constexpr TiktokenEncoding kEncodings[] = {TiktokenEncoding::kCl100kBase, TiktokenEncoding::kO200kBase,
                                           TiktokenEncoding::kP50kBase, TiktokenEncoding::kR50kBase};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RankFilePath(TiktokenEncoding encoding) {
  const char* dir = std::getenv("RAGPIPE_RANK_FILES");
  return std::string(dir == nullptr ? "." : dir) + "/" + std::string(ToString(encoding)) + ".tiktoken";
}

// The rank files are fetched, not kept here: without them there is nothing to test.
void SkipWithoutRankFiles() {
  if (std::ifstream(RankFilePath(TiktokenEncoding::kR50kBase)) || std::getenv("RAGPIPE_REQUIRE_REFERENCES") != nullptr) return;
  std::puts("SKIPPED: the rank files are missing; run tests/text/fetch_rank_files.sh build/rank_files");
  std::exit(0);
}

const Tiktoken& Load(TiktokenEncoding encoding) {
  static std::shared_ptr<const Tiktoken> loaded[std::size(kEncodings)];
  auto& tiktoken = loaded[static_cast<std::size_t>(encoding)];
  if (tiktoken == nullptr) {
    SkipWithoutRankFiles();
    auto opened = Tiktoken::Open(encoding, RankFilePath(encoding));
    INFO(opened.status().ToString());
    REQUIRE(opened.ok());
    tiktoken = *opened;
  }
  return *tiktoken;
}

const nlohmann::json& Golden() {
  static const auto& golden = *new nlohmann::json(nlohmann::json::parse(ReadFile(RAGPIPE_TEST_DATA "/tiktoken_golden.json")));
  return golden;
}

std::vector<std::uint32_t> IdsOf(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::uint32_t> ids;
  tokenizer.EncodeIds(text, ids);
  return ids;
}

std::string Utf8(std::uint32_t c) {
  auto byte = [](std::uint32_t b) { return static_cast<char>(b); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

void CheckLaws(const Tiktoken& tokenizer, std::string_view text) {
  const std::vector<std::uint32_t> ids = IdsOf(tokenizer, text);
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  REQUIRE(tokens.size() == ids.size());
  std::size_t end = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    REQUIRE(tokens[i].id == ids[i]);
    REQUIRE(tokens[i].range.begin == end);
    end = tokens[i].range.end;
  }
  REQUIRE(end == text.size());
  REQUIRE(tokenizer.Decode(ids) == text);
  REQUIRE(tokenizer.Count(text) == ids.size());
  for (const std::size_t limit : {std::size_t{0}, ids.size() / 2, ids.size(), ids.size() + 7}) {
    REQUIRE(tokenizer.CountUpTo(text, limit) == std::min(ids.size(), limit + 1));
  }
}

bool IsBoundary(std::string_view text, std::size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

void CheckRanges(const Tiktoken& tokenizer, std::string_view text, std::mt19937_64& random, int ranges) {
  const auto counter = tokenizer.CountRanges(text);
  for (int i = 0; i < ranges; ++i) {
    std::size_t begin = random() % (text.size() + 1);
    std::size_t end = random() % (text.size() + 1);
    if (begin > end) std::swap(begin, end);
    while (!IsBoundary(text, begin)) ++begin;
    while (!IsBoundary(text, end)) ++end;
    INFO("range " << begin << " to " << end << " of " << text.size());
    REQUIRE(counter->Count({begin, end}) == tokenizer.Count(text.substr(begin, end - begin)));
  }
}

std::string RandomGoldenText(std::mt19937_64& random, std::size_t parts) {
  const auto& texts = Golden()["texts"];
  std::string text;
  for (std::size_t i = 0; i < parts; ++i) text += texts[random() % texts.size()].get<std::string>();
  return text;
}

TEST_CASE("Tiktoken gives the ids of tiktoken") {
  for (const TiktokenEncoding encoding : kEncodings) {
    const auto& texts = Golden()["texts"];
    const auto& ids = Golden()["ids"][std::string(ToString(encoding))];
    for (std::size_t i = 0; i < texts.size(); ++i) {
      INFO(ToString(encoding) << ", text " << i << ": " << texts[i]);
      REQUIRE(IdsOf(Load(encoding), texts[i].get<std::string>()) == ids[i].get<std::vector<std::uint32_t>>());
      CheckLaws(Load(encoding), texts[i].get<std::string>());
    }
  }
}

TEST_CASE("Every code point comes out as in tiktoken, in contexts that matter", "[exhaustive]") {
  const std::size_t block = Golden()["block"];
  const auto contexts = Golden()["contexts"].get<std::vector<std::string>>();
  for (const TiktokenEncoding encoding : kEncodings) {
    const auto& digests = Golden()["code_point_digests"][std::string(ToString(encoding))];
    for (std::size_t first = 0; first < 0x110000; first += block) {
      std::vector<std::uint32_t> all;
      for (std::size_t c = first; c < first + block; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        for (const std::string& context : contexts) {
          std::string text = context;
          for (std::size_t at; (at = text.find("{c}")) != std::string::npos;)
            text.replace(at, 3, Utf8(static_cast<std::uint32_t>(c)));
          const std::vector<std::uint32_t> ids = IdsOf(Load(encoding), text);
          all.push_back(static_cast<std::uint32_t>(ids.size()));
          all.insert(all.end(), ids.begin(), ids.end());
        }
      }
      unsigned char digest[SHA256_DIGEST_LENGTH];
      SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size() * sizeof(all[0]), digest);
      std::string hex;
      for (const unsigned char b : digest) hex += {"0123456789abcdef"[b >> 4], "0123456789abcdef"[b & 15]};
      INFO(ToString(encoding) << ", code points from " << first);
      REQUIRE(hex == digests[first / block].get<std::string>());
    }
  }
}

TEST_CASE("Pieces come out the same wherever in a block they lie") {
  RAGPIPE_RANDOM_TEST(random);
  for (const TiktokenEncoding encoding : kEncodings) {
    const Tiktoken& tokenizer = Load(encoding);
    const std::string tail = RandomGoldenText(random, 40);
    // A letter after a digit begins a piece in every grammar.
    const std::vector<std::uint32_t> alone = IdsOf(tokenizer, "Q" + tail);
    for (std::size_t shift = 1; shift < 200; ++shift) {
      std::string head;
      while (head.size() < shift) head += head.size() % 7 == 6 || head.size() + 1 == shift ? '1' : 'z';
      std::vector<std::uint32_t> expected = IdsOf(tokenizer, head);
      expected.insert(expected.end(), alone.begin(), alone.end());
      INFO(ToString(encoding) << ", shift " << shift);
      REQUIRE(IdsOf(tokenizer, head + "Q" + tail) == expected);
    }
  }
}

TEST_CASE("A range is counted as its text alone") {
  RAGPIPE_RANDOM_TEST(random);
  for (const TiktokenEncoding encoding : kEncodings) {
    for (int round = 0; round < 60; ++round) {
      const std::string text = RandomGoldenText(random, 1 + random() % 60);
      INFO(ToString(encoding));
      CheckLaws(Load(encoding), text);
      CheckRanges(Load(encoding), text, random, 200);
    }
  }
}

TEST_CASE("Tiktoken: bytes that are not UTF-8 count as U+FFFD") {
  const Tiktoken& tokenizer = Load(TiktokenEncoding::kCl100kBase);
  const std::string replacement = "\xEF\xBF\xBD";
  for (const auto& [bad, good] :
       std::vector<std::pair<std::string, std::string>>{{"a\xFFz", "a" + replacement + "z"},
                                                        {"\xE2\x82", replacement},
                                                        {"\xED\xA0\x80", replacement + replacement + replacement},
                                                        {"\xF0\x9F\x91 ok", replacement + " ok"},
                                                        {std::string("\xC0\x80", 2), replacement + replacement}}) {
    REQUIRE(IdsOf(tokenizer, bad) == IdsOf(tokenizer, good));
    REQUIRE(tokenizer.Count(bad) == tokenizer.Count(good));
    REQUIRE(tokenizer.CountRanges(bad)->Count({0, bad.size()}) == tokenizer.Count(good));
    std::vector<Token> tokens;
    tokenizer.Encode(bad, tokens);
    REQUIRE(tokens.back().range.end == bad.size());
    for (const Token& token : tokens) REQUIRE(token.range.begin <= token.range.end);
  }
}

TEST_CASE("Special tokens only when asked") {
  const Tiktoken& tokenizer = Load(TiktokenEncoding::kCl100kBase);
  const std::string text = "one<|endoftext|>two<|fim_prefix|>";
  REQUIRE(tokenizer.Decode(IdsOf(tokenizer, text)) == text);
  for (const std::uint32_t id : IdsOf(tokenizer, text)) REQUIRE(id < 100257);
  const std::string_view allowed[] = {"<|endoftext|>"};
  std::vector<std::uint32_t> ids;
  REQUIRE(tokenizer.EncodeWithSpecialTokens(text, allowed, ids).ok());
  REQUIRE(std::count(ids.begin(), ids.end(), 100257U) == 1);
  REQUIRE(std::count(ids.begin(), ids.end(), 100258U) == 0);
  REQUIRE(tokenizer.Decode(ids) == text);
  const std::string_view unknown[] = {"<|nothing|>"};
  const absl::Status status = tokenizer.EncodeWithSpecialTokens(text, unknown, ids);
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(std::string(status.message()) == "cl100k_base has no special token '<|nothing|>'; name one of its own");
}

TEST_CASE("A rank file that is not one is a clear error") {
  SkipWithoutRankFiles();
  const std::string good = ReadFile(RankFilePath(TiktokenEncoding::kR50kBase));
  REQUIRE_FALSE(good.empty());
  auto error = [](std::string_view file) {
    const auto result = Tiktoken::FromRanks(TiktokenEncoding::kR50kBase, file);
    REQUIRE(result.status().code() == absl::StatusCode::kInvalidArgument);
    return std::string(result.status().message());
  };
  auto with = [&good](std::size_t line, const std::string& text) {
    std::size_t begin = 0;
    for (std::size_t i = 1; i < line; ++i) begin = good.find('\n', begin) + 1;
    return good.substr(0, begin) + text + good.substr(good.find('\n', begin) + 1);
  };
  CHECK(error("").find("no token for byte 0x00") != std::string::npos);
  CHECK(error(std::string_view(good).substr(0, good.size() - 3)).find("cut off") != std::string::npos);
  CHECK(error(std::string_view(good).substr(0, good.find('\n', good.size() / 2) + 1)).find("r50k_base has 50256") !=
        std::string::npos);
  CHECK(error(with(300, "nonsense\n")).find("line 300: it is not a token") != std::string::npos);
  CHECK(error(with(300, "a*b= 299\n")).find("line 300: the token is not base64") != std::string::npos);
  CHECK(error(with(300, "QUJD 99999999999\n")).find("line 300: the rank is not a number") != std::string::npos);
  CHECK(error(with(300, "QUJDREVG 298\n")).find("line 300: rank 298 comes after rank 298") != std::string::npos);
  CHECK(error(with(300, "QQ== 299\n")).find("given before") != std::string::npos);
  CHECK(error(with(5, "")).find("no token for byte") != std::string::npos);
  const auto missing = Tiktoken::Open(TiktokenEncoding::kO200kBase, "no/such/file");
  CHECK(missing.status().code() == absl::StatusCode::kNotFound);
  CHECK(std::string(missing.status().message()).find("fetch_rank_files.sh DIR fetches o200k_base.tiktoken") !=
        std::string::npos);
}

TEST_CASE("Threads share a Tiktoken") {
  RAGPIPE_RANDOM_TEST(random);
  const Tiktoken& tokenizer = Load(TiktokenEncoding::kO200kBase);
  const std::string text = RandomGoldenText(random, 400);
  const std::vector<std::uint32_t> expected = IdsOf(tokenizer, text);
  std::vector<int> equal(8);
  std::vector<std::thread> threads;
  for (int& is_equal : equal) {
    threads.emplace_back([&] {
      is_equal = 1;
      for (int i = 0; i < 5; ++i) is_equal &= IdsOf(tokenizer, text) == expected && tokenizer.Count(text) == expected.size();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int is_equal : equal) CHECK(is_equal == 1);
}

TEST_CASE("Names and fingerprints of the encodings") {
  for (const TiktokenEncoding encoding : kEncodings) REQUIRE(FindTiktokenEncoding(ToString(encoding)) == encoding);
  REQUIRE_FALSE(FindTiktokenEncoding("gpt-4").has_value());
  REQUIRE(Load(TiktokenEncoding::kCl100kBase).vocabulary_size() == 100277);
  REQUIRE(Load(TiktokenEncoding::kP50kBase).vocabulary_size() == 50281);
  REQUIRE(Load(TiktokenEncoding::kP50kBase).Fingerprint() != Load(TiktokenEncoding::kR50kBase).Fingerprint());
}

}  // namespace
}  // namespace ragpipe::text
