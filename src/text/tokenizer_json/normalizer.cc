#include "text/tokenizer_json/normalizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

/// Calls visit(character, begin, end) for each character.
template <class Visitor>
void ForEachCharacter(std::string_view text, Visitor visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    const DecodedCharacter decoded = DecodeUtf8(text, begin);
    visit(decoded.character, begin, begin + decoded.length);
    begin += decoded.length;
  }
}

/// Characters in canonical order, composed on the way where that is wanted (Unicode 15, section 3.11). Follows the crate
/// unicode-normalization-alignments.
class Former {
 public:
  Former(UnicodeForm form, AlignedText& out) : form_(form), out_(out) {}

  void Add(char32_t c, ByteRange source) {
    const Decomposition parts = Decompose(c, form_.compatible);
    for (std::size_t i = 0; i < parts.size; ++i) {
      const Unit unit{parts.characters[i], CombiningClass(parts.characters[i]), source};
      if (unit.combining_class == 0) FlushMarks();
      if (unit.combining_class == 0) {
        Put(unit);
      } else {
        marks_.push_back(unit);
      }
    }
  }

  void Finish() {
    FlushMarks();
    if (has_composee_) Emit(composee_);
    has_composee_ = false;
    EmitBlocked();
  }

 private:
  struct Unit {
    char32_t character;
    std::uint8_t combining_class;
    ByteRange source;
  };

  void FlushMarks() {
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const Unit& a, const Unit& b) { return a.combining_class < b.combining_class; });
    for (const Unit& mark : marks_) Put(mark);
    marks_.clear();
  }

  void Put(const Unit& unit) {
    if (!form_.composed) {
      Emit(unit);
      return;
    }
    if (!has_composee_) {
      if (unit.combining_class != 0) {
        Emit(unit);
      } else {
        composee_ = unit;
        has_composee_ = true;
      }
      return;
    }
    const bool reachable = blocked_.empty() || blocked_.back().combining_class < unit.combining_class;
    const char32_t composite = reachable ? Compose(composee_.character, unit.character) : 0;
    if (composite != 0) {
      composee_.character = composite;
      composee_.source.begin = std::min(composee_.source.begin, unit.source.begin);
      composee_.source.end = std::max(composee_.source.end, unit.source.end);
    } else if (unit.combining_class == 0) {
      Emit(composee_);
      EmitBlocked();
      composee_ = unit;
    } else {
      blocked_.push_back(unit);
    }
  }

  void Emit(const Unit& unit) { out_.Append(ToUtf8(unit.character), unit.source); }

  void EmitBlocked() {
    for (const Unit& mark : blocked_) Emit(mark);
    blocked_.clear();
  }

  UnicodeForm form_;
  AlignedText& out_;
  std::vector<Unit> marks_;  // since the last starter, not yet in order
  bool has_composee_ = false;
  Unit composee_{};
  std::vector<Unit> blocked_;  // marks after the composee that did not go into it
};

void Apply(const UnicodeForm& form, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) {
  Former former(form, out);
  ForEachCharacter(in.bytes, [&](char32_t c, std::size_t begin, std::size_t end) { former.Add(c, in.Source(begin, end)); });
  former.Finish();
}

void Apply(const LowercaseLetters& /*step*/, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) {
  ForEachCharacter(in.bytes, [&](char32_t c, std::size_t begin, std::size_t end) {
    const LowerCase lower = ToLower(c);
    if (lower.first == c) {
      out.AppendFrom(in, begin, end);
      return;
    }
    out.Append(ToUtf8(lower.first), in.Source(begin, end));
    if (lower.second != 0) out.Append(ToUtf8(lower.second), in.Source(begin, end));
  });
}

void Apply(const StripAccents& /*step*/, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) {
  ForEachCharacter(in.bytes, [&](char32_t c, std::size_t begin, std::size_t end) {
    if (!IsMark(c)) out.AppendFrom(in, begin, end);
  });
}

void Apply(const Nmt& /*step*/, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) {
  auto is_dropped = [](char32_t c) {
    return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  };
  auto becomes_space = [](char32_t c) {
    return c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
           c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  };
  ForEachCharacter(in.bytes, [&](char32_t c, std::size_t begin, std::size_t end) {
    if (is_dropped(c)) return;
    if (becomes_space(c)) {
      out.Append(" ", in.Source(begin, end));
    } else {
      out.AppendFrom(in, begin, end);
    }
  });
}

void Apply(const Strip& strip, const AlignedText& in, TextEnds ends, AlignedText& out) {
  std::size_t first = in.bytes.size();  // that is not white space
  std::size_t last = 0;                 // after the last such
  ForEachCharacter(in.bytes, [&](char32_t c, std::size_t begin, std::size_t end) {
    if (IsWhiteSpace(c)) return;
    first = std::min(first, begin);
    last = end;
  });
  const std::size_t begin = strip.left && ends.begin ? first : 0;
  const std::size_t end = strip.right && ends.end ? last : in.bytes.size();
  if (begin < end) out.AppendFrom(in, begin, end);
}

