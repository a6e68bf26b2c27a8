// The library's own sentence scan against the iterator of the installed ICU: the reference for UAX #29.
#include "text/chunking/sentences.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <random>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

namespace {

std::vector<std::size_t> ByIcu(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  UBreakIterator* iterator = ubrk_open(UBRK_SENTENCE, "", nullptr, 0, &error);
  UText* utext = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &error);
  ubrk_setUText(iterator, utext, &error);
  std::vector<std::size_t> ends;
  ubrk_first(iterator);
  for (std::int32_t at = ubrk_next(iterator); at != UBRK_DONE; at = ubrk_next(iterator)) {
    ends.push_back(static_cast<std::size_t>(at));
  }
  utext_close(utext);
  ubrk_close(iterator);
  return ends;
}

std::vector<std::size_t> ByScan(std::string_view text) {
  ragpipe::text::internal::SentenceScan scan(text);
  std::vector<std::size_t> ends;
  while (ends.empty() || ends.back() < text.size()) ends.push_back(scan.Next());
  return ends;
}

void AppendUtf8(char32_t c, std::string& out) {
  auto byte = [&out](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      byte(0xE0 | c >> 12);
    } else {
      byte(0xF0 | c >> 18);
      byte(0x80 | (c >> 12 & 0x3F));
    }
    byte(0x80 | (c >> 6 & 0x3F));
  }
  byte(0x80 | (c & 0x3F));
}

}  // namespace

TEST_CASE("Sentences end where ICU ends them", "[sentences]") {
  RAGPIPE_RANDOM_TEST(random);
  // At least two characters of every class of Sentence_Break.
  const std::vector<std::string> pieces = {"a",      "z",      "A",      "Q",      "1",      "9",      ".",       ".",
                                           "!",      "?",      ")",      "\"",     "'",      " ",      " ",       "\t",
                                           "\n",     "\r",     "\r\n",   ",",      "-",      ";",      "_",       "e\u0301",
                                           "\u0308", "\u200D", "\u00AD", "\u2060", "\u0085", "\u2028", "\u2029",  "\u3002",
                                           "\u2026", "\uFF0E", "\u05D0", "\u6F22", "\u0660", "\u3000", "\u00AB",  "\u2019",
                                           "\u0130", "\u01C5", "word",   "Dr. ",   "e.g. ",  "3.14",   "U.S.A. ", "\U0001F600"};
  for (int round = 0; round < 100000; ++round) {
    std::string text;
    for (std::size_t n = 1 + random() % 14; n > 0; --n) text += pieces[random() % pieces.size()];
    CAPTURE(text);
    REQUIRE(ByScan(text) == ByIcu(text));
  }
}

TEST_CASE("Every code point ends and begins sentences as ICU has it", "[sentences]") {
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    if (c >= 0x30000 && c % 64 != 0) continue;  // nothing but ideographs and what is not assigned
    std::string one;
    AppendUtf8(c, one);
    const std::string text = "A." + one + "a B" + one + " C. " + one + "D" + one + ".E. (" + one + "f";
    if (ByScan(text) == ByIcu(text)) continue;
    CAPTURE(static_cast<std::uint32_t>(c), text);
    REQUIRE(ByScan(text) == ByIcu(text));
  }
}
