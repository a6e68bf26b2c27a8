#include "text/code/lines.h"

#include <algorithm>
#include <string>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kLongestRawDelimiter = 16;      // C++20, [lex.string]
constexpr std::size_t kMostRawHashes = 255;           // The Rust Reference, "Raw string literals"
constexpr std::size_t kLongestDollarTag = 63;         // of an identifier, in PostgreSQL
constexpr std::size_t kLongestCharacterLiteral = 12;  // '\u{10FFFF}' in Rust
constexpr std::size_t kEnumReach = 96;                // bytes of a line in which the word "enum" is looked for

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v'; }

bool IsLineBreak(char c) { return c == '\n' || c == '\r'; }

bool EqualsUpper(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The bytes at which a scan stops to look.
std::string_view SpecialBytes(CodeLanguage language) {
  switch (language) {
    case CodeLanguage::kC:
    case CodeLanguage::kCpp:
    case CodeLanguage::kJava:
    case CodeLanguage::kRust:
      return "\n\r(){}[]\"'/\\";
    case CodeLanguage::kGo:
    case CodeLanguage::kJavaScript:
    case CodeLanguage::kTypeScript:
      return "\n\r(){}[]\"'/`";
    case CodeLanguage::kPython:
      return "\n\r(){}[]\"'#\\";
    case CodeLanguage::kShell:
      return "\n\r(){}\"'`#\\<;&|";
    case CodeLanguage::kSql:
      return "\n\r()\"'`/-#$bBcCeE";
  }
  return {};
}

}  // namespace

CodeLineScanner::CodeLineScanner(std::string_view text, CodeLanguage language) : text_(text), language_(language) {
  for (const char c : SpecialBytes(language)) special_[static_cast<unsigned char>(c)] = true;
}

bool CodeLineScanner::Next(CodeLine& line) {
  if (at_ == text_.size()) return false;
  line_ = {};
  line_.begin = at_;
  line_.depth = open_.size();
  line_.in_list = !open_.empty() && (open_.back() == kParen || open_.back() == kSquare || open_.back() == kListBrace);
  floor_ = open_.size();
  ScanIndent();
  if (IsC() && line_.first == '#') {
    ScanDirective();
  } else {
    ScanClosers();
    while (at_ < text_.size()) {
      if (!special_[static_cast<unsigned char>(text_[at_])]) {
        ++at_;
        continue;
      }
      if (IsLineBreak(text_[at_])) break;
      ScanToken();
    }
    NoteCode(at_);
  }
  if (at_ < text_.size()) at_ += text_[at_] == '\r' && Peek(1) == '\n' ? 2 : 1;
  ScanHereDocumentBodies();

  line_.end = at_;
  line_.depth_after = open_.size();
  for (std::size_t i = floor_; i < open_.size() && line_.brace == CodeLine::kNone; ++i) {
    if (open_[i] == kBrace || open_[i] == kListBrace) line_.brace = i;
  }
  line = line_;
  return true;
}

std::string_view CodeLineScanner::WordAt(std::size_t offset) const {
  std::size_t end = offset;
  while (end < text_.size() && end - offset < 64 && IsWordByte(text_[end])) ++end;
  return text_.substr(offset, end - offset);
}

bool CodeLineScanner::BeginsWord(std::size_t offset) const { return offset == 0 || !IsWordByte(text_[offset - 1]); }

