#include "text/bpe/piece_rule.h"

#include <optional>

namespace ragpipe::text::internal {
namespace {

constexpr unsigned Bit(CharClass c) { return 1U << static_cast<unsigned>(c); }

constexpr unsigned kSpaceSet = Bit(CharClass::kSpace) | Bit(CharClass::kNewline);
constexpr unsigned kNewlineSet = Bit(CharClass::kNewline);
constexpr unsigned kNumberSet = Bit(CharClass::kNumber);
constexpr unsigned kLetterSet = Bit(CharClass::kUpper) | Bit(CharClass::kLower) | Bit(CharClass::kCaseless);
constexpr unsigned kOtherSet = Bit(CharClass::kOther) | Bit(CharClass::kMark);
constexpr unsigned kEitherCaseSet = Bit(CharClass::kCaseless) | Bit(CharClass::kMark);
constexpr unsigned kUpperSet = Bit(CharClass::kUpper) | kEitherCaseSet;
constexpr unsigned kLowerSet = Bit(CharClass::kLower) | kEitherCaseSet;

class Reader {
 public:
  Reader(const CharClasses& classes, std::string_view text) : classes_(classes), text_(text) {}

  bool IsEnd(std::size_t at) const { return at >= text_.size(); }
  char ByteAt(std::size_t at) const { return IsEnd(at) ? '\0' : text_[at]; }

  /// The class of the code point at `at` as a bit, none at the end; `next` becomes its end.
  unsigned ClassAt(std::size_t at, std::size_t& next) const {
    if (IsEnd(at)) {
      next = at;
      return 0;
    }
    const DecodedChar decoded = DecodeValid(text_.data() + at);
    next = at + decoded.length;
    return Bit(classes_.Of(decoded.character));
  }
  unsigned ClassAt(std::size_t at) const {
    std::size_t next;
    return ClassAt(at, next);
  }

  std::size_t SkipRun(std::size_t at, unsigned set) const {
    for (std::size_t next; (ClassAt(at, next) & set) != 0; at = next) {
    }
    return at;
  }

