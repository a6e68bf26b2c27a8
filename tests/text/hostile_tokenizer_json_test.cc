// tokenizer.json files that are made to take a reader's time, memory or stack. What is wrong in a plain way has its tests in
// tokenizer_json_test.cc and wordpiece_test.cc. None of these would end if anything were quadratic.
#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/text/tokenizer_json.h"
#include "support/catch.h"

using nlohmann::json;
using ragpipe::text::TokenizerFromJson;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

json File(json model) {
  return {{"version", "1.0"},   {"added_tokens", json::array()}, {"normalizer", nullptr}, {"pre_tokenizer", nullptr},
          {"decoder", nullptr}, {"model", std::move(model)}};
}

using Vocabulary = std::map<std::string, std::size_t>;  // ids
using Merges = std::vector<std::pair<std::string, std::string>>;
using Pieces = std::vector<std::pair<std::string, double>>;  // with scores

json Bpe(const Vocabulary& vocabulary, const Merges& merges) {
  return File({{"type", "BPE"},
               {"dropout", nullptr},
               {"unk_token", "?"},
               {"continuing_subword_prefix", nullptr},
               {"end_of_word_suffix", nullptr},
               {"fuse_unk", false},
               {"byte_fallback", false},
               {"ignore_merges", false},
               {"vocab", vocabulary},
               {"merges", merges}});
}