void CodeLineScanner::ScanIndent() {
  if (at_ == 0 && text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  for (; at_ < text_.size() && IsBlank(text_[at_]); ++at_) line_.indent += text_[at_] == '\t' ? 8 - line_.indent % 8 : 1;
  code_from_ = at_;
  if (at_ == text_.size() || IsLineBreak(text_[at_])) return;
  line_.first = text_[at_];
  line_.first_word = WordAt(at_);
  const bool decorates = Is(CodeLanguage::kPython) || Is(CodeLanguage::kJava) || IsScript();
  if ((line_.first == '@' && decorates && WordAt(at_ + 1) != "interface") || (line_.first == '#' && Is(CodeLanguage::kRust)) ||
      (line_.first == '[' && Peek(1) == '[' && IsC())) {
    line_.kind = CodeLine::Kind::kAttribute;
  }
}

// What a line closes at its front is closed before the line, as it looks to a reader.
void CodeLineScanner::ScanClosers() {
  const std::size_t depth = open_.size();
  if (Is(CodeLanguage::kShell)) {
    ScanShellWord();
    if (IsOneOf(line_.first_word, {"else", "elif"}) && !open_.empty() && open_.back() == kIf) {
      line_.closes = true;
      line_.depth = depth - 1;
      floor_ = depth - 1;
      return;
    }
  }
  if (Is(CodeLanguage::kSql) && line_.first == '$') {
    ScanDollar();
  } else if (Is(CodeLanguage::kSql) && line_.first != 0) {
    ScanSqlWord();
  }
  while (at_ < text_.size() && special_[static_cast<unsigned char>(text_[at_])]) {
    const char c = text_[at_];
    if (c != ')' && c != ']' && c != '}') break;
    const std::size_t before = open_.size();
    ScanToken();
    if (open_.size() >= before) break;
  }
  line_.closes = open_.size() < depth;
  line_.depth = std::min(depth, open_.size());
}

// Brackets of a directive do not count. Of the branches of a condition the first counts.
void CodeLineScanner::ScanDirective() {
  line_.kind = CodeLine::Kind::kDirective;
  std::size_t name = at_ + 1;
  while (name < text_.size() && IsBlank(text_[name])) ++name;
  const std::string_view word = WordAt(name);
  if (IsOneOf(word, {"if", "ifdef", "ifndef"})) {
    conditions_.push_back(open_.size());
  } else if (IsOneOf(word, {"else", "elif", "elifdef", "elifndef"}) && !conditions_.empty()) {
    const std::size_t depth = conditions_.back();
    while (open_.size() > depth) Pop();
    while (open_.size() < depth) Open(kBrace);
  } else if (word == "endif" && !conditions_.empty()) {
    conditions_.pop_back();
  }
  line_.depth = std::min(line_.depth, open_.size());
  while (at_ < text_.size() && !IsLineBreak(text_[at_])) {
    const char c = text_[at_];
    if (c == '/' && Peek(1) == '*') {
      ScanBlockComment();
    } else if (c == '/' && Peek(1) == '/') {
      ScanLineComment();
    } else if (c == '\\' && at_ + 1 < text_.size()) {
      at_ += Peek(1) == '\r' && Peek(2) == '\n' ? 3 : 2;
    } else {
      ++at_;
    }
  }
}

void CodeLineScanner::ScanToken() {
  const char c = text_[at_];
  switch (c) {
    case '(':
    case '[':
    case ')':
    case ']':
    case '{':
    case '}':
      return ScanBracket(c);
    case '"':
      if (Is(CodeLanguage::kPython) || Is(CodeLanguage::kJava)) return ScanTripleQuoted(c);
      if (Is(CodeLanguage::kCpp) && ScanRawString()) return;
      if (Is(CodeLanguage::kRust) && ScanRustRawString()) return;
      return ScanQuoted(c, /*escapes=*/true, Is(CodeLanguage::kRust) || Is(CodeLanguage::kShell));
    case '\'':
      return ScanApostrophe();
    case '`':
      if (IsScript()) {
        ++at_;
        return ScanTemplateText();
      }
      return ScanQuoted(c, /*escapes=*/Is(CodeLanguage::kShell), /*many_lines=*/Is(CodeLanguage::kGo));
    case '/':
      return ScanSlash();
    case '#':
      if (Is(CodeLanguage::kPython)) return ScanLineComment();
      if (Is(CodeLanguage::kShell) && (at_ == code_from_ || IsBlank(text_[at_ - 1]) || text_[at_ - 1] == ';')) {
        return ScanLineComment();
      }
      if (Is(CodeLanguage::kSql) && at_ == code_from_) return ScanLineComment();
      ++at_;
      return;
    case '-':
      if (Peek(1) == '-') return ScanLineComment();
      ++at_;
      return;
    case '\\':  // joins lines, and takes the meaning from what follows
      at_ = std::min(at_ + (Peek(1) == '\r' && Peek(2) == '\n' ? 3 : 2), text_.size());
      return;
    case '<':
      return ScanHereDocument();
    case ';':
    case '&':
    case '|':
      ++at_;
      return ScanShellWord();
    case '$':
      return ScanDollar();
    default:
      return ScanSqlWord();
  }
}

void CodeLineScanner::ScanBracket(char c) {
  ++at_;
  switch (c) {
    case '{':
      OpenBrace();
      break;
    case '}':
      if (CloseBlock({kBrace, kListBrace, kTemplate}) == kTemplate) return ScanTemplateText();
      break;
    case '(':
    case '[':
      Open(c);
      break;
    default:  // one that does not match is ignored, as in a pattern of the shell's `case`
      if (!open_.empty() && open_.back() == (c == ')' ? kParen : kSquare)) Pop();
  }
  if (Is(CodeLanguage::kShell)) ScanShellWord();
}

void CodeLineScanner::ScanApostrophe() {
  switch (language_) {
    case CodeLanguage::kPython:
      return ScanTripleQuoted('\'');
    case CodeLanguage::kShell:
      return ScanQuoted('\'', /*escapes=*/at_ > 0 && text_[at_ - 1] == '$', /*many_lines=*/true);
    case CodeLanguage::kSql:
      return ScanQuoted('\'', /*escapes=*/true, /*many_lines=*/true);
    case CodeLanguage::kRust: {
      // 'x' and '\n' are characters, 'static is a lifetime.
      const std::string_view rest = text_.substr(at_ + 1, kLongestCharacterLiteral);
      const bool escape = !rest.empty() && rest[0] == '\\';
      const std::size_t end = rest.find('\'', escape ? 2 : 1);
      const bool character =
          end != std::string_view::npos && (escape || !IsWordByte(rest[0]) || end == 1 || (rest[0] & 0x80) != 0);
      at_ += character && rest.substr(0, end).find('\n') == std::string_view::npos ? end + 2 : 1;
      return;
    }
    case CodeLanguage::kC:
    case CodeLanguage::kCpp:
      if (at_ > 0 && text_[at_ - 1] >= '0' && text_[at_ - 1] <= '9') {  // a digit separator
        ++at_;
        return;
      }
      [[fallthrough]];
    default:
      return ScanQuoted('\'', /*escapes=*/true, /*many_lines=*/false);
  }
}

// A string that ends with its line although it may not have two is closed by the end of the line.
void CodeLineScanner::ScanQuoted(char quote, bool escapes, bool many_lines) {
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == quote) {
      ++at_;
      return;
    }
    if (IsLineBreak(c) && !many_lines) return;
    if (c == '\\' && escapes && at_ + 1 < text_.size()) at_ += Peek(1) == '\r' && Peek(2) == '\n' ? 2 : 1;
  }
}