  /// The end of a contraction that begins at `at`, or `at`.
  template <bool any_case>
  std::size_t SkipContraction(std::size_t at) const {
    if (ByteAt(at) != '\'') return at;
    auto letter = [this](std::size_t i) {
      const char c = ByteAt(i);
      return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    const char first = letter(at + 1);
    const char second = letter(at + 2);
    if (first == 's' || first == 'd' || first == 'm' || first == 't') return at + 2;
    if (any_case && text_.substr(at + 1, 2) == "\xC5\xBF") return at + 3;  // the long s, which is an s but for its case
    if (first == 'l' && second == 'l') return at + 3;
    if ((first == 'v' || first == 'r') && second == 'e') return at + 3;
    return at;
  }

 private:
  const CharClasses& classes_;
  std::string_view text_;
};

std::size_t WhiteSpaceEnd(const Reader& reader, std::size_t begin, bool newlines_first, bool whole_at_end) {
  std::size_t end = begin;
  std::size_t last = begin;           // where the last character begins
  std::size_t after_newline = begin;  // the end of the last newline
  std::size_t next;
  for (unsigned c; ((c = reader.ClassAt(end, next)) & kSpaceSet) != 0; end = next) {
    last = end;
    if (c == kNewlineSet) after_newline = next;
  }
  if (whole_at_end && reader.IsEnd(end)) return end;                  // \s++$
  if (newlines_first && after_newline > begin) return after_newline;  // \s*[\r\n]+
  if (reader.IsEnd(end) || last == begin) return end;                 // \s+(?!\S) at the end; a single \s
  return last;                                                        // \s+(?!\S)
}

std::size_t NumberEnd(const Reader& reader, std::size_t begin, std::size_t max_digits) {
  std::size_t end = begin;
  std::size_t next;
  for (std::size_t digits = 0; digits < max_digits && reader.ClassAt(end, next) == kNumberSet; ++digits) end = next;
  return end;
}

std::size_t Gpt2End(const Reader& reader, std::size_t begin) {
  if (const std::size_t end = reader.SkipContraction</*any_case=*/false>(begin); end != begin) return end;
  const std::size_t body = reader.ByteAt(begin) == ' ' ? begin + 1 : begin;
  for (const unsigned set : {kLetterSet, kNumberSet, kOtherSet}) {
    if ((reader.ClassAt(body) & set) != 0) return reader.SkipRun(body, set);
  }
  return WhiteSpaceEnd(reader, begin, /*newlines_first=*/false, /*whole_at_end=*/true);
}

// " ?[^\s\p{L}\p{N}]+[\r\n]*", or nothing.
std::optional<std::size_t> PunctuationEnd(const Reader& reader, std::size_t begin, bool with_slashes) {
  const std::size_t body = reader.ByteAt(begin) == ' ' ? begin + 1 : begin;
  if ((reader.ClassAt(body) & kOtherSet) == 0) return std::nullopt;
  std::size_t end = reader.SkipRun(body, kOtherSet);
  while (reader.ByteAt(end) == '\r' || reader.ByteAt(end) == '\n' || (with_slashes && reader.ByteAt(end) == '/')) ++end;
  return end;
}

std::size_t Cl100kEnd(const Reader& reader, std::size_t begin, std::size_t max_digits) {
  if (const std::size_t end = reader.SkipContraction</*any_case=*/true>(begin); end != begin) return end;
  std::size_t next;
  const unsigned first = reader.ClassAt(begin, next);
  if ((first & kLetterSet) != 0) return reader.SkipRun(next, kLetterSet);
  if (first == kNumberSet) return NumberEnd(reader, begin, max_digits);
  if (first != kNewlineSet && (reader.ClassAt(next) & kLetterSet) != 0) return reader.SkipRun(next, kLetterSet);
  if (const auto end = PunctuationEnd(reader, begin, /*with_slashes=*/false)) return *end;
  return WhiteSpaceEnd(reader, begin, /*newlines_first=*/true, /*whole_at_end=*/true);
}

// The two alternatives for cased words, without what may stand before them, but with the contraction after.
std::optional<std::size_t> LowerWordEnd(const Reader& reader, std::size_t begin) {
  std::size_t end = begin;
  std::size_t after_either_case = begin;  // where to go back to when nothing lower follows
  for (std::size_t next;; end = next) {
    const unsigned c = reader.ClassAt(end, next);
    if ((c & kUpperSet) == 0) break;
    if ((c & kEitherCaseSet) != 0) after_either_case = next;
  }
  if ((reader.ClassAt(end) & kLowerSet) != 0) {
    end = reader.SkipRun(end, kLowerSet);
  } else if (after_either_case > begin) {
    end = after_either_case;
  } else {
    return std::nullopt;
  }
  return reader.SkipContraction</*any_case=*/true>(end);
}

std::optional<std::size_t> UpperWordEnd(const Reader& reader, std::size_t begin) {
  const std::size_t end = reader.SkipRun(begin, kUpperSet);
  if (end == begin) return std::nullopt;
  return reader.SkipContraction</*any_case=*/true>(reader.SkipRun(end, kLowerSet));
}

std::size_t O200kEnd(const Reader& reader, std::size_t begin) {
  std::size_t next;
  const unsigned first = reader.ClassAt(begin, next);
  const bool may_lead = (first & (kLetterSet | kNumberSet | kNewlineSet)) == 0;
  for (const auto word_end : {LowerWordEnd, UpperWordEnd}) {
    if (may_lead) {
      if (const auto end = word_end(reader, next)) return *end;
    }
    if (const auto end = word_end(reader, begin)) return *end;
  }
  if (first == kNumberSet) return NumberEnd(reader, begin, 3);
  if (const auto end = PunctuationEnd(reader, begin, /*with_slashes=*/true)) return *end;
  return WhiteSpaceEnd(reader, begin, /*newlines_first=*/true, /*whole_at_end=*/false);
}

}  // namespace

template <PieceGrammar grammar>
std::size_t PieceEnd(const CharClasses& classes, std::string_view text, std::size_t begin) {
  const Reader reader(classes, text);
  if constexpr (grammar == PieceGrammar::kGpt2) return Gpt2End(reader, begin);
  if constexpr (grammar == PieceGrammar::kCl100k) return Cl100kEnd(reader, begin, 3);
  if constexpr (grammar == PieceGrammar::kQwen) return Cl100kEnd(reader, begin, 1);
  if constexpr (grammar == PieceGrammar::kO200k) return O200kEnd(reader, begin);
}

template std::size_t PieceEnd<PieceGrammar::kGpt2>(const CharClasses&, std::string_view, std::size_t);
template std::size_t PieceEnd<PieceGrammar::kCl100k>(const CharClasses&, std::string_view, std::size_t);
template std::size_t PieceEnd<PieceGrammar::kQwen>(const CharClasses&, std::string_view, std::size_t);
template std::size_t PieceEnd<PieceGrammar::kO200k>(const CharClasses&, std::string_view, std::size_t);

}  // namespace ragpipe::text::internal