json Unigram(const Pieces& pieces) {
  return File({{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", false}, {"vocab", pieces}});
}

json WordPiece(const Vocabulary& vocabulary, std::size_t max_word) {
  json file = File({{"type", "WordPiece"},
                    {"unk_token", "[UNK]"},
                    {"continuing_subword_prefix", "##"},
                    {"max_input_chars_per_word", max_word},
                    {"vocab", vocabulary}});
  file["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", true},
                        {"strip_accents", nullptr},
                        {"lowercase", true}};
  file["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  file["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  return file;
}

json AddedToken(const std::string& content, std::size_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

// A file is refused with a short message, or what it makes counts a text.
void RefusedOrWorks(const json& file, std::string_view text) {
  const auto made = TokenizerFromJson(file.dump());
  INFO(made.status().ToString().substr(0, 300));
  if (!made.ok()) {
    CHECK((made.status().code() == absl::StatusCode::kInvalidArgument ||
           made.status().code() == absl::StatusCode::kUnimplemented));
    CHECK(made.status().message().size() < 1000);
    return;
  }
  std::vector<std::uint32_t> ids;
  (*made)->EncodeIds(text, ids);
  CHECK((*made)->Count(text) == ids.size());
  CHECK(ids.size() <= text.size() + 2);
}

}  // namespace

TEST_CASE("Pieces that are as long as a text cost no more than the text", "[hostile]") {
  const std::string text = std::string(kMiB, 'a') + "b";
  Vocabulary vocabulary = {{"?", 0}, {"a", 1}, {"b", 2}};
  Merges merges;
  for (std::string piece = "a"; piece.size() < kMiB / 8; piece += piece) {
    merges.emplace_back(piece, piece);
    vocabulary.emplace(piece + piece, vocabulary.size());
  }
  RefusedOrWorks(Bpe(vocabulary, merges), text);

  // These models look ahead for the longest piece at every place, so it has a limit.
  const auto unigram = [](std::size_t bytes) {
    const std::string piece(bytes, 'a');
    return Unigram({{"<unk>", 0.0}, {"a", -1.0}, {piece, -600.0}, {piece.substr(1) + "c", -3.0}});
  };
  const auto wordpiece = [](std::size_t bytes) {
    const std::string piece(bytes, 'a');
    return WordPiece({{"[UNK]", 0}, {"a", 1}, {"##a", 2}, {piece, 3}, {"##" + piece.substr(3) + "c", 4}}, 2 * kMiB);
  };
  for (const json& file : {unigram(512), wordpiece(512)}) {
    REQUIRE_OK(TokenizerFromJson(file.dump()));
    RefusedOrWorks(file, text.substr(kMiB * 7 / 8));
  }
  for (const std::size_t bytes : {std::size_t{513}, kMiB}) {
    for (const json& file : {unigram(bytes), wordpiece(bytes)}) {
      const absl::Status status = TokenizerFromJson(file.dump()).status();
      CHECK(status.code() == absl::StatusCode::kUnimplemented);
      CHECK(std::string(status.message()).find("bytes, more than 512") != std::string::npos);
    }
  }
}

TEST_CASE("Merges that go in circles end", "[hostile]") {
  const std::string text(kMiB / 16, 'a');
  RefusedOrWorks(Bpe({{"?", 0}, {"", 1}, {"a", 2}}, {{"", "a"}, {"a", ""}, {"", ""}}), text);
  RefusedOrWorks(Bpe({{"?", 0}, {"a", 1}, {"aa", 2}, {"aaa", 3}}, {{"a", "aa"}, {"aa", "a"}, {"a", "a"}, {"a", "a"}}), text);
  RefusedOrWorks(Unigram({{"<unk>", 0.0}, {"", -1.0}, {"a", -1.0}}), text);
  RefusedOrWorks(WordPiece({{"[UNK]", 0}, {"", 1}, {"##", 2}, {"a", 3}}, 100), "a aa");
}

TEST_CASE("A hundred thousand merges, pieces or added tokens are read", "[hostile]") {
  Vocabulary vocabulary = {{"?", 0}};
  Pieces pieces = {{"<unk>", 0.0}};
  Merges merges;
  for (int i = 0; i < 300; ++i) vocabulary.emplace("x" + std::to_string(i), vocabulary.size());
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 300; ++k) {
      const std::string left = "x" + std::to_string(i);
      const std::string right = "x" + std::to_string(k);
      merges.emplace_back(left, right);
      vocabulary.emplace(left + right, vocabulary.size());
      pieces.emplace_back(left + right, -1.0 * i);
    }
  }
  RefusedOrWorks(Bpe(vocabulary, merges), "x1x2x3");
  RefusedOrWorks(Unigram(pieces), "x1x2x3");
  json file = Unigram({{"<unk>", 0.0}, {"a", -1.0}});
  for (std::size_t i = 0; i < 20000; ++i) file["added_tokens"].push_back(AddedToken("<" + std::to_string(i) + ">", i + 2));
  RefusedOrWorks(file, "a<7>" + std::string(kMiB / 16, '<'));
  file["added_tokens"] = json::array({AddedToken("", 2)});
  RefusedOrWorks(file, "aaa");
  file["added_tokens"] = json::array({AddedToken(std::string(1000, '<'), 2)});
  RefusedOrWorks(file, std::string(kMiB / 4, '<'));
}

TEST_CASE("Regular expressions that are not known are refused unread, in a short message", "[hostile]") {
  json file = Unigram({{"<unk>", 0.0}, {"a", -1.0}});
  for (const std::string& pattern : {std::string(kMiB, '('), "(a*)*b" + std::string(kMiB, 'a'), std::string("a{1000000000}"),
                                     std::string("(?R)"), std::string("[")}) {
    file["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", "b"}};
    file["pre_tokenizer"] = nullptr;
    CHECK(TokenizerFromJson(file.dump()).status().code() == absl::StatusCode::kUnimplemented);
    RefusedOrWorks(file, "a");
    file["normalizer"] = nullptr;
    file["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    CHECK(TokenizerFromJson(file.dump()).status().code() == absl::StatusCode::kUnimplemented);
    RefusedOrWorks(file, "a");
  }
}

TEST_CASE("Normalizers that make a text longer do so no more than linearly", "[hostile]") {
  json file = Unigram({{"<unk>", 0.0}, {"a", -1.0}});
  const json replace = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1000, 'b')}};
  file["normalizer"] = replace;
  const auto made = TokenizerFromJson(file.dump());
  if (made.ok()) CHECK((*made)->Count("aaa") <= 3000);
  // Sixty doublings would be 10^18 characters: the file may be refused, or the text, but nothing may hang.
  json doubling = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  json steps = json::array();
  for (int i = 0; i < 16; ++i) steps.push_back(doubling);
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  const auto doubled = TokenizerFromJson(file.dump());
  INFO(doubled.status().ToString());
  if (doubled.ok()) CHECK((*doubled)->Count("a") <= 65536);
  file["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}};
  (void)TokenizerFromJson(file.dump());
}

TEST_CASE("Values of every wrong type in every place are refused or read", "[hostile]") {
  const std::vector<json> files = {Bpe({{"?", 0}, {"a", 1}, {"b", 2}, {"ab", 3}}, {{"a", "b"}}),
                                   Unigram({{"<unk>", 0.0}, {"a", -1.0}}), WordPiece({{"[UNK]", 0}, {"a", 1}}, 100)};
  const std::vector<json> values = {nullptr,        true,          -1,     1e308,      std::uint64_t{1} << 63U, "",
                                    "\xEF\xBF\xBE", json::array(), {1, 2}, {{"a", 1}}, {{"type", 7}},           {{{}}}};
  for (const json& file : files) {
    const json flat = file.flatten();
    for (const auto& [pointer, ignored] : flat.items()) {
      for (const json& value : values) {
        // The place itself, and each that it is in.
        for (json::json_pointer at(pointer); !at.empty(); at.pop_back()) {
          json wrong = file;
          wrong[at] = value;
          INFO(at.to_string() << " = " << value.dump());
          RefusedOrWorks(wrong, "a ab");
        }
      }
    }
  }
}