void Apply(const Prepend& prepend, const AlignedText& in, TextEnds ends, AlignedText& out) {
  if (ends.begin && !in.bytes.empty()) out.Append(prepend.text, in.Source(0, DecodeUtf8(in.bytes, 0).length));
  out.AppendFrom(in, 0, in.bytes.size());
}

/// Calls match(begin, end) for every match, from left to right.
template <class Visitor>
void ForEachMatch(std::string_view text, const Replace& replace, Visitor match) {
  for (std::size_t begin = 0; (begin = text.find(replace.pattern, begin)) != std::string_view::npos;) {
    std::size_t end = begin + replace.pattern.size();
    if (replace.min_run > 0) {
      while (text.substr(end).starts_with(replace.pattern)) end += replace.pattern.size();
    }
    if (end - begin >= replace.min_run * replace.pattern.size()) match(begin, end);
    begin = end;
  }
}

void Apply(const Replace& replace, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) {
  std::size_t done = 0;
  ForEachMatch(in.bytes, replace, [&](std::size_t begin, std::size_t end) {
    out.AppendFrom(in, done, begin);
    // The reference gives it the place of the last character of the match.
    out.Append(replace.content, in.Source(end - 1, end));
    done = end;
  });
  out.AppendFrom(in, done, in.bytes.size());
}

void Apply(const Charsmap& map, const AlignedText& in, TextEnds /*ends*/, AlignedText& out) { map.Apply(in, out); }

// Whether a step leaves an ASCII character as it is when only such characters are around it and no end of the text.

bool KeepsCharacter(const UnicodeForm& /*step*/, unsigned char /*c*/) { return true; }
bool KeepsCharacter(const LowercaseLetters& /*step*/, unsigned char c) { return c < 'A' || c > 'Z'; }
bool KeepsCharacter(const StripAccents& /*step*/, unsigned char /*c*/) { return true; }
bool KeepsCharacter(const Nmt& /*step*/, unsigned char c) { return c == 0 || (c >= 0x20 && c != 0x7F); }
bool KeepsCharacter(const Strip& /*step*/, unsigned char /*c*/) { return true; }
bool KeepsCharacter(const Prepend& /*step*/, unsigned char /*c*/) { return true; }
bool KeepsCharacter(const Charsmap& map, unsigned char c) { return map.Keeps(c); }
bool KeepsCharacter(const Replace& replace, unsigned char c) {
  return replace.min_run > 1 || replace.pattern.find(static_cast<char>(c)) == std::string::npos;
}

}  // namespace

Normalizer::Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {
  for (std::size_t c = 0; c < 0x80; ++c) {
    kept_[c] = std::all_of(steps_.begin(), steps_.end(), [c](const NormalizerStep& step) {
      return std::visit([c](const auto& each) { return KeepsCharacter(each, static_cast<unsigned char>(c)); }, step);
    });
  }
  for (const NormalizerStep& step : steps_) {
    const auto* replace = std::get_if<Replace>(&step);
    if (replace != nullptr && replace->min_run > 1) run_patterns_.push_back(replace->pattern + replace->pattern);
  }
}

bool Normalizer::Keeps(std::string_view text) const {
  for (const char c : text) {
    if (!kept_[static_cast<unsigned char>(c)]) return false;
  }
  return std::none_of(run_patterns_.begin(), run_patterns_.end(),
                      [text](const std::string& run) { return text.find(run) != std::string_view::npos; });
}

void Normalizer::Apply(AlignedText& text, TextEnds ends, AlignedText& spare) const {
  bool kept = Keeps(text.bytes);
  for (const NormalizerStep& step : steps_) {
    if (kept && !std::holds_alternative<Strip>(step) && !std::holds_alternative<Prepend>(step)) continue;
    if (!ends.begin && std::holds_alternative<Prepend>(step)) continue;
    spare.Clear(text.tracks_sources);
    std::visit([&](const auto& each) { internal::Apply(each, text, ends, spare); }, step);
    std::swap(text, spare);
    if (std::holds_alternative<Prepend>(step)) kept = false;
  }
}

std::string ReplaceAll(std::string_view text, const Replace& replace) {
  std::string replaced;
  std::size_t done = 0;
  ForEachMatch(text, replace, [&](std::size_t begin, std::size_t end) {
    replaced.append(text.substr(done, begin - done)).append(replace.content);
    done = end;
  });
  return replaced.append(text.substr(done));
}

}  // namespace ragpipe::text::internal
