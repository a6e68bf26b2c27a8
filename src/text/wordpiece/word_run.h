#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "ragpipe/chunk.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {

/// Reads the words of a run of any characters but ASCII white space and ASCII punctuation, as WordReader does, only faster:
/// what most characters become is one look-up. Characters that become several, and very long words, go to WordReader.
class WordRun {
 public:
  struct Word {
    ByteRange source;        ///< as internal::Word
    std::string_view bytes;  ///< as internal::Word; kReadable bytes can be read from its beginning
    bool alone = false;      ///< one character that is a word wherever it stands
    bool in_place = false;   ///< byte i of `bytes` stands for byte i of the source
  };
  static constexpr std::size_t kReadable = 32;

  explicit WordRun(const WordRules& rules) : rules_(rules) {}

  /// Goes to bytes [begin, end) of `text`.
  void Start(std::string_view text, std::size_t begin, std::size_t end) {
    text_ = text.substr(0, end);
    position_ = begin;
  }

  /// False at the end of the run.
  bool Next(Word& word);

  /// Where the next word, or what is between, begins.
  std::size_t position() const { return position_; }

 private:
  static constexpr std::size_t kMaxBytes = 256;

  bool Append(char32_t character, ByteRange source);
  bool AppendHangul(char32_t syllable, ByteRange source);
  bool ReadSlowly(std::size_t begin, Word& word);

  WordRules rules_;
  std::string_view text_;
  std::size_t position_ = 0;
  std::optional<WordReader> slow_;

  // The word that is being read.
  ByteRange source_;
  std::size_t size_ = 0;
  bool in_place_ = true;
  std::array<char, kMaxBytes + kReadable> bytes_{};
};

}  // namespace ragpipe::text::internal
