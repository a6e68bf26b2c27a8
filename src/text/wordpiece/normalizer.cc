#include "text/wordpiece/normalizer.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/utf8.h"

namespace ragpipe::text::internal {
namespace {

using Kind = BertCharacters::Kind;
using Unit = BertCharacters::Unit;

constexpr char32_t kReplacement = 0xFFFD;

UChar32 Icu(char32_t c) { return static_cast<UChar32>(c); }

bool IsAssigned(char32_t c, int unicode_version) {
  UVersionInfo age;
  u_charAge(Icu(c), age);
  return age[0] != 0 && (age[0] < unicode_version || (age[0] == unicode_version && age[1] == 0));
}

/// The bit of the general category in Unicode 8. Younger characters count as unassigned, and those that have moved since are
/// put back.
std::uint32_t CategoryMask(char32_t c) {
  if (c == 0x166D || c == 0x111C9) return U_GC_PO_MASK;
  if (c == 0x1734) return U_GC_MN_MASK;
  if (c == 0x1885 || c == 0x1886) return U_GC_LO_MASK;
  if (c == 0xA9BD) return U_GC_MC_MASK;
  return IsAssigned(c, 8) ? U_MASK(u_charType(Icu(c))) : U_GC_CN_MASK;
}

// Unassigned characters are kept.
bool IsControl(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return (CategoryMask(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return (CategoryMask(c) & U_GC_P_MASK) != 0;
}

bool IsNonspacingMark(char32_t c) { return CategoryMask(c) == U_GC_MN_MASK; }

bool IsIdeograph(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kRanges[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                                       {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F},  // 2B820-2B91F: not in BERT
                                                       {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(kRanges), std::end(kRanges), [c](auto range) { return c >= range.first && c <= range.second; });
}

/// Unicode 15, section 3.12, "Hangul Syllable Decomposition". ICU would give the same, more slowly.
std::size_t DecomposeHangul(char32_t syllable, std::array<char32_t, 4>& out) {
  const char32_t index = syllable - 0xAC00;
  out = {0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28};
  return index % 28 == 0 ? 2 : 3;
}

/// The canonical decomposition in Unicode 9.
std::size_t Decompose(char32_t c, std::array<char32_t, 4>& out) {
  out[0] = c;
  if (!IsAssigned(c, 9)) return 1;
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* nfc = unorm2_getNFCInstance(&error);
  std::array<UChar, 8> utf16;
  const std::int32_t length =
      unorm2_getDecomposition(nfc, Icu(c), utf16.data(), static_cast<std::int32_t>(utf16.size()), &error);
  if (U_FAILURE(error) || length <= 0) return 1;
  std::size_t size = 0;
  for (std::int32_t i = 0; i < length && size < out.size();) {
    UChar32 part;
    U16_NEXT(utf16.data(), i, length, part);
    out[size++] = static_cast<char32_t>(part);
  }
  return size;
}

std::uint8_t CombiningClass(char32_t c) { return IsAssigned(c, 9) ? u_getCombiningClass(Icu(c)) : std::uint8_t{0}; }

/// Lower case in Unicode 17, which ICU 72 (Unicode 15) lacks these for.
char32_t Lower(char32_t c) {
  struct Range {
    char32_t first, last, lower;
  };
  constexpr Range kSinceUnicode16[] = {{0x1C89, 0x1C89, 0x1C8A},   {0xA7CB, 0xA7CB, 0x0264}, {0xA7CC, 0xA7CC, 0xA7CD},
                                       {0xA7CE, 0xA7CE, 0xA7CF},   {0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5},
                                       {0xA7DA, 0xA7DA, 0xA7DB},   {0xA7DC, 0xA7DC, 0x019B}, {0x10D50, 0x10D65, 0x10D70},
                                       {0x16EA0, 0x16EB8, 0x16EBB}};
  for (const Range& range : kSinceUnicode16) {
    if (c >= range.first && c <= range.last) return range.lower + (c - range.first);
  }
  return IsAssigned(c, 15) ? static_cast<char32_t>(u_tolower(Icu(c))) : c;
}

/// The length of the maximal part of the ill-formed `text` that U+FFFD stands for: the longest beginning of a well-formed
/// sequence, at least one byte.
std::size_t IllFormedLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t wanted = lead >= 0xF0 && lead <= 0xF4  ? 4
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                                                           : 1;
  if (wanted < 3 || text.size() < 2) return 1;
  const auto second = static_cast<unsigned char>(text[1]);
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (second < low || second > high) return 1;
  const bool third = wanted == 4 && text.size() > 2 && (static_cast<unsigned char>(text[2]) & 0xC0U) == 0x80U;
  return third ? 3 : 2;
}

}  // namespace

DecodedCharacter DecodeUtf8(std::string_view text, std::size_t position) {
  const std::string_view rest = text.substr(position, 4);
  auto bits = [rest](std::size_t i, unsigned mask) {
    return static_cast<char32_t>(static_cast<unsigned char>(rest[i]) & mask);
  };
  switch (ragpipe::internal::Utf8SequenceLength(rest)) {
    case 1:
      return {bits(0, 0x7F), 1};
    case 2:
      return {(bits(0, 0x1F) << 6U) | bits(1, 0x3F), 2};
    case 3:
      return {(bits(0, 0x0F) << 12U) | (bits(1, 0x3F) << 6U) | bits(2, 0x3F), 3};
    case 4:
      return {(bits(0, 0x07) << 18U) | (bits(1, 0x3F) << 12U) | (bits(2, 0x3F) << 6U) | bits(3, 0x3F), 4};
    default:
      return {kReplacement, IllFormedLength(rest)};
  }
}

BertCharacters::BertCharacters(const BertRules& rules) : rules_(rules), table_(kTableSize) {
  for (char32_t c = 0; c < kTableSize; ++c) table_[c] = Pack(Classify(c));
  for (std::size_t c = 0; c < ascii_letters_.size(); ++c) {
    const Unit unit = Find(static_cast<char32_t>(c));
    ascii_letters_[c] = c < 0x80 && unit.kind == kLetter ? static_cast<char>(unit.character) : '\0';
  }
}

BertCharacters::Expansion BertCharacters::Expand(char32_t c) const {
  Expansion expansion;
  auto add = [&expansion](Unit unit) { expansion.units[expansion.size++] = unit; };
  if (rules_.strip_accents && IsHangulSyllable(c)) {
    std::array<char32_t, 4> letters;
    const std::size_t size = DecomposeHangul(c, letters);
    for (std::size_t i = 0; i < size; ++i) add({letters[i], kLetter, 0});
    return expansion;
  }
  if (rules_.clean_text) {
    if (c == 0 || c == kReplacement || IsControl(c)) return expansion;
    if (u_isUWhiteSpace(Icu(c)) != 0) c = ' ';
  }
  const bool alone = rules_.separate_cjk && IsIdeograph(c);

  std::array<char32_t, 4> parts{c};
  const std::size_t part_count = rules_.strip_accents ? Decompose(c, parts) : 1;
  for (std::size_t i = 0; i < part_count; ++i) {
    const std::uint8_t combining_class = rules_.strip_accents ? CombiningClass(parts[i]) : std::uint8_t{0};
    if (rules_.strip_accents && IsNonspacingMark(parts[i])) {
      add({parts[i], combining_class == 0 ? kDroppedStarter : kDropped, combining_class});
      continue;
    }
    const bool dotted_i = rules_.lowercase && parts[i] == 0x130;  // the only lower case of two characters
    const char32_t lower = dotted_i ? U'i' : rules_.lowercase ? Lower(parts[i]) : parts[i];
    const Kind kind = u_isUWhiteSpace(Icu(lower)) != 0 ? kSpace : alone || IsPunctuation(lower) ? kAlone : kLetter;
    add({lower, kind, combining_class});
    if (dotted_i) add({0x307, kLetter, 0});
  }
  return expansion;
}

BertCharacters::Unit BertCharacters::Classify(char32_t c) const {
  if (rules_.separate_cjk && c >= 0x3400 && c <= 0x9FFF && IsIdeograph(c)) return {c, kAlone, 0};
  if (rules_.strip_accents && IsHangulSyllable(c)) return {c, kSeveral, 0};
  const Expansion expansion = Expand(c);
  Unit kept;
  bool starter_dropped = false;
  for (std::size_t i = 0; i < expansion.size; ++i) {
    const Unit& unit = expansion.units[i];
    if (unit.kind == kDroppedStarter) starter_dropped = true;
    if (unit.kind == kDropped || unit.kind == kDroppedStarter) continue;
    if (kept.kind != kDropped || starter_dropped || unit.combining_class != 0) return {c, kSeveral, 0};
    kept = unit;
  }
  if (kept.kind == kDropped) return {c, starter_dropped ? kDroppedStarter : kDropped, 0};
  return starter_dropped ? Unit{c, kSeveral, 0} : kept;
}

const AddedToken* WordReader::MatchAdded() const {
  const std::string_view rest = text_.substr(position_);
  for (const AddedToken& added : *rules_.added_tokens) {
    if (rest.starts_with(added.content)) return &added;
  }
  return nullptr;
}

bool WordReader::Next(Word& word) {
  buffer_.clear();
  sources_.clear();
  marks_.clear();
  characters_ = 0;
  word.added = nullptr;

  bool complete = false;
  while (!complete) {
    Unit unit;
    ByteRange source;
    const bool pending = next_pending_ < pending_.size;
    if (pending) {
      unit = pending_.units[next_pending_];
      source = pending_source_;
    } else if (position_ == text_.size()) {
      break;
    } else {
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (rules_.characters->AsciiLetter(byte) != '\0') {
        AppendAsciiRun();
        continue;
      }
      const DecodedCharacter decoded = byte < 0x80 ? DecodedCharacter{byte, 1} : DecodeUtf8(text_, position_);
      unit = rules_.characters->Find(decoded.character);
      source = {position_, position_ + decoded.length};
      if (unit.kind == Kind::kSeveral) {
        pending_ = rules_.characters->Expand(decoded.character);
        pending_source_ = source;
        next_pending_ = 0;
        position_ = source.end;
        continue;
      }
      if (byte < 0x80 && unit.kind == Kind::kAlone) {
        if (const AddedToken* added = MatchAdded()) {
          if (!buffer_.empty()) break;
          word_ = {position_, position_ + added->content.size()};
          position_ = word_.end;
          word.source = word_;
          word.added = added;
          return true;
        }
      }
    }

    switch (unit.kind) {
      case Kind::kLetter:
        Append(unit, source);
        break;
      case Kind::kAlone:
        if (!buffer_.empty()) {
          complete = true;
          continue;  // it is the next word
        }
        Append(unit, source);
        complete = true;
        break;
      case Kind::kSpace:
        complete = !buffer_.empty();
        break;
      case Kind::kDroppedStarter:
        marks_.clear();
        break;
      case Kind::kDropped:
      case Kind::kSeveral:
        break;
    }
    if (pending) {
      ++next_pending_;
    } else {
      position_ = source.end;
    }
  }
  if (buffer_.empty()) return false;
  word.source = word_;
  word.bytes = buffer_;
  word.characters = characters_;
  return true;
}

void WordReader::AppendAsciiRun() {
  const std::size_t begin = position_;
  const std::size_t offset = buffer_.size();
  const std::size_t room = rules_.max_characters + 1 - std::min(characters_, rules_.max_characters + 1);
  auto letter = [this](std::size_t i) { return rules_.characters->AsciiLetter(static_cast<unsigned char>(text_[i])); };
  std::size_t end = begin;
  while (end < text_.size() && letter(end) != '\0') ++end;
  const std::size_t kept = std::min(end - begin, room);
  buffer_.resize(offset + kept);
  for (std::size_t i = 0; i < kept; ++i) buffer_[offset + i] = letter(begin + i);
  position_ = end;
  marks_.clear();
  if (offset == 0) word_.begin = begin;
  word_.end = end;
  characters_ += kept;
  if (sources_.empty() && word_.begin + offset == begin) return;
  FillSources(offset);
  for (std::size_t i = 0; i < kept; ++i) sources_.push_back({begin + i, begin + i + 1});
}

void WordReader::Append(Unit unit, ByteRange source) {
  if (buffer_.empty()) word_.begin = source.begin;
  word_.end = source.end;
  if (characters_ > rules_.max_characters) return;
  ++characters_;
  std::array<char, 4> bytes;
  const std::size_t length = EncodeUtf8(unit.character, bytes.data());
  std::size_t offset = buffer_.size();
  if (unit.combining_class == 0) {
    marks_.clear();
  } else {  // canonical ordering: a mark goes before the marks of a higher class
    auto later = std::find_if(marks_.begin(), marks_.end(),
                              [unit](const Mark& mark) { return mark.combining_class > unit.combining_class; });
    if (later != marks_.end()) offset = later->offset;
    later = marks_.insert(later, {offset, unit.combining_class});
    for (++later; later != marks_.end(); ++later) later->offset += length;
  }
  RecordSources(offset, length, source);
  buffer_.insert(offset, bytes.data(), length);
}

void WordReader::RecordSources(std::size_t offset, std::size_t length, ByteRange source) {
  if (sources_.empty()) {
    if (offset == buffer_.size() && word_.begin + offset == source.begin && source.size() == length) return;
    FillSources(buffer_.size());
  }
  sources_.insert(sources_.begin() + static_cast<std::ptrdiff_t>(offset), length, source);
}

void WordReader::FillSources(std::size_t size) {
  for (std::size_t i = sources_.size(); i < size; ++i) sources_.push_back({word_.begin + i, word_.begin + i + 1});
}

}  // namespace ragpipe::text::internal
