#include "ragpipe/text/tokenizer_json.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "ragpipe/text/tokenizer.h"
#include "support/catch.h"
#include "support/seed.h"

namespace ragpipe::text {
namespace {

using nlohmann::json;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO("reading " << path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

const json& Golden() {
  static const auto& golden = *new json(json::parse(ReadFile(RAGPIPE_TEST_DATA "/tokenizer_json_golden.json")));
  return golden;
}

std::shared_ptr<const Tokenizer> Make(const json& tokenizer) {
  auto made = TokenizerFromJson(tokenizer.dump());
  REQUIRE_OK(made);
  return *std::move(made);
}

json GoldenTokenizer(const std::string& name) {
  for (const json& each : Golden()["cases"]) {
    if (each["name"] == name) return each["tokenizer"];
  }
  FAIL("there is no golden tokenizer " << name);
  return {};
}

std::vector<Token> Encode(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  return tokens;
}

std::vector<std::uint32_t> Ids(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::uint32_t> ids;
  tokenizer.EncodeIds(text, ids);
  return ids;
}

json Ranges(const Tokenizer& tokenizer, std::string_view text) {
  json ranges = json::array();
  for (const Token& token : Encode(tokenizer, text)) ranges.push_back({token.range.begin, token.range.end});
  return ranges;
}

/// Letters, a piece with a merge or a score, and a byte for what is unknown.
json SmallBpe() {
  return {{"added_tokens", json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "never"}, {"split", true}}},
          {"decoder", nullptr},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "?"},
            {"vocab", {{"?", 0}, {"\u2581", 1}, {"a", 2}, {"b", 3}, {"ab", 4}, {"\u2581ab", 5}, {"\uFFFD", 6}, {"\u00e9", 7}}},
            {"merges", json::array({"a b", "\u2581 ab"})}}}};
}

json SmallUnigram() {
  json tokenizer = SmallBpe();
  tokenizer["model"] = {{"type", "Unigram"},
                        {"unk_id", 0},
                        {"vocab", json::parse(R"([["?",0],["\u2581",-2],["a",-2],["b",-2],["ab",-3],["\uFFFD",-3]])")}};
  return tokenizer;
}

json AddedToken(const std::string& content, const json& options = json::object()) {
  json token = {{"id", 100},       {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", true}};
  token.update(options);
  return token;
}

/// All ranges between code points, or `samples` of them.
void CheckRanges(const Tokenizer& tokenizer, const std::string& text, std::mt19937_64& random, std::size_t samples) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (internal::IsCodePointBoundary(text, i)) cuts.push_back(i);
  }
  const std::unique_ptr<RangeCounter> counter = tokenizer.CountRanges(text);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    std::size_t begin = cuts[random() % cuts.size()];
    std::size_t end = cuts[random() % cuts.size()];
    if (begin > end) std::swap(begin, end);
    const std::size_t counted = counter->Count({begin, end});
    const std::size_t expected = tokenizer.Count(std::string_view(text).substr(begin, end - begin));
    if (counted != expected) FAIL("range " << begin << " to " << end << ": " << counted << " tokens, not " << expected);
  }
}

TEST_CASE("TokenizerFromJson gives the tokens of the reference, and their text", "[tokenizer_json]") {
  const json& texts = Golden()["texts"];
  REQUIRE(Golden()["cases"].size() >= 19);
  for (const json& golden : Golden()["cases"]) {
    INFO(golden["name"].get<std::string>());
    const auto tokenizer = Make(golden["tokenizer"]);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      INFO("text: " << texts[i].dump(-1, ' ', true));
      const std::string text = texts[i];
      const auto ids = golden["ids"][i].get<std::vector<std::uint32_t>>();
      CHECK(Ids(*tokenizer, text) == ids);
      CHECK(tokenizer->Decode(ids) == golden["decoded"][i].get<std::string>());
      for (const std::uint32_t id : ids) REQUIRE(id < tokenizer->vocabulary_size());
    }
  }
}

