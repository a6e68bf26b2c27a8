// The break tests of the Unicode Character Database (Debian's package unicode-data), which are of the version that Debian's ICU
// has.
#include <unicode/uchar.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/sentences.h"

namespace {

using Ends = std::vector<std::size_t>;

struct Case {
  std::string text;
  Ends ends;
};

std::string Utf8(unsigned long c) {
  auto byte = [](unsigned long value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

// Lines are of code points in hexadecimal, each after a division sign (a break) or a multiplication sign (none). Empty where
// the file is absent or of another version than the ICU in use.
std::vector<Case> ReadCases(const std::string& name) {
  std::ifstream file("/usr/share/unicode/auxiliary/" + name + ".txt");
  std::string line;
  std::getline(file, line);
  const bool same_version = line.find(std::string("-") + U_UNICODE_VERSION) != std::string::npos;
  if (!file || !same_version) {
    const std::string why = name + (file ? " is not of Unicode " U_UNICODE_VERSION : " is not there: install unicode-data");
    if (std::getenv("RAGPIPE_REQUIRE_REFERENCES") != nullptr) FAIL(why);
    WARN("SKIPPED: " << why);
    return {};
  }
  std::vector<Case> cases;
  while (std::getline(file, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    Case test;
    for (std::string word; words >> word;) {
      if (word == "\u00F7") {
        if (!test.text.empty()) test.ends.push_back(test.text.size());
      } else if (word != "\u00D7") {
        test.text += Utf8(std::stoul(word, nullptr, 16));
      }
    }
    if (!test.text.empty()) cases.push_back(test);
  }
  REQUIRE(cases.size() > 400);
  return cases;
}

template <class Scan>
Ends EndsOf(Scan& scan, const std::string& text) {
  Ends ends;
  while (ends.empty() || ends.back() < text.size()) ends.push_back(scan.Next());
  return ends;
}

// Where ICU follows CLDR instead, `differs` says so.
template <class Differs>
void CheckIcu(const std::string& name, UBreakIteratorType type, Differs differs) {
  ragpipe::text::internal::BoundaryScan scan(type);
  for (const Case& test : ReadCases(name)) {
    if (differs(test.text)) continue;
    CAPTURE(test.text);
    REQUIRE(scan.Start(test.text).ok());
    CHECK(EndsOf(scan, test.text) == test.ends);
  }
}

}  // namespace

TEST_CASE("Sentences end where the tests of Unicode say", "[unicode]") {
  for (const Case& test : ReadCases("SentenceBreakTest")) {
    CAPTURE(test.text);
    ragpipe::text::internal::SentenceScan scan(test.text);
    CHECK(EndsOf(scan, test.text) == test.ends);
  }
}

// Since CLDR 42 a colon does not join letters.
TEST_CASE("Words end where the tests of Unicode say", "[unicode]") {
  CheckIcu("WordBreakTest", UBRK_WORD, [](const std::string& text) { return text.find(':') != std::string::npos; });
}

TEST_CASE("Grapheme clusters end where the tests of Unicode say", "[unicode]") {
  CheckIcu("GraphemeBreakTest", UBRK_CHARACTER, [](const std::string&) { return false; });
}
