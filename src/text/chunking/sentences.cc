#include "text/chunking/sentences.h"

#include <unicode/uchar.h>

#include <array>
#include <cstdint>

#include "text/chunking/boundaries.h"
#include "text/chunking/byte_search.h"

namespace ragpipe::text::internal {
namespace {

USentenceBreak FindClass(UChar32 c) { return static_cast<USentenceBreak>(u_getIntPropertyValue(c, UCHAR_SENTENCE_BREAK)); }

USentenceBreak ClassOf(UChar32 c) {
  constexpr UChar32 kAscii = 0x80;
  static const std::array<USentenceBreak, kAscii> of_ascii = [] {
    std::array<USentenceBreak, kAscii> classes{};
    for (UChar32 i = 0; i < kAscii; ++i) classes[static_cast<std::size_t>(i)] = FindClass(i);
    return classes;
  }();
  return c < kAscii ? of_ascii[static_cast<std::size_t>(c)] : FindClass(c);
}

bool IsIgnored(USentenceBreak kind) { return kind == U_SB_EXTEND || kind == U_SB_FORMAT; }
bool IsTerminator(USentenceBreak kind) { return kind == U_SB_STERM || kind == U_SB_ATERM; }
bool IsSeparator(USentenceBreak kind) { return kind == U_SB_SEP || kind == U_SB_CR || kind == U_SB_LF; }

struct Character {
  USentenceBreak kind = U_SB_OTHER;
  std::size_t end = 0;
};

// The character at `at` with the marks that belong to it (rule SB5).
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Character At(std::size_t at) const {
    const CodePoint first = Decode(text_, at);
    Character character{ClassOf(first.character), at + first.length};
    if (!IsSeparator(character.kind)) character.end = SkipIgnored(character.end);
    return character;
  }

  std::size_t SkipIgnored(std::size_t at) const {
    while (at < text_.size() && static_cast<unsigned char>(text_[at]) >= 0x80) {
      const CodePoint next = Decode(text_, at);
      if (!IsIgnored(ClassOf(next.character))) break;
      at += next.length;
    }
    return at;
  }

  // The class of the last character before `at` that is no mark.
  USentenceBreak KindBefore(std::size_t at) const {
    while (at > 0) {
      const CodePoint before = DecodeBefore(text_, at);
      const USentenceBreak kind = ClassOf(before.character);
      if (!IsIgnored(kind)) return kind;
      at -= before.length;
    }
    return U_SB_OTHER;
  }

  // SB8: whether a lower-case letter follows before any other letter or end.
  bool LowerFollows(std::size_t at) const {
    while (at < text_.size()) {
      const Character next = At(at);
      if (next.kind == U_SB_LOWER) return true;
      if (next.kind == U_SB_OLETTER || next.kind == U_SB_UPPER || IsSeparator(next.kind) || IsTerminator(next.kind))
        return false;
      at = next.end;
    }
    return false;
  }

 private:
  std::string_view text_;
};

// Of most sentences: a full stop and the like, a space and a capital letter (SB9 to SB11, and none of SB6 to SB8a).
bool IsPlainEnd(std::string_view text, std::size_t at) {
  const char c = text[at];
  return (c == '.' || c == '!' || c == '?') && at + 2 < text.size() && text[at + 1] == ' ' && text[at + 2] >= 'A' &&
         text[at + 2] <= 'Z';
}

}  // namespace

std::size_t SentenceScan::Next() {
  const Reader reader(text_);
  std::size_t at = at_;
  while (true) {
    at = FindByte</*kAboveAscii=*/true, '.', '!', '?', '\n', '\r'>(text_, at);  // all else ends no sentence
    if (at == text_.size()) break;
    if (IsPlainEnd(text_, at)) return at_ = at + 2;
    const std::size_t begin = at;
    const CodePoint first = Decode(text_, at);
    const USentenceBreak kind = ClassOf(first.character);
    at += first.length;
    if (kind == U_SB_CR && at < text_.size() && text_[at] == '\n') ++at;  // SB3
    if (IsSeparator(kind)) return at_ = at;                               // SB4
    if (!IsTerminator(kind)) continue;

    at = reader.SkipIgnored(at);
    const std::size_t after_terminator = at;
    Character next;
    while (at < text_.size() && (next = reader.At(at)).kind == U_SB_CLOSE) at = next.end;  // SB9
    while (at < text_.size() && (next = reader.At(at)).kind == U_SB_SP) at = next.end;     // SB9, SB10
    if (at >= text_.size()) break;
    if (IsSeparator(next.kind)) {  // SB9 to SB11
      at = next.end;
      if (next.kind == U_SB_CR && at < text_.size() && text_[at] == '\n') ++at;
      return at_ = at;
    }
    if (next.kind == U_SB_SCONTINUE || IsTerminator(next.kind)) continue;  // SB8a
    if (kind == U_SB_ATERM) {
      if (at == after_terminator) {
        if (next.kind == U_SB_NUMERIC) continue;  // SB6
        const USentenceBreak before = next.kind == U_SB_UPPER ? reader.KindBefore(begin) : U_SB_OTHER;
        if (before == U_SB_UPPER || before == U_SB_LOWER) continue;  // SB7
      }
      if (reader.LowerFollows(at)) continue;  // SB8
    }
    return at_ = at;  // SB11
  }
  return at_ = text_.size();
}

}  // namespace ragpipe::text::internal