TEST_CASE("All functions of a tokenizer.json tokenizer agree", "[tokenizer_json]") {
  RAGPIPE_RANDOM_TEST(random);
  std::string all;
  for (const json& text : Golden()["texts"]) all += text.get<std::string>() + (random() % 2 == 0 ? " " : "\n");
  for (const json& golden : Golden()["cases"]) {
    INFO(golden["name"].get<std::string>());
    const auto tokenizer = Make(golden["tokenizer"]);
    const std::vector<Token> tokens = Encode(*tokenizer, all);
    const std::vector<std::uint32_t> ids = Ids(*tokenizer, all);
    REQUIRE(tokens.size() == ids.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      REQUIRE(tokens[i].id == ids[i]);
      REQUIRE(tokens[i].range.begin <= tokens[i].range.end);
      REQUIRE(tokens[i].range.end <= all.size());
    }
    CHECK(tokenizer->Count(all) == tokens.size());
    CHECK(tokenizer->CountUpTo(all, 10) == 11);
    CHECK(tokenizer->CountUpTo(all, tokens.size()) == tokens.size());
    CheckRanges(*tokenizer, all, random, 40);
    for (const json& text : Golden()["texts"]) CheckRanges(*tokenizer, text, random, 30);
  }
}

TEST_CASE("A tokenizer.json with WordPiece is a WordPiece", "[tokenizer_json]") {
  const auto tokenizer = LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json");
  REQUIRE_OK(tokenizer);
  CHECK((*tokenizer)->Fingerprint().starts_with("ragpipe.text.WordPiece/"));
  CHECK(LoadTokenizerJson("/no/such/tokenizer.json").status().code() == absl::StatusCode::kNotFound);
}

TEST_CASE("Ranges of tokenizer.json tokens are of the original text", "[tokenizer_json]") {
  const auto bpe = Make(SmallBpe());
  CHECK(Ids(*bpe, "ab ab") == std::vector<std::uint32_t>{4, 5});
  CHECK(Ranges(*bpe, "ab ab") == json({{0, 2}, {2, 5}}));
  CHECK(Ranges(*bpe, "ab \u00fcab ab") == json({{0, 2}, {2, 3}, {3, 5}, {5, 7}, {7, 10}}));

  json composed = SmallBpe();
  composed["normalizer"] = {{"type", "NFC"}};
  const auto nfc = Make(composed);
  CHECK(Ids(*nfc, "ae\u0301b") == std::vector<std::uint32_t>{2, 7, 3});
  CHECK(Ranges(*nfc, "ae\u0301b") == json({{0, 1}, {1, 4}, {4, 5}}));

  // What is put in has the place of what it is put before.
  json prepended = SmallBpe();
  prepended["pre_tokenizer"]["prepend_scheme"] = "always";
  CHECK(Ranges(*Make(prepended), "b") == json({{0, 1}, {0, 1}}));
}

TEST_CASE("Ill-formed UTF-8 is U+FFFD for each maximal part in a tokenizer.json tokenizer", "[tokenizer_json]") {
  for (const json& small : {SmallBpe(), SmallUnigram()}) {
    const auto tokenizer = Make(small);
    for (const auto& [bytes, parts] :
         std::vector<std::pair<std::string, json>>{{"a\xFF", {{0, 1}, {1, 2}}},
                                                   {"\xF1\x80\x80"
                                                    "a",
                                                    {{0, 3}, {3, 4}}},
                                                   {"\xE2\x82", {{0, 2}}},
                                                   {"\xED\xA0\x80", {{0, 1}, {1, 2}, {2, 3}}},
                                                   {"a \xC0 a", {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}}}) {
      std::string replaced;
      for (const json& part : parts) {
        const std::string piece = bytes.substr(part[0], part[1].get<std::size_t>() - part[0].get<std::size_t>());
        replaced += piece == "a" || piece == " " ? piece : "\uFFFD";
      }
      CHECK(Ids(*tokenizer, bytes) == Ids(*tokenizer, replaced));
      CHECK(Ranges(*tokenizer, bytes) == parts);
    }
  }
}

