#include "text/markdown/headings.h"

#include <algorithm>
#include <vector>

#include "core/utf8.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxBytes = 256;
constexpr std::size_t kMaxSource = 16 * kMaxBytes;
constexpr std::size_t kNone = std::string_view::npos;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsAsciiPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view WithoutTrailing(std::string_view text, char c) {
  while (!text.empty() && text.back() == c) text.remove_suffix(1);
  return text;
}

// At most `size` bytes, and no part of a code point.
std::string_view Prefix(std::string_view text, std::size_t size) {
  while (size > 0 && !ragpipe::internal::IsCodePointBoundary(text, size)) --size;
  return text.substr(0, size);
}

// The heading's inline content.
std::string_view Content(std::string_view source) {
  if (source.substr(0, 3) == "\xEF\xBB\xBF") source.remove_prefix(3);
  source = Trim(source);
  const std::size_t marks = std::min(source.find_first_not_of('#'), source.size());
  if (marks >= 1 && marks <= 6 && (marks == source.size() || IsSpace(source[marks]))) {  // ATX
    const std::string_view body = Trim(source.substr(marks));
    const std::string_view open = WithoutTrailing(body, '#');
    return open.empty() || IsSpace(open.back()) ? Trim(open) : body;
  }
  return Trim(source.substr(0, source.find_last_of("\r\n")));  // setext
}

// For each `open` byte the offset after the `close` that matches it; kNone for the others, and where there is none. Nothing
// where no link can be.
std::vector<std::size_t> MatchBrackets(std::string_view text, char open, char close) {
  if (text.find('[') == kNone) return {};
  std::vector<std::size_t> after(text.size(), kNone);
  std::vector<std::size_t> opened;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == open) {
      opened.push_back(i);
    } else if (text[i] == close && !opened.empty()) {
      after[opened.back()] = i + 1;
      opened.pop_back();
    }
  }
  return after;
}

// Copies inline content without its markup, in one pass from the left.
class InlineReader {
 public:
  explicit InlineReader(std::string_view text)
      : text_(text), after_square_(MatchBrackets(text, '[', ']')), after_round_(MatchBrackets(text, '(', ')')) {}

  std::string Read() {
    while (at_ < text_.size() && out_.size() < kMaxBytes) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && IsPlain(text_[at_])) ++at_;
      out_ += text_.substr(begin, at_ - begin);
      if (at_ < text_.size()) Step();
    }
    return out_;
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size() && IsAsciiPunctuation(text_[at_ + 1])) {
      Put(text_[at_ + 1]);
      at_ += 2;
    } else if (c == '`') {
      CodeSpan();
    } else if (c == '<') {
      AngleBracket();
    } else if (c == '*' || c == '_' || c == '~') {
      Delimiters(c);
    } else if (c == '!' && AfterTarget(at_ + 1) != kNone) {
      ++at_;
    } else if (c == '[' && AfterTarget(at_) != kNone) {
      links_.push_back(at_);
      ++at_;
    } else if (c == ']' && !links_.empty() && after_square_[links_.back()] == at_ + 1) {
      at_ = AfterTarget(links_.back());
      links_.pop_back();
    } else {
      Put(c);
      ++at_;
    }
  }

  // The end of the "[text](target)" or "[text][label]" that begins at `open`, or kNone.
  std::size_t AfterTarget(std::size_t open) const {
    if (open >= after_square_.size()) return kNone;
    const std::size_t end = after_square_[open];
    if (end == kNone || end == text_.size()) return kNone;
    return std::min(after_round_[end], after_square_[end]);
  }

  void CodeSpan() {
    const std::size_t ticks = std::min(text_.find_first_not_of('`', at_), text_.size()) - at_;
    const std::string_view rest = text_.substr(at_ + ticks);
    std::size_t close = 0;
    while (close < rest.size()) {
      close = std::min(rest.find('`', close), rest.size());
      const std::size_t run = std::min(rest.find_first_not_of('`', close), rest.size()) - close;
      if (run == ticks) break;
      close += run;
    }
    if (close >= rest.size()) {  // no code: the backticks are text
      for (std::size_t i = 0; i < ticks; ++i) Put('`');
      at_ += ticks;
      return;
    }
    for (const char c : Trim(rest.substr(0, close))) Put(c);
    at_ += ticks + close + ticks;
  }

  // An autolink's address stays, a tag goes.
  void AngleBracket() {
    const std::size_t close = text_.find('>', at_);
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
    const bool named = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
    if (close == kNone || !(named || next == '/' || next == '!' || next == '?')) {
      Put('<');
      ++at_;
      return;
    }
    const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
    const bool address = named && inside.find_first_of(":@") < inside.find_first_of(" \t\n=\"'");
    if (address) {
      for (const char c : inside) Put(c);
    }
    at_ = close + 1;
  }

  // A run of emphasis marks goes when it touches a word on one side; an underscore between letters stays, and a lone tilde.
  void Delimiters(char c) {
    const std::size_t end = std::min(text_.find_first_not_of(c, at_), text_.size());
    const bool space_before = at_ == 0 || IsSpace(text_[at_ - 1]);
    const bool space_after = end == text_.size() || IsSpace(text_[end]);
    const bool in_word = at_ > 0 && end < text_.size() && IsWord(text_[at_ - 1]) && IsWord(text_[end]);
    const bool text = (space_before && space_after) || (c == '_' && in_word) || (c == '~' && end - at_ != 2);
    for (std::size_t i = at_; text && i < end; ++i) Put(c);
    at_ = end;
  }

  // Whether it is no markup, and no white space.
  static bool IsPlain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
  }

  static bool IsWord(char c) { return !IsSpace(c) && !IsAsciiPunctuation(c); }

  void Put(char c) {
    if (!IsSpace(c)) {
      out_ += c;
    } else if (!out_.empty() && out_.back() != ' ') {
      out_ += ' ';
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::size_t> after_square_;
  std::vector<std::size_t> after_round_;
  std::vector<std::size_t> links_;  // where the open ones begin
  std::string out_;
};

}  // namespace

std::string PlainHeading(std::string_view source) {
  std::string plain = InlineReader(Prefix(Content(source), kMaxSource)).Read();
  plain.resize(Prefix(plain, kMaxBytes).size());
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

}  // namespace ragpipe::text::internal
