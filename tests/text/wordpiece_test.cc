#include "ragpipe/text/wordpiece.h"

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

json ReadJson(const std::string& name) { return json::parse(ReadFile(std::string(RAGPIPE_TEST_DATA "/") + name)); }

std::shared_ptr<const WordPiece> Make(const json& tokenizer) {
  auto made = WordPiece::FromJson(tokenizer.dump());
  REQUIRE_OK(made);
  return *std::move(made);
}

const WordPiece& DefaultVocabulary() {
  static const auto& tokenizer = *new std::shared_ptr<const WordPiece>(
      WordPiece::FromJson(ReadFile(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json")).value());
  return *tokenizer;
}

/// A tokenizer.json that every test may change.
json SmallTokenizer() {
  return {{"added_tokens", json::array()},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", {{"[UNK]", 0}, {"a", 1}, {"##b", 2}, {"b", 3}, {"[CLS]", 4}, {"\uFFFD", 5}, {"##\uFFFD", 6}}}}}};
}

json SpecialToken(const std::string& content, int id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

std::vector<Token> Encode(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  return tokens;
}

std::vector<std::uint32_t> Ids(const std::vector<Token>& tokens) {
  std::vector<std::uint32_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

json Ranges(const std::vector<Token>& tokens) {
  json ranges = json::array();
  for (const Token& token : tokens) ranges.push_back({token.range.begin, token.range.end});
  return ranges;
}

void CheckGolden(const Tokenizer& tokenizer, const json& golden) {
  const std::string text = golden["text"];
  INFO("text: " << golden["text"].dump(-1, ' ', true));
  const std::vector<Token> tokens = Encode(tokenizer, text);
  CHECK(Ids(tokens) == golden["ids"].get<std::vector<std::uint32_t>>());
  if (golden.contains("ranges")) CHECK(Ranges(tokens) == golden["ranges"]);
  CHECK(tokenizer.Count(text) == tokens.size());
}

std::string Utf8(char32_t c) {
  auto low = [c](unsigned shift) { return static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0U | (c >> 6U)), low(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0U | (c >> 12U)), low(6), low(0)};
  return {static_cast<char>(0xF0U | (c >> 18U)), low(12), low(6), low(0)};
}

/// All ranges between code points, or `samples` of them.
void CheckRanges(const Tokenizer& tokenizer, const std::string& text, std::mt19937_64& random, std::size_t samples = SIZE_MAX) {
  INFO("text: " << json(text).dump(-1, ' ', true, json::error_handler_t::replace));
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (internal::IsCodePointBoundary(text, i)) cuts.push_back(i);
  }
  const std::unique_ptr<RangeCounter> counter = tokenizer.CountRanges(text);
  auto check = [&](std::size_t begin, std::size_t end) {
    const std::size_t counted = counter->Count({begin, end});
    const std::size_t expected = tokenizer.Count(std::string_view(text).substr(begin, end - begin));
    if (counted != expected) FAIL("range " << begin << " to " << end << ": " << counted << " tokens, not " << expected);
  };
  if (cuts.size() * cuts.size() / 2 <= samples) {
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      for (std::size_t j = i; j < cuts.size(); ++j) check(cuts[i], cuts[j]);
    }
    return;
  }
  for (std::size_t sample = 0; sample < samples; ++sample) {
    std::size_t i = random() % cuts.size();
    std::size_t j = random() % cuts.size();
    if (i > j) std::swap(i, j);
    check(cuts[i], cuts[j]);
  }
}

TEST_CASE("WordPiece gives the tokens of the reference", "[wordpiece]") {
  const json golden = ReadJson("wordpiece_golden.json");
  REQUIRE(golden["cases"].size() > 200);
  for (const json& text : golden["cases"]) CheckGolden(DefaultVocabulary(), text);
}

TEST_CASE("WordPiece obeys every option as the reference does", "[wordpiece]") {
  const json golden = ReadJson("wordpiece_rules_golden.json");
  for (const json& rules : golden["cases"]) {
    INFO(rules["name"].get<std::string>());
    const auto tokenizer = Make(rules["tokenizer"]);
    for (const json& text : rules["texts"]) CheckGolden(*tokenizer, text);
    for (const json& decoded : rules["decoded"]) {
      INFO("ids: " << decoded["ids"].dump());
      CHECK(tokenizer->Decode(decoded["ids"].get<std::vector<std::uint32_t>>()) == decoded["text"].get<std::string>());
    }
  }
}

TEST_CASE("WordPiece treats every code point as the reference does", "[wordpiece]") {
  const json golden = ReadJson("characters_golden.json");

  // Every character that the reference turns into others; all other letters are unknown.
  json tokenizer_json = SmallTokenizer();
  json& vocabulary = tokenizer_json["model"]["vocab"];
  auto add_piece = [&vocabulary](const std::string& piece) { vocabulary.emplace(piece, vocabulary.size()); };
  for (const auto& [code_point, becomes] : golden["becomes"].items()) {
    const std::string text = becomes;
    for (std::size_t i = 0; i < text.size(); i += internal::Utf8SequenceLength(std::string_view(text).substr(i))) {
      const std::string character = text.substr(i, internal::Utf8SequenceLength(std::string_view(text).substr(i)));
      add_piece(character);
      add_piece("##" + character);
    }
  }
  const auto tokenizer = Make(tokenizer_json);

  SECTION("what it is") {
    // Every one where characters are dense, a sample of the rest.
    const json& classes = golden["classes"];
    for (std::size_t run = 0; run < classes.size(); ++run) {
      const char32_t first = classes[run][0];
      const char32_t end = run + 1 < classes.size() ? classes[run + 1][0].get<char32_t>() : char32_t{0x110000};
      const std::string kind = classes[run][1];
      if (kind == "-") continue;  // surrogates
      const std::size_t expected = kind == "letter" ? 1 : kind == "alone" ? 3 : 2;
      for (char32_t c = first; c < end; c += c < 0x10000 || c + 8 > end || c < first + 8 ? 1 : 7) {
        const std::string code_point = Utf8(c);
        const std::vector<Token> tokens = Encode(*tokenizer, "a" + code_point + "b");
        bool same = false;
        if (kind == "letter") {  // one word, whether it can be spelled or not
          same = !tokens.empty() && tokens.front().range.begin == 0 && tokens.back().range.end == 2 + code_point.size();
          for (std::size_t i = 1; i < tokens.size(); ++i)
            same = same && tokenizer->Decode({0, tokens[i].id}).find(' ') == std::string::npos;
        } else {
          same = tokens.size() == expected;
          if (same && kind == "dropped") same = Ids(tokens) == std::vector<std::uint32_t>{1, 2};
          if (same && kind == "space") same = Ids(tokens) == std::vector<std::uint32_t>{1, 3};
          if (same && kind == "alone") same = tokens[0].id == 1 && tokens[2].id == 3;
        }
        if (!same) FAIL("U+" << std::hex << static_cast<std::uint32_t>(c) << " is not of class '" << kind << "'");
      }
    }
  }

  SECTION("what it becomes") {
    for (const auto& [hex, becomes] : golden["becomes"].items()) {
      const std::string text = becomes;
      std::vector<std::uint32_t> expected;
      for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = internal::Utf8SequenceLength(std::string_view(text).substr(i));
        expected.push_back(vocabulary[(i == 0 ? "" : "##") + text.substr(i, length)]);
        i += length;
      }
      const auto c = static_cast<char32_t>(std::stoul(hex, nullptr, 16));
      if (Ids(Encode(*tokenizer, Utf8(c))) != expected) FAIL("U+" << hex << " does not become " << text);
    }
  }
}

TEST_CASE("Ill-formed UTF-8 counts as U+FFFD for each maximal part", "[wordpiece]") {
  // Unicode 15, section 3.9, tables 3-8 to 3-11, with "b" for "B".
  struct Case {
    std::string_view bytes;
    std::vector<std::size_t> lengths;  // of each part; 'A' and 'b' among them
  };
  const std::vector<Case> cases = {
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
      {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", {2, 1, 3, 2, 1}},
      {"\xF0\x9F\x98", {3}},
      {"\xF0\x9F", {2}},
      {"\xC3", {1}},
  };
  json tokenizer_json = SmallTokenizer();
  tokenizer_json["normalizer"]["clean_text"] = false;
  json& vocabulary = tokenizer_json["model"]["vocab"];
  vocabulary["##a"] = vocabulary.size();
  const auto kept = Make(tokenizer_json);
  const auto cleaned = Make(SmallTokenizer());
  for (const Case& c : cases) {
    INFO(json(std::string(c.bytes)).dump(-1, ' ', true, json::error_handler_t::replace));
    const std::vector<Token> tokens = Encode(*kept, c.bytes);
    REQUIRE(tokens.size() == c.lengths.size());
    std::size_t begin = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      CHECK(tokens[i].range == ByteRange{begin, begin + c.lengths[i]});
      begin += c.lengths[i];
    }
    // clean_text drops U+FFFD.
    std::size_t letters = 0;
    for (const char byte : c.bytes) letters += byte == 'A' || byte == 'B' ? 1U : 0U;
    CHECK(cleaned->Count(c.bytes) == letters);
  }
}

TEST_CASE("CountUpTo stops one above its limit", "[wordpiece]") {
  const WordPiece& tokenizer = DefaultVocabulary();
  const std::string text = "one two, three unaffable";
  const std::size_t count = tokenizer.Count(text);
  REQUIRE(count > 5);
  for (std::size_t limit = 0; limit <= count + 2; ++limit)
    CHECK(tokenizer.CountUpTo(text, limit) == std::min(count, limit + 1));
  CHECK(tokenizer.CountUpTo("", 0) == 0);
  CHECK(tokenizer.CountUpTo(text, SIZE_MAX) == count);
}

TEST_CASE("CountRanges equals counting each part alone", "[wordpiece]") {
  RAGPIPE_RANDOM_TEST(random);

  SECTION("every range of the reference texts") {
    const json golden = ReadJson("wordpiece_golden.json");
    for (const json& text : golden["cases"]) {
      CheckRanges(DefaultVocabulary(), text["text"], random, 3000);
    }
  }

  SECTION("under every option, with added tokens and marks that are reordered") {
    const std::vector<std::string> parts = {"a",      "b",      "c",      "ab",     "B",      "[CLS]",     "[MASK]", "[",
                                            "]",      "CLS",    " ",      "\n",     "!",      ".",         "<",      "\u00E9",
                                            "\u0301", "\u0130", "\u4E2D", "\uAC00", "\x01",   "\u226E",    "\uFFFD", "\u302E",
                                            "\u1DF6", "\u1AB0", "\u0901", "\u3000", "\uF900", "\U0001F600"};
    const json golden = ReadJson("wordpiece_rules_golden.json");
    for (const json& rules : golden["cases"]) {
      INFO(rules["name"].get<std::string>());
      const auto tokenizer = Make(rules["tokenizer"]);
      for (int i = 0; i < 60; ++i) {
        std::string text;
        for (std::size_t left = random() % 24; left > 0; --left) text += parts[random() % parts.size()];
        CheckRanges(*tokenizer, text, random);
      }
    }
  }

  SECTION("bytes that are not UTF-8") {
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (std::size_t left = random() % 30; left > 0; --left)
        text += static_cast<char>(random() % 3 == 0 ? 'a' + random() % 3 : random());
      CheckRanges(DefaultVocabulary(), text, random);
    }
  }

  SECTION("words longer than a model takes") {
    for (const std::string_view part : {"a", "\u00E4", "x\u0301\u0901", "\uAC00", "a\x01\x01\x01", "\u302E\u1DF6"}) {
      std::string text = "begin ";
      while (text.size() < 3000) text += part;
      text += " end";
      CheckRanges(DefaultVocabulary(), text, random, 300);
    }
    std::string marks = "a";
    for (int i = 0; i < 2000; ++i) marks += "\u0301";
    CheckRanges(DefaultVocabulary(), marks + "b\u0301" + marks, random, 300);
  }

  SECTION("ranges outside the text") {
    const std::string text = "one two";
    const auto counter = DefaultVocabulary().CountRanges(text);
    CHECK(counter->Count({0, 1000}) == 2);
    CHECK(counter->Count({1000, 2000}) == 0);
    CHECK(counter->Count({5, 2}) == 0);
    CHECK(DefaultVocabulary().CountRanges("")->Count({0, 0}) == 0);
  }
}

TEST_CASE("A text takes time linear in its length, whatever it is", "[wordpiece]") {
  // A quadratic step would take minutes.
  for (const std::string_view part : {"a", " ", ".", "\u0301", "\u302E\u1DF6", "\x01", "[CLS]", "\uAC00"}) {
    INFO(json(std::string(part)).dump(-1, ' ', true));
    std::string text;
    while (text.size() < 100'000) text += part;
    const std::size_t count = DefaultVocabulary().Count(text);
    const auto counter = DefaultVocabulary().CountRanges(text);
    CHECK(counter->Count({0, text.size()}) == count);
    std::size_t counted = 0;
    for (std::size_t i = 0; i + part.size() <= text.size(); i += part.size() * 10) {
      counter->Count({i, text.size()});
      counter->Count({0, i});
      ++counted;
    }
    CHECK(counted > 500);
    const std::string_view rest = std::string_view(text).substr(text.size() - part.size() * 50);
    CHECK(counter->Count({text.size() - rest.size(), text.size()}) == DefaultVocabulary().Count(rest));
  }
}

TEST_CASE("A tokenizer.json that is not one is refused", "[wordpiece]") {
  struct Case {
    const char* pointer;
    json value;
    absl::StatusCode code;
    const char* message;
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kUnsupported = absl::StatusCode::kUnimplemented;
  const std::vector<Case> cases = {
      {"/model", nullptr, kInvalid, "'model'"},
      {"/model", json::array(), kInvalid, "'model'"},
      {"/model/type", "BPE", kUnsupported, "'BPE'"},
      {"/model/type", 3, kInvalid, "model.type"},
      {"/model/type", std::string(5000, 'x'), kUnsupported, "xxx..."},
      {"/model/vocab", nullptr, kInvalid, "model.vocab"},
      {"/model/vocab", json::array({"a"}), kInvalid, "model.vocab"},
      {"/model/vocab", json::object(), kInvalid, "unk_token"},
      {"/model/vocab/a", -1, kInvalid, "'a'"},
      {"/model/vocab/a", 1.5, kInvalid, "'a'"},
      {"/model/vocab/a", "1", kInvalid, "'a'"},
      {"/model/vocab/a", 0, kInvalid, "two pieces"},
      {"/model/vocab/a", 7, kInvalid, "0 to 6"},
      {"/model/vocab/a", std::uint64_t{1} << 63U, kInvalid, "'a'"},
      {"/model/unk_token", "[unk]", kInvalid, "unk_token"},
      {"/model/unk_token", nullptr, kInvalid, "unk_token"},
      {"/model/continuing_subword_prefix", false, kInvalid, "continuing_subword_prefix"},
      {"/model/max_input_chars_per_word", -1, kInvalid, "max_input_chars_per_word"},
      {"/model/max_input_chars_per_word", "100", kInvalid, "max_input_chars_per_word"},
      {"/normalizer/type", "NFKC", kUnsupported, "normalizer 'NFKC'"},
      {"/normalizer/lowercase", "yes", kInvalid, "normalizer.lowercase"},
      {"/normalizer/clean_text", nullptr, kInvalid, "normalizer.clean_text"},
      {"/normalizer/strip_accents", 1, kInvalid, "normalizer.strip_accents"},
      {"/normalizer", "BertNormalizer", kInvalid, "'normalizer'"},
      {"/pre_tokenizer", nullptr, kUnsupported, "pre_tokenizer"},
      {"/pre_tokenizer/type", "Whitespace", kUnsupported, "pre_tokenizer 'Whitespace'"},
      {"/decoder/type", "ByteLevel", kUnsupported, "decoder 'ByteLevel'"},
      {"/decoder/prefix", 1, kInvalid, "decoder.prefix"},
      {"/added_tokens", json::object(), kInvalid, "added_tokens"},
      {"/added_tokens", json::array({1}), kInvalid, "added_tokens[0]"},
      {"/added_tokens", json::array({SpecialToken("[CLS]", 1)}), kUnsupported, "'[CLS]'"},
      {"/added_tokens", json::array({SpecialToken("[NEW]", 7)}), kUnsupported, "'[NEW]'"},
      {"/added_tokens", json::array({SpecialToken("a", 1)}), kUnsupported, "punctuation"},
      {"/added_tokens", json(std::vector<json>(300, SpecialToken("[CLS]", 4))), kUnsupported, "more than 256"},
  };
  for (const Case& c : cases) {
    INFO(c.pointer << " = " << c.value.dump().substr(0, 100));
    json tokenizer = SmallTokenizer();
    tokenizer[json::json_pointer(c.pointer)] = c.value;
    const auto made = WordPiece::FromJson(tokenizer.dump());
    INFO(Describe(made));
    CHECK(made.status().code() == c.code);
    CHECK(std::string(made.status().message()).find(c.message) != std::string::npos);
    CHECK(made.status().message().size() < 300);
  }

  SECTION("an option of an added token that is not supported is named") {
    for (const char* option : {"normalized", "single_word", "lstrip", "rstrip"}) {
      json tokenizer = SmallTokenizer();
      tokenizer["added_tokens"].push_back(SpecialToken("[CLS]", 4));
      REQUIRE_OK(WordPiece::FromJson(tokenizer.dump()));
      tokenizer["added_tokens"][0][option] = true;
      const auto made = WordPiece::FromJson(tokenizer.dump());
      CHECK(made.status().code() == kUnsupported);
      CHECK(std::string(made.status().message()).find(option) != std::string::npos);
    }
  }

  SECTION("added tokens that can overlap") {
    json tokenizer = SmallTokenizer();
    tokenizer["model"]["vocab"]["[a["] = 7;
    tokenizer["model"]["vocab"]["[b]"] = 8;
    tokenizer["added_tokens"] = json::array({SpecialToken("[a[", 7), SpecialToken("[b]", 8)});
    CHECK(WordPiece::FromJson(tokenizer.dump()).status().code() == kUnsupported);
  }

  SECTION("broken texts") {
    const std::string whole = SmallTokenizer().dump();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CHECK(WordPiece::FromJson(std::string_view(whole).substr(0, size)).status().code() == kInvalid);
    }
    CHECK(WordPiece::FromJson("[]").status().code() == kInvalid);
    CHECK(WordPiece::FromJson("null").status().code() == kInvalid);
    CHECK(WordPiece::FromJson("{\"model\":\xFF}").status().code() == kInvalid);
    CHECK(WordPiece::FromJson(std::string(1'000'000, '[')).status().code() == kInvalid);
    CHECK(WordPiece::FromJson(std::string(100'000, '[') + std::string(100'000, ']')).status().code() == kInvalid);
    CHECK(WordPiece::FromJson(R"({"model":1e999})").status().code() == kInvalid);
  }

  SECTION("a changed byte anywhere is accepted or refused, nothing else") {
    RAGPIPE_RANDOM_TEST(random);
    const std::string whole = SmallTokenizer().dump();
    for (int i = 0; i < 1000; ++i) {
      std::string broken = whole;
      broken[random() % broken.size()] = static_cast<char>(random());
      const auto made = WordPiece::FromJson(broken);
      if (made.ok()) Encode(**made, "a b [CLS] \u00E9\uFFFD");
    }
  }
}

TEST_CASE("The fingerprint follows what shapes the output and nothing else", "[wordpiece]") {
  const json base = SmallTokenizer();
  const std::string fingerprint = Make(base)->Fingerprint();
  CHECK(fingerprint.starts_with("ragpipe.text.WordPiece/1;vocabulary=7;"));
  CHECK(WordPiece::FromJson(base.dump(4)).value()->Fingerprint() == fingerprint);
  json padded = base;
  padded["truncation"] = {{"max_length", 512}};
  CHECK(Make(padded)->Fingerprint() == fingerprint);

  const std::vector<std::pair<const char*, json>> changes = {{"/normalizer/lowercase", false},
                                                             {"/normalizer/clean_text", false},
                                                             {"/normalizer/strip_accents", false},
                                                             {"/normalizer/handle_chinese_chars", false},
                                                             {"/model/continuing_subword_prefix", "@@"},
                                                             {"/model/max_input_chars_per_word", 99},
                                                             {"/model/unk_token", "a"},
                                                             {"/model/vocab/c", 7},
                                                             {"/decoder", nullptr},
                                                             {"/added_tokens", json::array({SpecialToken("[CLS]", 4)})}};
  for (const auto& [pointer, value] : changes) {
    INFO(pointer);
    json changed = base;
    changed[json::json_pointer(pointer)] = value;
    CHECK(Make(changed)->Fingerprint() != fingerprint);
  }
}

TEST_CASE("WordPiece tells its vocabulary", "[wordpiece]") {
  CHECK(DefaultVocabulary().vocabulary_size() == 29525);
  CHECK(DefaultVocabulary().unknown_id() == 1);
  CHECK(Make(SmallTokenizer())->unknown_id() == 0);
}

/// A tokenizer that overrides only what it must.
class ByteTokenizer final : public Tokenizer {
 public:
  void Encode(std::string_view text, std::vector<Token>& out) const override {
    for (std::size_t i = 0; i < text.size(); ++i) out.push_back({static_cast<unsigned char>(text[i]), {i, i + 1}});
  }
  std::string Decode(const std::vector<std::uint32_t>& ids) const override { return {ids.begin(), ids.end()}; }
  std::size_t vocabulary_size() const override { return 256; }
  std::string Fingerprint() const override { return "bytes"; }
};

TEST_CASE("The defaults of Tokenizer count by encoding", "[tokenizer]") {
  const ByteTokenizer tokenizer;
  CHECK(tokenizer.Count("four") == 4);
  CHECK(tokenizer.CountUpTo("four", 2) == 3);
  CHECK(tokenizer.CountUpTo("four", 4) == 4);
  const auto counter = tokenizer.CountRanges("four");
  CHECK(counter->Count({1, 3}) == 2);
  CHECK(counter->Count({1, 100}) == 3);
  CHECK(counter->Count({3, 1}) == 0);
}

}  // namespace
}  // namespace ragpipe::text