TEST_CASE("Of equal Unigram scores the first found wins", "[tokenizer_json]") {
  json tokenizer = SmallUnigram();
  // "ab" alone is found before "a" and "b" together, which then are not better.
  tokenizer["model"]["vocab"] = json::parse(R"([["?",0],["a",-2],["b",-2],["ab",-4]])");
  CHECK(Ids(*Make(tokenizer), "ab") == std::vector<std::uint32_t>{3});
  tokenizer["model"]["vocab"][3][1] = -4.5;
  CHECK(Ids(*Make(tokenizer), "ab") == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("Added tokens take white space and look at words as they say", "[tokenizer_json]") {
  auto with = [](const json& token) {
    json tokenizer = SmallBpe();
    tokenizer["added_tokens"] = json::array({token});
    return Make(tokenizer);
  };
  // Ids are those of the reference, which does not read them: the next after the vocabulary.
  CHECK(Ids(*with(AddedToken("<m>")), "a <m> b") == std::vector<std::uint32_t>{2, 1, 8, 1, 3});
  CHECK(Ranges(*with(AddedToken("<m>", {{"lstrip", true}, {"rstrip", true}})), "a \n<m>  b") == json({{0, 1}, {1, 8}, {8, 9}}));
  CHECK(Ids(*with(AddedToken("b", {{"single_word", true}})), "ab b") == std::vector<std::uint32_t>{4, 1, 3});
  CHECK(with(AddedToken("<m>"))->Decode({2, 8, 3}) == "a b");
  CHECK(with(AddedToken("<m>", {{"special", false}}))->Decode({2, 8, 3}) == "a <m> b");
  CHECK(with(AddedToken("<m>"))->vocabulary_size() == 9);
}

TEST_CASE("What a tokenizer.json says wrong is named with its path", "[tokenizer_json]") {
  struct Case {
    const char* pointer;
    json value;
    absl::StatusCode code;
    const char* message;
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kUnsupported = absl::StatusCode::kUnimplemented;
  json deep = {{"type", "NFC"}};
  for (int i = 0; i < 100; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
  const std::vector<Case> cases = {
      {"/model", 3, kInvalid, "model is missing or not an object"},
      {"/model/type", "WordLevel", kUnsupported, "model is of type 'WordLevel'"},
      {"/model/vocab", {{"a", 0}, {"b", 0}}, kInvalid, "model.vocab has the id 0 for two pieces"},
      {"/model/vocab", {{"a", -1}}, kInvalid, "model.vocab has no id"},
      {"/model/vocab", {{"a", 4000000000}}, kInvalid, "model.vocab has no id"},
      {"/model/vocab", json::array(), kInvalid, "model.vocab is missing or not an object"},
      {"/model/merges", 7, kInvalid, "model.merges is missing or not an array"},
      {"/model/merges", {"a"}, kInvalid, "model.merges[0] is not a pair"},
      {"/model/merges", {"a b", "a x"}, kInvalid, "model.merges[1] needs 'x'"},
      {"/model/merges", {{"a", "b", "b"}}, kInvalid, "model.merges[0] is not a pair"},
      {"/model/dropout", 0.5, kUnsupported, "dropout"},
      {"/model/unk_token", "no", kInvalid, "unk_token 'no'"},
      {"/model/end_of_word_suffix", "</w>", kUnsupported, "end_of_word_suffix"},
      {"/model/fuse_unk", "yes", kInvalid, "model.fuse_unk"},
      {"/normalizer", {{"type", "BertNormalizer"}}, kUnsupported, "normalizer is of type 'BertNormalizer'"},
      {"/normalizer", deep, kUnsupported, "nested too deep"},
      {"/normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "X"}}}}},
       kUnsupported,
       "normalizer.normalizers[1] is of type 'X'"},
      {"/normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "(a+)+"}}}, {"content", ""}}, kUnsupported, "'(a+)+'"},
      {"/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "AAA"}}, kInvalid, "base64"},
      {"/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "/////w=="}}, kInvalid, "larger than it is"},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "x|y"}}}, {"behavior", "Isolated"}, {"invert", false}},
       kUnsupported,
       "pre_tokenizer has a regular expression that is not known here: 'x|y'"},
      {"/pre_tokenizer/replacement", "ab", kInvalid, "pre_tokenizer.replacement is not one character"},
      {"/pre_tokenizer/prepend_scheme", "second", kInvalid, "prepend_scheme 'second'"},
      {"/decoder", {{"type", "CTC"}}, kUnsupported, "decoder is of type 'CTC'"},
      {"/added_tokens", json::parse(R"([{"content": "x"}])"), kInvalid, "added_tokens[0].single_word"},
      {"/added_tokens", json::array({AddedToken(std::string(5000, 'x'))}), kUnsupported, "added_tokens[0]"},
  };
  for (const Case& each : cases) {
    INFO(each.pointer << " " << each.value.dump().substr(0, 100));
    json tokenizer = SmallBpe();
    tokenizer[json::json_pointer(each.pointer)] = each.value;
    const absl::Status status = TokenizerFromJson(tokenizer.dump()).status();
    INFO(status.ToString());
    CHECK(status.code() == each.code);
    CHECK(std::string(status.message()).find(each.message) != std::string::npos);
  }
  json no_unknown = SmallUnigram();
  no_unknown["model"].erase("unk_id");
  CHECK(TokenizerFromJson(no_unknown.dump()).status().code() == kUnsupported);
  for (const char* vocabulary : {R"([])", R"([["a"]])", R"([["a",1],["b","c"]])", R"({"a":1})", R"([1,2])"}) {
    json tokenizer = SmallUnigram();
    tokenizer["model"]["vocab"] = json::parse(vocabulary);
    CHECK(TokenizerFromJson(tokenizer.dump()).status().code() == kInvalid);
  }
}

TEST_CASE("Hostile tokenizer.json texts are refused, not run", "[tokenizer_json]") {
  CHECK(TokenizerFromJson("").status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(TokenizerFromJson("[]").status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(TokenizerFromJson(std::string(1000000, '[')).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK_FALSE(TokenizerFromJson(R"({"model":)" + std::string(100000, '[') + std::string(100000, ']') + "}").ok());
  const std::string whole = GoldenTokenizer("xlm_roberta").dump();
  for (std::size_t size = 0; size < whole.size(); size += whole.size() / 97)
    CHECK_FALSE(TokenizerFromJson(whole.substr(0, size)).ok());

  // Any byte of a charsmap may be wrong: then the file is refused, or the tokenizer still works.
  RAGPIPE_RANDOM_TEST(random);
  json tokenizer = GoldenTokenizer("xlm_roberta");
  const std::string map = tokenizer["normalizer"]["precompiled_charsmap"];
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 100; ++i) {
    std::string damaged = map;
    for (int k = 0; k < 20; ++k) damaged[random() % (damaged.size() - 4)] = kDigits[random() % kDigits.size()];
    tokenizer["normalizer"]["precompiled_charsmap"] = damaged;
    const auto made = TokenizerFromJson(tokenizer.dump());
    if (made.ok()) (void)(*made)->Count("na\u00efve \uFF21\uFF22 \u1100\u1161\u11a8 e\u0301 ...");
  }
}

TEST_CASE("Of two ways that tie, a Unigram tokenizer takes the one that the rounding of tokenizers favours",
          "[tokenizer_json]") {
  // Ids of tokenizers 0.23.3. With the doubles nearest to these scores "..." would come before ".".
  json tokenizer = SmallUnigram();
  tokenizer["model"]["vocab"] =
      json::parse(R"([["<unk>",0.0],["`",-5.891816029193853],["bu",-9.803961675879325],)"
                  R"(["mp",-9.634342130233984],[".",-3.8619276816064616],["...",-9.06811619771965]])");
  tokenizer["pre_tokenizer"] = nullptr;
  tokenizer["normalizer"] = nullptr;
  tokenizer["added_tokens"] = json::array();
  CHECK(Ids(*Make(tokenizer), "`bump....") == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
}

TEST_CASE("Long pieces take linear time in tokenizer.json tokenizers", "[tokenizer_json]") {
  for (const char* name : {"llama2", "gemma", "xlm_roberta", "unigram_whole", "t5"}) {
    const auto tokenizer = Make(GoldenTokenizer(name));
    for (const std::string unit : {"a", " ", "\n", "\u0301", "\u6771", "q", "\xFF"}) {
      std::string text;
      while (text.size() < 100000) text += unit;
      CHECK(tokenizer->Count(text) <= 3 * text.size() + 1);
    }
  }
}

TEST_CASE("A tokenizer.json tokenizer serves several threads", "[tokenizer_json]") {
  const auto tokenizer = Make(GoldenTokenizer("xlm_roberta"));
  std::string text;
  for (const json& each : Golden()["texts"]) text += each.get<std::string>() + " ";
  const std::size_t expected = tokenizer->Count(text);
  std::vector<std::thread> threads;
  std::vector<std::size_t> counts(4);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) counts[i] = tokenizer->Count(text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counts == std::vector<std::size_t>(4, expected));
}

TEST_CASE("The fingerprint of a tokenizer.json tokenizer is that of the file", "[tokenizer_json]") {
  const std::string fingerprint = Make(SmallBpe())->Fingerprint();
  CHECK(fingerprint.starts_with("ragpipe.text.TokenizerJson/1;model=BPE;vocabulary=8;"));
  CHECK(Make(SmallBpe())->Fingerprint() == fingerprint);
  json other = SmallBpe();
  other["normalizer"] = {{"type", "NFC"}};
  CHECK(Make(other)->Fingerprint() != fingerprint);
}

}  // namespace
}  // namespace ragpipe::text