void CodeLineScanner::ScanTripleQuoted(char quote) {
  if (Peek(1) != quote || Peek(2) != quote) return ScanQuoted(quote, /*escapes=*/true, /*many_lines=*/false);
  for (at_ += 3; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote && Peek(1) == quote && Peek(2) == quote) {
      at_ += 3;
      return;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
  }
}

bool CodeLineScanner::ScanRawString() {
  if (at_ == 0 || text_[at_ - 1] != 'R') return false;
  std::size_t begin = at_;
  while (begin > 0 && at_ - begin < 4 && IsWordByte(text_[begin - 1])) --begin;
  if (!IsOneOf(text_.substr(begin, at_ - begin), {"R", "u8R", "uR", "UR", "LR"})) return false;
  const std::size_t paren = text_.substr(at_ + 1, kLongestRawDelimiter + 1).find('(');
  if (paren == std::string_view::npos) return false;
  const std::string_view delimiter = text_.substr(at_ + 1, paren);
  if (delimiter.find_first_of(" )\\\t\v\f\r\n\"") != std::string_view::npos) return false;
  at_ += paren + 2;
  std::string close = ")";
  close.append(delimiter).push_back('"');
  SkipPast(close);
  return true;
}

bool CodeLineScanner::ScanRustRawString() {
  std::size_t hashes = 0;
  while (hashes < kMostRawHashes && hashes < at_ && text_[at_ - 1 - hashes] == '#') ++hashes;
  if (hashes == at_ || text_[at_ - 1 - hashes] != 'r') return false;
  const std::size_t r = at_ - 1 - hashes;
  const bool begins =
      BeginsWord(r) || (std::string_view("bc").find(text_[r - 1]) != std::string_view::npos && BeginsWord(r - 1));
  if (!begins) return false;
  for (++at_; at_ < text_.size();) {
    at_ = std::min(text_.find('"', at_), text_.size());
    if (at_ == text_.size()) return true;
    ++at_;
    std::size_t found = 0;
    while (found < hashes && Peek(found) == '#') ++found;
    at_ += found;
    if (found == hashes) return true;
  }
  return true;
}

void CodeLineScanner::ScanTemplateText() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '`') {
      ++at_;
      return;
    }
    if (c == '\\' && at_ + 1 < text_.size()) ++at_;
    if (c == '$' && Peek(1) == '{') {
      at_ += 2;
      return Open(kTemplate);
    }
  }
}

