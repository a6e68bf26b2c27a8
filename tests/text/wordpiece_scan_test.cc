// WordPiece reads most text in blocks of 64 bytes, in windows of some blocks, and remembers words. None of that may show.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "ragpipe/text/wordpiece.h"
#include "support/catch.h"
#include "support/seed.h"

namespace ragpipe::text {
namespace {

std::string ReadModel() {
  std::ifstream file(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json", std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

const WordPiece& Model() {
  static const auto& model = *new std::shared_ptr<const WordPiece>(WordPiece::FromJson(ReadModel()).value());
  return *model;
}

/// The same vocabulary under other rules, with added tokens.
std::shared_ptr<const WordPiece> OtherModel() {
  nlohmann::json json = nlohmann::json::parse(ReadModel());
  json["normalizer"]["lowercase"] = false;
  json["normalizer"]["clean_text"] = false;
  json["normalizer"]["strip_accents"] = false;
  json["model"]["max_input_chars_per_word"] = 20;
  for (const char* content : {"[UNK]", "[PAD]"}) {
    json["added_tokens"].push_back({{"id", json["model"]["vocab"][content]},
                                    {"content", content},
                                    {"single_word", false},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", false},
                                    {"special", true}});
  }
  auto made = WordPiece::FromJson(json.dump());
  REQUIRE_OK(made);
  return *std::move(made);
}

std::vector<Token> Encode(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  return tokens;
}

void AppendMoved(const std::vector<Token>& tokens, std::size_t by, std::vector<Token>& out) {
  for (const Token& token : tokens) out.push_back({token.id, {token.range.begin + by, token.range.end + by}});
}

/// All that can be asked of a text agrees with its tokens.
void CheckAgainst(const Tokenizer& tokenizer, std::string_view text, const std::vector<Token>& expected) {
  INFO("text: "
       << nlohmann::json(std::string(text.substr(0, 400))).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  if (Encode(tokenizer, text) != expected) FAIL("tokens of " << text.size() << " bytes differ");
  std::vector<std::uint32_t> ids{7};
  tokenizer.EncodeIds(text, ids);
  std::vector<std::uint32_t> expected_ids{7};
  for (const Token& token : expected) expected_ids.push_back(token.id);
  if (ids != expected_ids) FAIL("ids of " << text.size() << " bytes differ");
  if (tokenizer.Count(text) != expected.size()) FAIL("count of " << text.size() << " bytes differs");
  const auto counter = tokenizer.CountRanges(text);
  if (counter->Count({0, text.size()}) != expected.size()) FAIL("range count of " << text.size() << " bytes differs");
  const std::size_t half = expected.size() / 2;
  if (tokenizer.CountUpTo(text, half) != std::min(expected.size(), half + 1)) FAIL("count up to " << half << " differs");
}

std::vector<std::string> Parts() {
  std::vector<std::string> parts = {"a",
                                    "Quick",
                                    "UNAFFABLE",
                                    "x1",
                                    "!",
                                    ".,;",
                                    "\x01",
                                    "a\x7F"
                                    "b",
                                    "\t",
                                    "\r\n",
                                    "\x0B",
                                    "[UNK]",
                                    "[PAD",
                                    "caf\u00E9",
                                    "\u00C9t\u00E9",
                                    "na\u00EFvet\u00E9",
                                    "\u4E2D\u6587",
                                    "\u3002",
                                    "\uD55C\uAD6D\uC5B4",
                                    "\u041F\u0440\u0438\u0432\u0435\u0442",
                                    "\u0439",
                                    "e\u0301\u0327",
                                    "\u226E",
                                    "\u0130",
                                    "\U0001F600\uFE0F",
                                    "\uFFFD",
                                    "\xE4\xB8",
                                    "\xFF",
                                    "\xC3",
                                    "a\u302E\u1DF6z",
                                    "\u00A0",
                                    "\u2028",
                                    "internationalisation",
                                    "\u00DF\u1E9E"};
  for (const std::size_t length : std::initializer_list<std::size_t>{7,  8,  9,  14,  15,  16,  17,   30,   31,   32,  33,
                                                                     63, 64, 65, 100, 101, 300, 2047, 2048, 2049, 5000}) {
    parts.push_back(std::string(length, 'q'));
    std::string cyrillic;
    while (cyrillic.size() < length) cyrillic += "\u0436";
    parts.push_back(cyrillic);
    parts.push_back(std::string(length - 2, 'a') + "\u00E4");
  }
  return parts;
}

TEST_CASE("Every rule holds at every offset in a block", "[wordpiece]") {
  const auto other = OtherModel();
  for (const WordPiece* model : {&Model(), other.get()}) {
    for (const std::string& part : Parts()) {
      const std::vector<Token> alone = Encode(*model, part);
      for (std::size_t offset = 0; offset<130; offset += part.size()> 200 ? 7 : 1) {
        std::vector<Token> expected;
        AppendMoved(alone, offset, expected);
        CheckAgainst(*model, std::string(offset, ' ') + part, expected);
        const std::vector<Token> last = Encode(*model, "end");
        AppendMoved(last, offset + part.size() + 1, expected);
        CheckAgainst(*model, std::string(offset, ' ') + part + " end", expected);
      }
    }
  }
}

TEST_CASE("The tokens of a text are those of its parts", "[wordpiece]") {
  RAGPIPE_RANDOM_TEST(random);
  const auto other = OtherModel();
  const std::vector<std::string> parts = Parts();
  for (const WordPiece* model : {&Model(), other.get()}) {
    for (int i = 0; i < 150; ++i) {
      std::string text;
      std::vector<Token> expected;
      for (std::size_t left = random() % 120; left > 0; --left) {
        // Mostly short parts: windows, and batches of words, should begin everywhere.
        const std::string& part = parts[random() % (random() % 8 == 0 ? parts.size() : 34)];
        AppendMoved(Encode(*model, part), text.size(), expected);
        text += part;
        const std::string_view separator = random() % 4 == 0 ? "?" : " ";
        AppendMoved(Encode(*model, separator), text.size(), expected);
        text += separator;
      }
      CheckAgainst(*model, text, expected);

      const auto counter = model->CountRanges(text);
      for (int sample = 0; sample < 40 && !text.empty(); ++sample) {
        std::size_t begin = random() % text.size();
        std::size_t end = random() % (text.size() + 1);
        auto is_inside = [&](std::size_t at) {
          return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
        };
        while (is_inside(begin)) --begin;
        while (is_inside(end)) --end;
        if (begin > end) std::swap(begin, end);
        const std::size_t expected_count = Encode(*model, std::string_view(text).substr(begin, end - begin)).size();
        if (counter->Count({begin, end}) != expected_count) FAIL("range " << begin << " to " << end);
      }
    }
  }
}

TEST_CASE("Nothing is read outside of the text", "[wordpiece]") {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* const pages = static_cast<char*>(mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(pages != MAP_FAILED);
  char* const begin = pages + page;
  REQUIRE(mprotect(begin, page, PROT_READ | PROT_WRITE) == 0);
  for (const std::string_view part : {"a", "word ", "!", "\u00E9", "\u4E2D", "ab\xE4\xB8"}) {
    for (std::size_t size = 0; size <= 200; ++size) {
      std::string text;
      while (text.size() < size) text += part;
      text.resize(size);
      const std::vector<Token> expected = Encode(Model(), text);
      for (char* const place : {begin + page - size, begin}) {
        std::memcpy(place, text.data(), size);
        CheckAgainst(Model(), {place, size}, expected);
      }
    }
  }
  CHECK(munmap(pages, 3 * page) == 0);
}

/// Words that a cache of some ten thousand cannot hold, most of several tokens.
std::string DistinctWords(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t length = 4 + random() % 14; length > 0; --length) text += static_cast<char>('a' + random() % 26);
    if (random() % 5 == 0) text += "\u00FC";
    text += ' ';
  }
  return text;
}

TEST_CASE("Words that were forgotten have the same tokens as before", "[wordpiece]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::string text = DistinctWords(random(), 100'000);
  std::vector<std::uint32_t> ids;
  Model().EncodeIds(text, ids);
  CHECK(Model().Count(text) == ids.size());
  std::vector<std::uint32_t> by_word;
  const auto fresh = WordPiece::FromJson(ReadModel()).value();
  for (std::size_t begin = 0; begin < text.size(); begin = text.find(' ', begin) + 1) {
    fresh->EncodeIds(std::string_view(text).substr(begin, text.find(' ', begin) - begin), by_word);
  }
  CHECK((by_word == ids));
}

TEST_CASE("Threads that count at once get the same counts", "[wordpiece]") {
  RAGPIPE_RANDOM_TEST(random);
  std::vector<std::string> texts;
  for (int i = 0; i < 4; ++i) texts.push_back(DistinctWords(random(), 3000));
  std::vector<std::vector<Token>> expected;
  for (const std::string& text : texts) expected.push_back(Encode(Model(), text));
  const auto shared = WordPiece::FromJson(ReadModel()).value();
  std::vector<std::size_t> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 8; ++round) {
        const std::size_t i = (t + round) % texts.size();
        if (shared->Count(texts[i]) != expected[i].size()) ++wrong[t];
        if (Encode(*shared, texts[i]) != expected[i]) ++wrong[t];
        if (shared->CountRanges(texts[i])->Count({0, texts[i].size()}) != expected[i].size()) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::size_t count : wrong) CHECK(count == 0);
}

}  // namespace
}  // namespace ragpipe::text
