#include "text/html/entities.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace ragpipe::text::internal {
namespace {

struct NamedReference {
  std::string_view name;
  std::string_view text;
};

constexpr NamedReference kNamed[] = {
#include "text/html/entities_table.inc"
};
static_assert(std::size(kNamed) == 2231);
constexpr std::size_t kLongestName = 32;
constexpr std::size_t kLongestBare = 6;  // of a name that needs no semicolon

const NamedReference* FindNamed(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kNamed), std::end(kNamed), name,
                                       [](const NamedReference& entry, std::string_view key) { return entry.name < key; });
  return found != std::end(kNamed) && found->name == name ? found : nullptr;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string Utf8(std::uint32_t c) {
  auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

// HTML Living Standard, section 13.2.5.80, "Numeric character reference end state".
std::uint32_t Repaired(std::uint32_t c) {
  constexpr std::uint16_t kWindows1252[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                              0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                              0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                              0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0xFFFD;
  return c >= 0x80 && c < 0xA0 ? kWindows1252[c - 0x80] : c;
}

CharacterReference ReadNumeric(std::string_view text) {
  const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const std::size_t first = hex ? 3 : 2;
  std::uint32_t value = 0;
  std::size_t end = first;
  for (; end < text.size(); ++end) {
    const int digit = hex ? HexDigit(text[end]) : IsDigit(text[end]) ? text[end] - '0' : -1;
    if (digit < 0) break;
    value = std::min<std::uint32_t>(value * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit), 0x110000);
  }
  if (end == first) return {};
  if (end < text.size() && text[end] == ';') ++end;
  return {end, Utf8(Repaired(value))};
}

}  // namespace

CharacterReference ReadCharacterReference(std::string_view text) {
  if (text.size() < 3) return {};
  if (text[1] == '#') return ReadNumeric(text);
  std::size_t end = 1;
  while (end < text.size() && end <= kLongestName && IsAlphanumeric(text[end])) ++end;
  if (end < text.size() && text[end] == ';') {
    if (const NamedReference* found = FindNamed(text.substr(1, end))) return {end + 1, std::string(found->text)};
  }
  for (std::size_t length = std::min(end - 1, kLongestBare); length >= 2; --length) {
    if (const NamedReference* found = FindNamed(text.substr(1, length))) return {length + 1, std::string(found->text)};
  }
  return {};
}

}  // namespace ragpipe::text::internal