void CodeLineScanner::ScanSlash() {
  const bool line_comments = !Is(CodeLanguage::kSql);
  if (Peek(1) == '/' && line_comments) return ScanLineComment();
  if (Peek(1) == '*') return ScanBlockComment();
  if (IsScript() && RegexMayBegin()) return ScanRegex();
  ++at_;
}

// Whether a slash here divides or begins a regular expression, by what stands before it on the line.
bool CodeLineScanner::RegexMayBegin() const {
  std::size_t before = at_;
  while (before > code_from_ && IsBlank(text_[before - 1])) --before;
  if (before == code_from_) return true;
  const char c = text_[before - 1];
  if (!IsWordByte(c)) return c != ')' && c != ']' && c != '}' && c != '"' && c != '\'' && c != '`';
  std::size_t begin = before;
  while (begin > code_from_ && before - begin < 11 && IsWordByte(text_[begin - 1])) --begin;
  return IsOneOf(text_.substr(begin, before - begin), {"return", "typeof", "case", "in", "of", "do", "else", "void", "delete",
                                                       "throw", "new", "instanceof", "yield", "await"});
}

void CodeLineScanner::ScanRegex() {
  bool in_class = false;
  for (++at_; at_ < text_.size() && !IsLineBreak(text_[at_]); ++at_) {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size() && !IsLineBreak(Peek(1))) {
      ++at_;
    } else if (c == '[') {
      in_class = true;
    } else if (c == ']') {
      in_class = false;
    } else if (c == '/' && !in_class) {
      ++at_;
      return;
    }
  }
}

void CodeLineScanner::ScanLineComment() {
  NoteCode(at_);
  at_ = std::min(text_.find_first_of("\n\r", at_), text_.size());
  code_from_ = at_;
}

void CodeLineScanner::ScanBlockComment() {
  NoteCode(at_);
  at_ += 2;
  if (Is(CodeLanguage::kRust)) {  // they nest
    for (std::size_t depth = 1; at_ < text_.size() && depth > 0;) {
      if (text_[at_] == '*' && Peek(1) == '/') {
        --depth;
        at_ += 2;
      } else if (text_[at_] == '/' && Peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else {
        ++at_;
      }
    }
  } else {
    SkipPast("*/");
  }
  code_from_ = at_;
}

void CodeLineScanner::ScanHereDocument() {
  const bool shift = open_.size() >= 2 && open_.back() == kParen && open_[open_.size() - 2] == kParen;  // $((1 << n))
  if (Peek(1) != '<' || shift) {
    ++at_;
    return;
  }
  if (Peek(2) == '<') {  // <<<word
    at_ += 3;
    return;
  }
  HereDocument document;
  document.strips_tabs = Peek(2) == '-';
  at_ += document.strips_tabs ? 3 : 2;
  while (IsBlank(Peek(0))) ++at_;
  const char quote = Peek(0);
  if (quote == '\'' || quote == '"') {
    const std::size_t end = text_.find_first_of(quote == '"' ? "\"\n" : "'\n", at_ + 1);
    if (end == std::string_view::npos || text_[end] == '\n') return;
    document.delimiter = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
  } else {
    if (quote == '\\') ++at_;
    const std::size_t begin = at_;
    while (at_ < text_.size() && (IsWordByte(text_[at_]) || text_[at_] == '-' || text_[at_] == '.')) ++at_;
    document.delimiter = text_.substr(begin, at_ - begin);
  }
  if (!document.delimiter.empty()) here_documents_.push_back(document);
}

void CodeLineScanner::ScanHereDocumentBodies() {
  for (const HereDocument& document : here_documents_) {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      at_ = std::min(end + 1, text_.size());
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (document.strips_tabs) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
      if (line == document.delimiter) break;
    }
  }
  here_documents_.clear();
}

// The reserved words at a place where a command may begin.
void CodeLineScanner::ScanShellWord() {
  for (;;) {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    const std::string_view word = WordAt(at_);
    const char after = Peek(word.size());
    if (!IsBlank(after) && !IsLineBreak(after) && after != ';' && after != ')' && after != '\0') return;
    if (word == "if") {
      Open(kIf);
    } else if (word == "do") {
      Open(kDo);
    } else if (word == "case") {
      Open(kCase);
    } else if (word == "fi") {
      CloseBlock({kIf});
    } else if (word == "done") {
      CloseBlock({kDo});
    } else if (word == "esac") {
      CloseBlock({kCase});
    }
    at_ += word.size();
    if (!IsOneOf(word, {"if", "do", "then", "else", "elif", "while", "until"})) return;
  }
}

