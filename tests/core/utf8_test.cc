#include "core/utf8.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

namespace {

namespace internal = ragpipe::internal;

// The definition: one sequence after the other.
std::size_t FirstInvalid(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = internal::Utf8SequenceLength(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

const std::vector<std::string> kSequences = {
    "a",
    "\n",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xE1\x80\x80",
    "\xED\x9F\xBF",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF1\x80\x80\x80",
    "\xF4\x8F\xBF\xBF",
    // ill-formed:
    "\x80",
    "\xC0\x80",
    "\xC2",
    "\xE0\x80\x80",
    "\xE0\xA0",
    "\xED\xA0\x80",
    "\xEF\xBF",
    "\xF0\x80\x80\x80",
    "\xF0\x90\x80",
    "\xF4\x90\x80\x80",
    "\xF5\x80\x80\x80",
    "\xFF",
};
constexpr std::size_t kWellFormed = 11;

TEST_CASE("The first ill-formed byte is found wherever it stands", "[utf8]") {
  const std::string fillings[] = {"a", "\xC3\xA9", "\xE6\xBC\xA2", "\xF0\x9F\x98\x80"};
  for (const std::string& filling : fillings) {
    for (std::size_t before = 0; before < 70; ++before) {
      for (const std::string& sequence : kSequences) {
        for (const std::size_t after : {std::size_t{0}, std::size_t{1}, std::size_t{40}}) {
          std::string text;
          for (std::size_t i = 0; i < before; ++i) text += filling;
          text += sequence;
          for (std::size_t i = 0; i < after; ++i) text += filling;
          if (internal::FindInvalidUtf8(text) != FirstInvalid(text)) FAIL("differs after " << before << " of " << filling);
        }
      }
    }
  }
  CHECK(internal::FindInvalidUtf8({}) == std::string_view::npos);
}

TEST_CASE("Random sequences and bytes are judged as by the definition", "[utf8]") {
  RAGPIPE_RANDOM_TEST(random);
  std::size_t well_formed = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::size_t kinds = random() % 4 == 0 ? kSequences.size() : kWellFormed;
    std::string text;
    for (std::size_t n = random() % 60; n > 0; --n) text += kSequences[random() % kinds];
    if (random() % 8 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    const std::size_t wanted = FirstInvalid(text);
    well_formed += wanted == std::string_view::npos ? 1 : 0;
    REQUIRE(internal::FindInvalidUtf8(text) == wanted);
  }
  CHECK(well_formed > 1000);
}

TEST_CASE("A text for a message is one line of bounded length", "[utf8]") {
  CHECK(internal::Printable("") == "");
  CHECK(internal::Printable("na\xC3\xAFve") == "na\xC3\xAFve");
  CHECK(internal::Printable("a\nb\x1B[31m\x7F") == "a\\x0Ab\\x1B[31m\\x7F");
  CHECK(internal::Printable("caf\xE9 \xE2\x82") == "caf\\xE9 \\xE2\\x82");
  CHECK(internal::Printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(internal::Printable("abcd", 4) == "abcd");
  CHECK(internal::Printable("abcde", 4) == "abcd...");
  CHECK(internal::Printable("ab\xE2\x82\xAC", 4) == "ab...");
  CHECK(internal::Printable("abc\x01", 4) == "abc...");
}

}  // namespace
