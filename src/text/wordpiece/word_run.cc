#include "text/wordpiece/word_run.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ragpipe::text::internal {
namespace {

using Kind = BertCharacters::Kind;
using Unit = BertCharacters::Unit;

/// DecodeUtf8() for text that is mostly well formed and of the basic plane.
inline DecodedCharacter Decode(std::string_view text, std::size_t position) {
  auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[position + i])); };
  auto is_tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t left = text.size() - position;
  if (lead >= 0xC2 && lead < 0xE0 && left >= 2 && is_tail(1)) return {(lead & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
  if (lead >= 0xE0 && lead < 0xF0 && left >= 3 && is_tail(1) && is_tail(2)) {
    const char32_t c = (lead & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) return {c, 3};
  }
  return DecodeUtf8(text, position);
}

}  // namespace

bool WordRun::Next(Word& word) {
  size_ = 0;
  in_place_ = true;
  word.alone = false;
  bool complete = false;
  while (!complete && position_ < text_.size()) {
    const DecodedCharacter decoded = Decode(text_, position_);
    const ByteRange source{position_, position_ + decoded.length};
    const Unit unit = rules_.characters->Find(decoded.character);
    switch (unit.kind) {
      case Kind::kLetter:
        if (!Append(unit.character, source)) return ReadSlowly(source_.begin, word);
        break;
      case Kind::kAlone:
        complete = true;
        if (size_ > 0) continue;  // it is the next word
        Append(unit.character, source);
        word.alone = true;
        break;
      case Kind::kSpace:
        complete = size_ > 0;
        break;
      case Kind::kDropped:
      case Kind::kDroppedStarter:
        break;
      case Kind::kSeveral:
        if (!BertCharacters::IsHangulSyllable(decoded.character) || !AppendHangul(decoded.character, source)) {
          return ReadSlowly(size_ > 0 ? source_.begin : position_, word);
        }
        break;
    }
    position_ = source.end;
  }
  word.source = source_;
  word.bytes = {bytes_.data(), size_};
  word.in_place = in_place_;
  return size_ > 0;
}

inline bool WordRun::Append(char32_t character, ByteRange source) {
  if (size_ + 4 > kMaxBytes) return false;
  if (size_ == 0) source_.begin = source.begin;
  const std::size_t length = EncodeUtf8(character, bytes_.data() + size_);
  in_place_ = in_place_ && length == source.size() && source_.begin + size_ == source.begin;
  size_ += length;
  source_.end = source.end;
  return true;
}

bool WordRun::AppendHangul(char32_t syllable, ByteRange source) {
  const BertCharacters::Expansion letters = rules_.characters->Expand(syllable);
  for (std::size_t i = 0; i < letters.size; ++i) {
    if (!Append(letters.units[i].character, source)) return false;
  }
  return true;
}

bool WordRun::ReadSlowly(std::size_t begin, Word& word) {
  slow_.emplace(rules_, text_.substr(begin));
  internal::Word read;
  const bool found = slow_->Next(read);
  position_ = begin + slow_->position();
  word.source = {begin + read.source.begin, begin + read.source.end};
  word.bytes = read.bytes;
  word.in_place = false;
  if (read.bytes.size() <= kMaxBytes) {
    std::copy(read.bytes.begin(), read.bytes.end(), bytes_.begin());
    word.bytes = {bytes_.data(), read.bytes.size()};
  }
  return found;
}

}  // namespace ragpipe::text::internal