// BEGIN and CASE are closed by END; END IF and the like close what opened no bracket here.
void CodeLineScanner::ScanSqlWord() {
  if (!BeginsWord(at_)) {
    ++at_;
    return;
  }
  const std::string_view word = WordAt(at_);
  at_ += word.size();
  const bool begin = EqualsUpper(word, "BEGIN");
  const bool end = EqualsUpper(word, "END");
  if (!begin && !end) {
    if (EqualsUpper(word, "CASE")) Open(kBegin);
    return;
  }
  std::size_t next = at_;
  while (next < text_.size() && IsBlank(text_[next])) ++next;
  const std::string_view follower = WordAt(next);
  auto is = [follower](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [follower](std::string_view upper) { return EqualsUpper(follower, upper); });
  };
  if (begin) {
    const bool transaction = (next < text_.size() && text_[next] == ';') || next == text_.size() ||
                             is({"TRAN", "TRANSACTION", "WORK", "ISOLATION", "READ", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"});
    if (!transaction) Open(kBegin);
  } else if (is({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})) {
    at_ = next + follower.size();
  } else {
    if (is({"CASE"})) at_ = next + follower.size();
    CloseBlock({kBegin});
  }
}

// $tag$ opens a body, and the same again closes it. What is inside is scanned as SQL too.
void CodeLineScanner::ScanDollar() {
  const std::size_t begin = at_++;
  if (!BeginsWord(begin)) return;
  const std::string_view tag = text_.substr(begin, kLongestDollarTag + 2);
  std::size_t end = 1;
  while (end < tag.size() && IsWordByte(tag[end])) ++end;
  if (end == tag.size() || tag[end] != '$' || (tag[1] >= '0' && tag[1] <= '9')) return;
  at_ = begin + end + 1;
  if (!tags_.empty() && tags_.back() == tag.substr(0, end + 1)) {
    CloseBlock({kDollar});
  } else {
    tags_.push_back(tag.substr(0, end + 1));
    Open(kDollar);
  }
}

void CodeLineScanner::SkipPast(std::string_view terminator) {
  const std::size_t found = text_.find(terminator, at_);
  at_ = found == std::string_view::npos ? text_.size() : found + terminator.size();
}

void CodeLineScanner::NoteCode(std::size_t end) {
  std::size_t last = end;
  while (last > code_from_ && (IsBlank(text_[last - 1]) || IsLineBreak(text_[last - 1]))) --last;
  const bool is_comment = last == code_from_ && end < text_.size() && !IsLineBreak(text_[end]);
  if (last > code_from_) {
    line_.last = text_[last - 1];
    if (line_.kind == CodeLine::Kind::kBlank || line_.kind == CodeLine::Kind::kComment) line_.kind = CodeLine::Kind::kCode;
  } else if (is_comment && line_.kind == CodeLine::Kind::kBlank) {
    line_.kind = CodeLine::Kind::kComment;
  }
  code_from_ = end;
}

void CodeLineScanner::Open(char bracket) {
  open_.push_back(bracket);
  ++counts_[static_cast<unsigned char>(bracket)];
}

void CodeLineScanner::OpenBrace() {
  const std::size_t brace = at_ - 1;
  std::size_t before = brace;
  while (before > line_.begin && IsBlank(text_[before - 1])) --before;
  const char c = before > line_.begin ? text_[before - 1] : '\0';
  const bool is_return = before >= line_.begin + 6 && text_.substr(before - 6, 6) == "return";
  const bool is_enum =
      text_.substr(line_.begin, std::min(brace - line_.begin, kEnumReach)).find("enum ") != std::string_view::npos;
  const bool is_list = is_return || is_enum || (c != '\0' && std::string_view("=([,:").find(c) != std::string_view::npos);
  Open(is_list ? kListBrace : kBrace);
}

// Closes the innermost of these brackets, with all that is open inside it, and says which it was. Does nothing, and says '\0',
// when none is open.
char CodeLineScanner::CloseBlock(std::initializer_list<Bracket> brackets) {
  if (std::none_of(brackets.begin(), brackets.end(), [this](Bracket bracket) { return counts_[static_cast<std::size_t>(bracket)] > 0; })) return '\0';
  while (std::find(brackets.begin(), brackets.end(), open_.back()) == brackets.end()) Pop();
  const char closed = open_.back();
  Pop();
  return closed;
}

void CodeLineScanner::Pop() {
  --counts_[static_cast<unsigned char>(open_.back())];
  if (open_.back() == kDollar) tags_.pop_back();
  open_.pop_back();
  floor_ = std::min(floor_, open_.size());
}

}  // namespace ragpipe::text::internal
