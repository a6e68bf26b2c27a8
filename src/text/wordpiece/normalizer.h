#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"

namespace ragpipe::text::internal {

/// The options of BertNormalizer.
struct BertRules {
  bool clean_text = false;     ///< drop control characters; white space becomes a space
  bool separate_cjk = false;   ///< every ideograph is a word
  bool strip_accents = false;  ///< canonical decomposition without nonspacing marks
  bool lowercase = false;      ///< one character at a time: no final sigma
};

/// A piece of text that is a token wherever it stands.
struct AddedToken {
  std::string content;
  std::uint32_t id = 0;
};

/// BertNormalizer and BertPreTokenizer as one function of a code point, whatever stands around it. The Unicode versions are
/// those of the reference, not of the ICU at hand, so that an upgrade of ICU moves no token: general categories are of
/// Unicode 8, decompositions and combining classes of 9, lower case of 17.
class BertCharacters {
 public:
  enum Kind : std::uint8_t {
    kLetter,          ///< part of a word
    kAlone,           ///< a word of its own: punctuation, an ideograph
    kSpace,           ///< ends a word
    kDropped,         ///< as if it were not there
    kDroppedStarter,  ///< the same, but marks are not put in order across it
    kSeveral,         ///< Expand() tells
  };

  /// One character of the normalised text.
  struct Unit {
    char32_t character = 0;
    Kind kind = kDropped;
    std::uint8_t combining_class = 0;  ///< not 0 for marks that canonical ordering may move
  };

  static constexpr std::size_t kMaxExpansion = 8;  // a canonical decomposition has 4 characters at most, a lower case 2
  struct Expansion {
    std::array<Unit, kMaxExpansion> units;
    std::size_t size = 0;
  };

  explicit BertCharacters(const BertRules& rules);

  /// Of kinds kLetter and kAlone with the character it becomes.
  Unit Find(char32_t c) const { return c < kTableSize ? Unpack(table_[c]) : Classify(c); }

  /// What a character of kind kSeveral becomes.
  Expansion Expand(char32_t c) const;

  /// A syllable of kind kSeveral becomes letters that nothing is put in order with.
  static bool IsHangulSyllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

  /// What an ASCII letter of a word becomes; NUL for any other byte.
  char AsciiLetter(unsigned char byte) const { return ascii_letters_[byte]; }

 private:
  static constexpr char32_t kTableSize = 0x10000;

  static std::uint32_t Pack(Unit unit) {
    return static_cast<std::uint32_t>(unit.character) | (std::uint32_t{unit.kind} << 24U);
  }
  static Unit Unpack(std::uint32_t packed) { return {packed & 0x1FFFFFU, static_cast<Kind>(packed >> 24U), 0}; }

  Unit Classify(char32_t c) const;

  BertRules rules_;
  std::vector<std::uint32_t> table_;
  std::array<char, 256> ascii_letters_{};
};

/// One word of the normalised text.
struct Word {
  ByteRange source;                   ///< from its first character to its last
  std::string_view bytes;             ///< normalised; no more than one character above the limit; until the next word
  std::size_t characters = 0;         ///< in `bytes`
  const AddedToken* added = nullptr;  ///< set: the word is this token
};

/// What WordReader needs to know of a tokenizer.
struct WordRules {
  const BertCharacters* characters = nullptr;
  const std::vector<AddedToken>* added_tokens = nullptr;  ///< the longest first; each begins with ASCII punctuation
  std::size_t max_characters = 0;                         ///< of a word: what is above it is unknown whatever it spells
};

/// Reads the words of a text in order.
class WordReader {
 public:
  WordReader(const WordRules& rules, std::string_view text) : rules_(rules), text_(text) {}

  bool Next(Word& word);

  /// Where the text goes on after the last word.
  std::size_t position() const { return position_; }

  /// The bytes of the text that bytes [begin, end) of the last word stand for.
  ByteRange Source(std::size_t begin, std::size_t end) const {
    if (sources_.empty()) return {word_.begin + begin, word_.begin + end};
    return {sources_[begin].begin, sources_[end - 1].end};
  }

 private:
  struct Mark {
    std::size_t offset;  // in buffer_
    std::uint8_t combining_class;
  };

  const AddedToken* MatchAdded() const;
  void AppendAsciiRun();
  void Append(BertCharacters::Unit unit, ByteRange source);
  void RecordSources(std::size_t offset, std::size_t length, ByteRange source);
  void FillSources(std::size_t size);

  WordRules rules_;
  std::string_view text_;
  std::size_t position_ = 0;

  // The word that is being read.
  ByteRange word_;
  std::string buffer_;
  std::size_t characters_ = 0;
  std::vector<Mark> marks_;         // at the end of buffer_, since the last starter
  std::vector<ByteRange> sources_;  // for each byte of buffer_; empty while byte i stands for byte word_.begin + i

  // What is left of a character that became several.
  BertCharacters::Expansion pending_;
  std::size_t next_pending_ = 0;
  ByteRange pending_source_;
};

/// Writes the UTF-8 of `c` and returns its length.
inline std::size_t EncodeUtf8(char32_t c, char* out) {
  auto low = [c](unsigned shift) { return static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0U | (c >> 6U));
    out[1] = low(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0U | (c >> 12U));
    out[1] = low(6);
    out[2] = low(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0U | (c >> 18U));
  out[1] = low(12);
  out[2] = low(6);
  out[3] = low(0);
  return 4;
}

/// The code point at `position` and its length; an ill-formed part counts as U+FFFD (Unicode 15, section 3.9).
struct DecodedCharacter {
  char32_t character = 0;
  std::size_t length = 0;
};
DecodedCharacter DecodeUtf8(std::string_view text, std::size_t position);

}  // namespace ragpipe::text::internal
