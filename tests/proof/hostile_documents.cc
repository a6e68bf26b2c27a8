#include "proof/hostile_documents.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

namespace ragpipe::proof {
namespace {

using namespace std::string_literals;

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string Repeat(std::string_view unit, std::size_t times) {
  std::string text;
  text.reserve(unit.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += unit;
  return text;
}

Document Make(std::string text, std::string media_type = "text/plain") {
  Document document;
  document.id = "hostile";
  document.text = std::move(text);
  document.media_type = std::move(media_type);
  return document;
}

std::string WithSecret(std::string text) { return std::move(text) + " " + std::string(kSecret); }

/// A code point, also one that UTF-8 has no place for.
std::string Utf8(std::uint32_t code_point) {
  auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0 | (code_point >> 6)), byte(0x80 | (code_point & 0x3F))};
  if (code_point < 0x10000) {
    return {byte(0xE0 | (code_point >> 12)), byte(0x80 | ((code_point >> 6) & 0x3F)), byte(0x80 | (code_point & 0x3F))};
  }
  return {byte(0xF0 | (code_point >> 18)), byte(0x80 | ((code_point >> 12) & 0x3F)), byte(0x80 | ((code_point >> 6) & 0x3F)),
          byte(0x80 | (code_point & 0x3F))};
}

std::vector<HostileDocument> NotUtf8() {
  const std::vector<std::pair<std::string, std::string>> bytes = {
      {"a lone continuation byte", "\x80"},
      {"the last continuation byte", "\xBF"},
      {"sixty-four continuation bytes", Repeat("\x9A", 64)},
      {"two bytes cut to one", "\xC3"},
      {"three bytes cut to one", "\xE2"},
      {"three bytes cut to two", "\xE2\x82"},
      {"four bytes cut to one", "\xF0"},
      {"four bytes cut to two", "\xF0\x9F"},
      {"four bytes cut to three", "\xF0\x9F\x98"},
      {"a lead before ASCII", "\xE2\x82x"},
      {"a lead before a lead", "\xC3\xC3\xA9"},
      {"an overlong NUL", "\xC0\x80"},
      {"an overlong slash in two bytes", "\xC0\xAF"},
      {"an overlong slash in three", "\xE0\x80\xAF"},
      {"an overlong slash in four", "\xF0\x80\x80\xAF"},
      {"the longest overlong of two bytes", "\xC1\xBF"},
      {"the longest overlong of three bytes", "\xE0\x9F\xBF"},
      {"the longest overlong of four bytes", "\xF0\x8F\xBF\xBF"},
      {"the first high surrogate", Utf8(0xD800)},
      {"the last high surrogate", Utf8(0xDBFF)},
      {"the first low surrogate", Utf8(0xDC00)},
      {"the last low surrogate", Utf8(0xDFFF)},
      {"a pair of surrogates, as CESU-8", Utf8(0xD83D) + Utf8(0xDE00)},
      {"above U+10FFFF", "\xF4\x90\x80\x80"},
      {"the lead F5", "\xF5\x80\x80\x80"},
      {"five bytes", "\xF8\x88\x80\x80\x80"},
      {"six bytes", "\xFC\x84\x80\x80\x80\x80"},
      {"FE", "\xFE"},
      {"FF", "\xFF"},
      {"Latin-1", "na\xEFve caf\xE9"},
      {"Windows-1252 quotes", "\x93quoted\x94"},
      {"Shift JIS", "\x93\xFA\x96\x7B"},
      {"GB 18030", "\xC4\xE3\xBA\xC3"},
      {"KOI8-R", "\xF0\xD2\xC9\xD7\xC5\xD4"},
      {"UTF-16 little-endian, with its mark", "\xFF\xFEh\0i\0"s},
      {"UTF-16 big-endian, with its mark", "\xFE\xFF\0h\0i"s},
      {"UTF-16 without a mark", "h\0i\0"s},
      {"UTF-32", "\xFF\xFE\0\0h\0\0\0"s},
      {"a NUL", "a\0b"s},
      {"nothing but NULs", std::string(4096, '\0')},
      {"a modified UTF-8 NUL within text", "a\xC0\x80z"},
      {"gzip", "\x1F\x8B\x08\0\0\0\0\0"s},
      {"a PNG", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s},
      {"a wrong byte behind 1 MB of text", Repeat("good text ", kMiB / 10) + "\xFF"},
      {"a sequence cut by the end", "the end \xE2\x82"},
  };
  std::vector<HostileDocument> documents;
  for (const auto& [name, text] : bytes) {
    // The last one has to stay cut.
    documents.push_back(
        {name, Make(std::string(kSecret) + " " + text + (text.ends_with("\xE2\x82") ? "" : " ")), Stage::kLoad});
  }
  documents.push_back({"nothing but a wrong byte", Make("\xFF"), Stage::kLoad});
  Document media_type = Make(WithSecret("text"));
  media_type.media_type = "text/\xFF";
  documents.push_back({"a media type that is not UTF-8", media_type, Stage::kLoad});
  media_type.media_type = "text/pl\0ain"s;
  documents.push_back({"a media type with NUL", media_type, Stage::kLoad});
  return documents;
}

std::vector<HostileDocument> StrangeUtf8() {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"a byte order mark first", Utf8(0xFEFF) + "text"},
      {"nothing but a byte order mark", Utf8(0xFEFF)},
      {"byte order marks everywhere", Repeat(Utf8(0xFEFF) + "x", 500)},
      {"every control character but NUL",
       [] {
         std::string text;
         for (char c = 1; c < 32; ++c) text += c;
         return text + "\x7F";
       }()},
      {"every C1 control character",
       [] {
         std::string text;
         for (std::uint32_t c = 0x80; c < 0xA0; ++c) text += Utf8(c);
         return text;
       }()},
      {"every noncharacter",
       [] {
         std::string text;
         for (std::uint32_t c = 0xFDD0; c < 0xFDF0; ++c) text += Utf8(c);
         for (std::uint32_t plane = 0; plane <= 16; ++plane)
           text += Utf8(plane * 0x10000 + 0xFFFE) + Utf8(plane * 0x10000 + 0xFFFF);
         return text;
       }()},
      {"U+10FFFF", Utf8(0x10FFFF)},
      {"private use", Utf8(0xE000) + Utf8(0xF8FF) + Utf8(0xF0000) + Utf8(0x100000)},
      {"unassigned code points", Utf8(0x0378) + Utf8(0x2FE0) + Utf8(0xE0080)},
      {"bidirectional controls that are never closed", Repeat(Utf8(0x202E) + "abc" + Utf8(0x2067) + "def", 300)},
      {"a combining bomb", "e" + Repeat(Utf8(0x0301), 50'000)},
      {"combining marks without a base", Repeat(Utf8(0x0308), 10'000)},
      {"Zalgo", Repeat("Z" + Utf8(0x0351) + Utf8(0x036B) + Utf8(0x0343) + Utf8(0x0317), 2'000)},
      {"one emoji of ten thousand joiners", Repeat(Utf8(0x1F468) + Utf8(0x200D), 10'000)},
      {"nothing but joiners", Repeat(Utf8(0x200D), 10'000)},
      {"an odd number of flags", Repeat(Utf8(0x1F1E6), 10'001)},
      {"skin tones without a person", Repeat(Utf8(0x1F3FF), 1'000)},
      {"tag characters", Utf8(0x1F3F4) + Repeat(Utf8(0xE0067), 1'000) + Utf8(0xE007F)},
      {"variation selectors", Repeat("x" + Utf8(0xFE0F) + Utf8(0xE0100), 1'000)},
      {"Hangul letters that never make a syllable", Repeat(Utf8(0x1100), 10'000)},
      {"a Tibetan stack", Repeat(Utf8(0x0F40) + Utf8(0x0FB2) + Utf8(0x0FB1), 2'000)},
      {"invisible spaces only", Repeat(Utf8(0x200B) + Utf8(0x2060) + Utf8(0x3000), 500)},
      {"soft hyphens", Repeat("a" + Utf8(0x00AD), 5'000)},
      {"line and paragraph separators", Repeat("line" + Utf8(0x2028) + "line" + Utf8(0x2029) + Utf8(0x0085), 500)},
      {"the ligature that NFKC makes eighteen letters", Repeat(Utf8(0xFDFA), 5'000)},
      {"letters whose case changes their length", Repeat(Utf8(0x0130) + Utf8(0x1E9E) + Utf8(0xFB03), 2'000)},
      {"carriage returns alone", Repeat("line\r", 5'000)},
      {"line ends of every kind", Repeat("a\r\nb\rc\n\r\nd\n\r", 2'000)},
      {"escape sequences of a terminal", Repeat("\x1B[2J\x1B]0;title\x07", 500)},
      {"format strings", "%s%n%x {} {0} ${jndi:ldap://x} $(id) `id`"},
      {"SQL", "'); DROP TABLE records; --"},
      {"operators of full-text search", "\"NEAR( AND OR NOT * ^ : -"},
  };
  std::vector<HostileDocument> documents;
  for (const auto& [name, text] : texts) documents.push_back({name, Make(WithSecret(text)), {}});
  return documents;
}

std::vector<HostileDocument> Sizes() {
  return {
      {"empty", Make(""), {}},
      {"one byte", Make("x"), {}},
      {"one line end", Make("\n"), {}},
      {"only spaces", Make(Repeat(" ", 100'000)), {}},
      {"only white space of every kind", Make(Repeat(" \t\r\n\f\v", 10'000)), {}},
      {"a million line ends", Make(Repeat("\n", 1'000'000)), {}},
      {"a million line ends around a word", Make(Repeat("\n", 500'000) + "word" + Repeat("\n", 500'000)), {}},
      {"one word of 1 MB", Make(Repeat("x", kMiB)), {}},
      {"one line of 8 MB", Make(Repeat("eight megabytes without a line end ", 8 * kMiB / 35)), {}},
      {"one Chinese line of 1 MB", Make(Repeat("\xE6\xBC\xA2", kMiB / 3)), {}},
      {"100,000 lines of one letter", Make(Repeat("a\n", 100'000)), {}},
      {"100,000 paragraphs of one letter", Make(Repeat("a\n\n", 100'000)), {}},
      {"the same sentence 50,000 times", Make(Repeat("The same sentence. ", 50'000)), {}},
      {"base64 of 1 MB", Make(Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkr", kMiB / 44)), {}},
      {"larger than a document may be", Make(Repeat(WithSecret("too much "), (9 * kMiB) / 26)), Stage::kLoad},
  };
}

std::vector<HostileDocument> Nesting() {
  const std::string markdown = "text/markdown";
  const std::string html = "text/html";
  std::string deep_list;
  for (std::size_t depth = 0; depth < 500; ++depth) deep_list += std::string(2 * depth, ' ') + "- item\n";
  std::string deep_headings;
  for (int i = 0; i < 5'000; ++i) deep_headings += std::string(static_cast<std::size_t>(1 + i % 6), '#') + " heading\n";
  const std::vector<std::pair<std::string, Document>> documents = {
      {"quotes in quotes", Make(Repeat("> ", 20'000) + "deep", markdown)},
      {"lists in lists", Make(deep_list, markdown)},
      {"lists in lists on one line", Make(Repeat("- ", 20'000) + "deep", markdown)},
      {"numbers in numbers", Make(Repeat("1. ", 10'000) + "deep", markdown)},
      {"lists in quotes in lists", Make(Repeat("- > 1) ", 5'000) + "deep", markdown)},
      {"open brackets", Make(Repeat("[", 100'000), markdown)},
      {"links in links", Make(Repeat("[", 10'000) + "x" + Repeat("](y)", 10'000), markdown)},
      {"images in images", Make(Repeat("![", 10'000) + "x" + Repeat("](y)", 10'000), markdown)},
      {"emphasis that is never closed", Make(Repeat("*a_", 50'000), markdown)},
      {"backticks of every length", Make(Repeat("` `` ``` ```` ", 10'000), markdown)},
      {"a fence that is never closed", Make("```\n" + Repeat("code\n", 10'000), markdown)},
      {"fences in fences", Make(Repeat("````\n```\n", 5'000), markdown)},
      {"headings of every level", Make(deep_headings, markdown)},
      {"a heading of 1 MB", Make("# " + Repeat("long ", kMiB / 5) + "\n\nbody", markdown)},
      {"setext lines only", Make(Repeat("===\n---\n", 10'000), markdown)},
      {"a table of 10,000 columns",
       Make(Repeat("|a", 10'000) + "|\n" + Repeat("|-", 10'000) + "|\n" + Repeat("|b", 10'000) + "|\n", markdown)},
      {"front matter that is never closed", Make("---\n" + Repeat("key: value\n", 10'000), markdown)},
      {"link definitions of each other", Make(Repeat("[a]: b\n[b]: a\n", 10'000), markdown)},
      {"HTML in Markdown that is never closed", Make(Repeat("<div>\n", 10'000), markdown)},
      {"entities", Make(Repeat("&amp;&#0;&#x110000;&notanentity;", 5'000), markdown)},
      {"elements in elements", Make(Repeat("<div>", 50'000) + "deep", html)},
      {"tables in tables", Make(Repeat("<table><tr><td>", 5'000) + "deep", html)},
      {"misnested formatting", Make(Repeat("<b><i></b></i>x", 5'000), html)},
      {"a script that is never closed", Make("<p>text</p><script>" + Repeat("x", 100'000), html)},
      {"an attribute of 1 MB", Make("<p title='" + Repeat("x", kMiB) + "'>text</p>", html)},
      {"comments that are never closed", Make(Repeat("<!-- ", 50'000), html)},
      {"lone angle brackets", Make(Repeat("<", 100'000), html)},
      {"character references out of range", Make(Repeat("&#0; &#xD800; &#x110000; &#99999999999;", 2'000), html)},
      {"a page that shows nothing", Make("<html><head><style>p{}</style></head><body hidden>x</body></html>", html)},
      {"brackets of code", Make(Repeat("{", 100'000), "text/x-c++src")},
      {"brackets that close nothing", Make(Repeat("}])", 50'000), "text/x-c++src")},
      {"a string that is never closed", Make("const char* s = \"" + Repeat("x\n", 50'000), "text/x-c++src")},
      {"indentation of 10,000 levels", Make(
                                           [] {
                                             std::string code;
                                             for (std::size_t i = 0; i < 1'000; ++i) code += std::string(i, ' ') + "if x:\n";
                                             return code;
                                           }(),
                                           "text/x-python")},
      {"JSON arrays in arrays", Make(Repeat("[", 100'000), "application/json")},
      {"the billion laughs",
       Make("<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY c \"&b;&b;\">]><l>&c;</l>", "text/xml")},
      {"a media type of 100 KB", Make("text", "text/" + Repeat("x", 100'000))},
      {"a media type that is none", Make("text", "%s;;;//''\"")},
      {"no media type", Make("text", "")},
  };
  std::vector<HostileDocument> result;
  for (const auto& [name, document] : documents) result.push_back({name, document, {}});
  return result;
}

}  // namespace

std::vector<HostileDocument> HostileTexts() {
  std::vector<HostileDocument> documents;
  for (auto* part : {&NotUtf8, &StrangeUtf8, &Sizes, &Nesting}) {
    for (HostileDocument& document : part()) documents.push_back(std::move(document));
  }
  return documents;
}

std::vector<HostileDocument> HostileIds() {
  const auto aside = Stage::kRead;
  const std::vector<std::tuple<std::string, std::string, std::optional<Stage>>> ids = {
      {"an empty id", "", aside},
      {"an id of 4096 bytes", Repeat("i", 4096), {}},
      {"an id of 4097 bytes", Repeat("i", 4097), aside},
      {"an id of 1 MB", Repeat("i", kMiB), aside},
      {"an id of 1365 Chinese characters", Repeat("\xE6\xBC\xA2", 1365), {}},
      {"an id with NUL", "a\0b"s, aside},
      {"an id that is NUL", "\0"s, aside},
      {"an id that is not UTF-8", "caf\xE9", aside},
      {"an id cut in a code point", "x\xE2\x82", aside},
      {"an id that is a surrogate", Utf8(0xD800), aside},
      {"the id .", ".", {}},
      {"the id ..", "..", {}},
      {"an id that climbs", "../../../etc/passwd", {}},
      {"the id /", "/", {}},
      {"an id of slashes", "//a///b//", {}},
      {"an id of backslashes", "C:\\con\\nul", {}},
      {"an id in quotes", "\"id\"", {}},
      {"an id of quotes", "'''\"\"\"```", {}},
      {"an id of SQL", "'; DROP TABLE ledger; --", {}},
      {"an id of wildcards", "%_*?[a-z]", {}},
      {"an id of JSON", "{\"id\":[1,null]}", {}},
      {"an id of a format", "{} {0} %s %n", {}},
      {"an id of line ends", "a\nb\r\nc", {}},
      {"an id of control characters", "\x01\x1B[31m\x7F", {}},
      {"an id of spaces", "   ", {}},
      {"an id with a space at its end", "good/a ", {}},
      {"an id of a tab", "\t", {}},
      {"an id of an emoji", Utf8(0x1F600), {}},
      {"an id composed", "caf" + Utf8(0xE9), {}},
      {"an id decomposed", "cafe" + Utf8(0x301), {}},
      {"an id in another case", "GOOD/A", {}},
      {"an id that ends as a record id does", "good/a:0", {}},
      {"an id that another begins with", "good/", {}},
      {"an id that goes on behind another", "good/a/b", {}},
      {"an id of a byte order mark", Utf8(0xFEFF), {}},
      {"an id of right-to-left override", Utf8(0x202E) + "txt.exe", {}},
      {"an id of invisible characters", Utf8(0x200B) + Utf8(0x200D), {}},
      {"an id of the last code point", Utf8(0x10FFFF), {}},
      {"an id of a number", "0", {}},
      {"an id of a URL with a password", "https://user:" + std::string(kSecret) + "@host/x?token=" + std::string(kSecret), {}},
  };
  std::vector<HostileDocument> documents;
  for (const auto& [name, id, stage] : ids) {
    Document document = Make(WithSecret("text"));
    document.id = id;
    documents.push_back({name, std::move(document), stage});
  }
  return documents;
}

std::vector<HostileDocument> HostileMetadata() {
  using List = std::vector<std::string>;
  const std::string secret(kSecret);
  const auto aside = Stage::kLoad;
  Metadata many;
  for (int i = 0; i < 10'000; ++i) many[fmt::format("field{}", i)] = std::int64_t{i};
  const std::vector<std::tuple<std::string, Metadata, std::optional<Stage>>> cases = {
      {"an empty name of a field", {{"", secret}}, aside},
      {"a name that is not UTF-8", {{"\xFF", secret}}, aside},
      {"a name with NUL", {{"a\0b"s, secret}}, aside},
      {"a name of 1 MB", {{Repeat("n", kMiB), secret}}, {}},
      {"a name of 1 MB with a bad value", {{Repeat("n", kMiB), secret + "\xFF"}}, aside},
      {"a name of separators", {{"a.b[0]/c\\d;e=f&g", secret}}, {}},
      {"a name of quotes", {{"\"'`", secret}}, {}},
      {"a name of SQL", {{"'); DROP TABLE facets; --", secret}}, {}},
      {"a name of a space", {{" ", secret}}, {}},
      {"a name of line ends", {{"a\nb", secret}}, {}},
      {"names that differ in case", {{"Name", "a"s}, {"name", "b"s}, {"NAME", secret}}, {}},
      {"names composed and decomposed", {{"caf" + Utf8(0xE9), "a"s}, {"cafe" + Utf8(0x301), secret}}, {}},
      {"names that the library uses itself", {{"id", "x"s}, {"text", "y"s}, {"vector", "z"s}, {"document_id", secret}}, {}},
      {"names of JavaScript", {{"__proto__", secret}, {"constructor", true}}, {}},
      {"10,000 fields", many, {}},
      {"a value that is not UTF-8", {{"k", secret + "\xC3"}}, aside},
      {"a value with NUL", {{"k", secret + "\0"s}}, aside},
      {"a value of a surrogate", {{"k", secret + Utf8(0xDFFF)}}, aside},
      {"a value of 4 MB", {{"k", Repeat(secret, 4 * kMiB / 16)}}, {}},
      {"an empty value", {{"k", ""s}}, {}},
      {"a value of JSON", {{"k", "{\"a\":[1,2,\"" + secret + "\"]}"}}, {}},
      {"a value of quotes and control characters", {{"k", "\"\\\b\f\n\r\t\x01" + secret}}, {}},
      {"a value of astral characters", {{"k", Utf8(0x1F600) + Utf8(0x10FFFF) + secret}}, {}},
      {"not a number", {{"k", std::numeric_limits<double>::quiet_NaN()}, {"s", secret}}, aside},
      {"a signalling NaN", {{"k", std::numeric_limits<double>::signaling_NaN()}, {"s", secret}}, aside},
      {"infinity", {{"k", std::numeric_limits<double>::infinity()}, {"s", secret}}, aside},
      {"minus infinity", {{"k", -std::numeric_limits<double>::infinity()}, {"s", secret}}, aside},
      {"the largest double", {{"k", std::numeric_limits<double>::max()}}, {}},
      {"the smallest double", {{"k", std::numeric_limits<double>::denorm_min()}}, {}},
      {"minus zero", {{"k", -0.0}}, {}},
      {"a double that is a whole number", {{"k", 3.0}}, {}},
      {"a double beyond 2^53", {{"k", 9007199254740993.0}}, {}},
      {"a third", {{"k", 1.0 / 3}}, {}},
      {"the largest integer", {{"k", std::numeric_limits<std::int64_t>::max()}}, {}},
      {"the smallest integer", {{"k", std::numeric_limits<std::int64_t>::min()}}, {}},
      {"zero, false and an empty list", {{"a", std::int64_t{0}}, {"b", false}, {"c", List{}}}, {}},
      {"a list of 10,000 strings", {{"k", List(10'000, "item")}}, {}},
      {"a list with an item that is not UTF-8", {{"k", List{secret, "\xFF"}}}, aside},
      {"a list with NUL", {{"k", List{secret, "\0"s}}}, aside},
      {"a list of empty strings", {{"k", List{"", "", ""}}}, {}},
      {"one name of every type at once",
       {{"k", true}, {"k2", std::int64_t{1}}, {"k3", 1.0}, {"k4", "1"s}, {"k5", List{"1"}}},
       {}},
  };
  std::vector<HostileDocument> documents;
  for (const auto& [name, metadata, stage] : cases) {
    Document document = Make(WithSecret("text"));
    document.metadata = metadata;
    documents.push_back({name, std::move(document), stage});
  }
  return documents;
}

std::vector<HostileDocument> HostileTimesAndVersions() {
  const std::vector<std::pair<std::string, absl::Time>> times = {
      {"in the infinite past", absl::InfinitePast()},
      {"in the infinite future", absl::InfiniteFuture()},
      {"in 1970", absl::UnixEpoch()},
      {"a nanosecond before 1970", absl::UnixEpoch() - absl::Nanoseconds(1)},
      {"in the year 0", absl::FromCivil(absl::CivilYear(0), absl::UTCTimeZone())},
      {"in the year 1", absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone())},
      {"in the year -5000", absl::FromCivil(absl::CivilYear(-5000), absl::UTCTimeZone())},
      {"in the year 1677, where 64 bits of nanoseconds begin", absl::FromUnixNanos(std::numeric_limits<std::int64_t>::min())},
      {"in the year 2262, where they end", absl::FromUnixNanos(std::numeric_limits<std::int64_t>::max())},
      {"in the year 2263", absl::FromCivil(absl::CivilYear(2263), absl::UTCTimeZone())},
      {"in the year 10000", absl::FromCivil(absl::CivilYear(10000), absl::UTCTimeZone())},
      {"in a leap second", absl::FromUnixSeconds(1'483'228'799) + absl::Milliseconds(1500)},
      {"in an hour that summer time has twice", absl::FromUnixSeconds(1'761'440'400)},
      {"in a second of 32 bits", absl::FromUnixSeconds(2'147'483'648)},
      {"at a quarter of a nanosecond", absl::UnixEpoch() + absl::Nanoseconds(1) / 4},
  };
  std::vector<HostileDocument> documents;
  for (const auto& [name, time] : times) {
    Document document = Make(WithSecret("text"));
    document.updated_at = time;
    documents.push_back({"a document " + name, std::move(document), {}});
  }
  const std::vector<std::pair<std::string, Version>> versions = {
      {"the ordinal 0", {"v", 0}},
      {"the largest ordinal", {"v", std::numeric_limits<std::uint64_t>::max()}},
      {"an ordinal of 2^63", {"v", std::uint64_t{1} << 63}},
      {"an ordinal without a token", {"", 7}},
      {"a token of 1 MB", {Repeat("t", kMiB), {}}},
      {"a token that is not UTF-8", {"\xFF\xFE", {}}},
      {"a token with NUL", {"a\0b"s, {}}},
      {"a token of SQL", {"' OR 1=1 --", {}}},
      {"a token of spaces", {"  ", {}}},
  };
  for (const auto& [name, version] : versions) {
    Document document = Make(WithSecret("text"));
    document.version = version;
    documents.push_back({name, std::move(document), {}});
  }
  return documents;
}

}  // namespace ragpipe::proof
