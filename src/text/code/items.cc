#include "text/code/items.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

#include "text/code/lines.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kClassifiedBytes = 512;  // of an item's head

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view FirstWord(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && IsWordByte(text[end])) ++end;
  return text.substr(0, end);
}

template <class Predicate>
bool AnyWord(std::string_view text, Predicate is) {
  while (!text.empty()) {
    const std::string_view word = FirstWord(text);
    if (!word.empty() && is(word)) return true;
    text.remove_prefix(word.empty() ? 1 : word.size());
  }
  return false;
}

bool IsControl(std::string_view word) {
  return IsOneOf(word,
                 {"if",    "else",    "elif",   "for",          "foreach", "while", "until",  "do",      "switch", "match",
                  "case",  "default", "select", "loop",         "try",     "catch", "except", "finally", "with",   "return",
                  "throw", "yield",   "await",  "synchronized", "unsafe",  "defer", "new",    "delete",  "raise",  "go"});
}

bool IsDefiningWord(std::string_view word) {
  return IsOneOf(word, {"class", "struct", "union", "enum", "interface", "trait", "impl", "namespace", "module", "mod",
                        "record", "fn", "func", "function", "def"});
}

bool IsTypeWord(std::string_view word) {
  return IsOneOf(word, {"class", "struct", "union", "enum", "interface", "trait", "impl", "namespace", "module", "mod",
                        "record", "extern"});
}

// Groups the lines of a text. Every line has a key, larger the deeper it is nested; a line of the same key as an open item goes
// on with it or begins its next sibling.
class Grouper {
 public:
  Grouper(std::string_view text, CodeLanguage language) : text_(text), language_(language) {}

  std::vector<CodeItem> Group() {
    CodeLineScanner lines(text_, language_);
    for (CodeLine line; lines.Next(line);) Add(line);
    EndComments(0);
    if (items_.empty() && !text_.empty()) items_.emplace_back();
    SetRanges();
    Classify();
    return std::move(items_);
  }

 private:
  // How keys are made of columns or brackets: room between two of them for what is only half nested.
  static constexpr std::size_t kStep = 64;

  struct Open {
    std::size_t item = 0;
    std::size_t key = 0;
    enum class State : std::uint8_t { kComment, kAttribute, kUnfinished, kFinished } state = State::kUnfinished;
  };

  bool Is(CodeLanguage language) const { return language_ == language; }
  bool IsScript() const { return Is(CodeLanguage::kJavaScript) || Is(CodeLanguage::kTypeScript); }
  bool EndsWithLine() const {
    return IsScript() || Is(CodeLanguage::kGo) || Is(CodeLanguage::kShell) || Is(CodeLanguage::kPython);
  }

  void Add(const CodeLine& line);
  void AddBlank();
  void AddCode(const CodeLine& line, std::size_t key);
  void AddComment(const CodeLine& line, std::size_t key);
  void EndComments(std::size_t key);
  void Continue(const CodeLine& line, std::size_t key);
  void Begin(std::size_t begin, std::size_t code, std::size_t key, Open::State state);
  bool EndsHead(const CodeLine& line) const;
  std::size_t KeyOf(const CodeLine& line) const;
  bool Continues(const CodeLine& line) const;
  Open::State StateAfter(const CodeLine& line, std::size_t key) const;
  bool OpensBlock(const CodeLine& line) const;
  void SetRanges();
  void Classify();
  bool IsDefinition(const CodeItem& item, std::string_view head) const;

  const std::string_view text_;
  const CodeLanguage language_;
  std::vector<CodeItem> items_;
  std::vector<Open> open_;
  bool after_blank_ = false;

  // Python: comments whose place is not known before the next line of code, as their indentation means nothing.
  struct Comments {
    std::size_t begin = 0;
    std::size_t indent = 0;
    bool after_blank = false;
    bool ended = false;  // by a blank line
  };
  std::vector<Comments> comments_;
  std::size_t statement_ = 0;  // Python: the key of the last line outside of all brackets
};

// Whether the line ends brackets that it does not begin by closing, and then opens a block: "int b) {".
bool Grouper::EndsHead(const CodeLine& line) const {
  if (Is(CodeLanguage::kPython)) return line.depth > 0 && line.depth_after == 0 && line.last == ':';
  return line.brace < line.depth;
}

std::size_t Grouper::KeyOf(const CodeLine& line) const {
  if (!Is(CodeLanguage::kPython)) return std::min(line.depth, line.brace) * kStep;
  if (line.depth == 0 && !line.closes) return line.indent * kStep;
  return EndsHead(line) ? statement_ : statement_ + std::min(2 * line.depth, kStep - 2);
}

void Grouper::Add(const CodeLine& line) {
  using Kind = CodeLine::Kind;
  if (line.kind == Kind::kBlank) return AddBlank();
  const std::size_t key = KeyOf(line);
  if (Is(CodeLanguage::kPython) && line.depth == 0 && !line.closes) {
    if (line.kind == Kind::kComment) {
      if (comments_.empty() || comments_.back().ended) comments_.push_back({line.begin, line.indent, after_blank_, false});
      after_blank_ = false;
      return;
    }
    statement_ = key;
    EndComments(key);
  }
  while (!open_.empty() && open_.back().key > key) open_.pop_back();
  if (line.kind == Kind::kComment) {
    AddComment(line, key);
  } else {
    AddCode(line, key);
  }
  after_blank_ = false;
  if (line.depth_after < line.depth && !EndsHead(line) && !Is(CodeLanguage::kPython)) {  // "b);" ends what it is an argument of
    const std::size_t outer = line.depth_after * kStep;
    while (!open_.empty() && open_.back().key > outer) open_.pop_back();
    if (!open_.empty() && open_.back().key == outer) open_.back().state = StateAfter(line, outer);
  }
}

void Grouper::AddBlank() {
  after_blank_ = true;
  if (!comments_.empty()) comments_.back().ended = true;
  if (!open_.empty() && open_.back().state != Open::State::kAttribute) open_.back().state = Open::State::kFinished;
}

void Grouper::AddComment(const CodeLine& line, std::size_t key) {
  const bool goes_on = !open_.empty() && open_.back().key == key && open_.back().state != Open::State::kFinished;
  if (!goes_on) Begin(line.begin, line.begin, key, Open::State::kComment);
}

// Comments stand beside the line of code after them, or end the block before it when they are indented deeper.
void Grouper::EndComments(std::size_t key) {
  for (const Comments& comments : comments_) {
    if (comments.indent * kStep > key) continue;
    while (!open_.empty() && open_.back().key > key) open_.pop_back();
    after_blank_ = comments.after_blank;
    Begin(comments.begin, comments.begin, key, comments.ended ? Open::State::kFinished : Open::State::kComment);
    after_blank_ = comments.ended;
  }
  comments_.clear();
}

void Grouper::AddCode(const CodeLine& line, std::size_t key) {
  if (!open_.empty() && open_.back().key == key && Continues(line)) return Continue(line, key);
  Begin(line.begin, line.begin, key, StateAfter(line, key));
  items_.back().has_block = OpensBlock(line);
}

bool Grouper::Continues(const CodeLine& line) const {
  if (line.closes || EndsHead(line) || open_.back().state == Open::State::kComment ||
      open_.back().state == Open::State::kAttribute)
    return true;
  if (line.kind == CodeLine::Kind::kDirective) return false;
  if (open_.back().state == Open::State::kUnfinished) return true;
  if (Is(CodeLanguage::kPython)) return line.depth == 0 && IsOneOf(line.first_word, {"else", "elif", "except", "finally"});
  if (line.first == '{' && !Is(CodeLanguage::kGo)) return !after_blank_;
  if (Is(CodeLanguage::kShell)) return IsOneOf(line.first_word, {"then", "do"});
  if (IsScript() && std::string_view(".?:&|*=,<>%^").find(line.first) != std::string_view::npos) return true;
  return IsOneOf(line.first_word, {"else", "catch", "finally"});
}

void Grouper::Continue(const CodeLine& line, std::size_t key) {
  Open& open = open_.back();
  CodeItem& item = items_[open.item];
  if (open.state == Open::State::kComment || open.state == Open::State::kAttribute) item.code = line.begin;
  const Open::State state = StateAfter(line, key);
  const bool has_children = items_.size() > open.item + 1;
  if (!item.has_block && OpensBlock(line)) {
    item.has_block = true;
    items_.resize(open.item + 1);  // arguments and the like belong to the head
    open.state = state;
    return;
  }
  open.state = state;
  // Another block of the same statement, or in SQL the next clause.
  const bool next_block = has_children && (OpensBlock(line) || (Is(CodeLanguage::kShell) && line.depth_after > line.depth));
  if ((next_block || (Is(CodeLanguage::kSql) && !line.closes && item.code != line.begin)) && open_.size() < kMaxDepth) {
    Begin(line.begin, line.begin, key + 1, Open::State::kFinished);
  }
}

void Grouper::Begin(std::size_t begin, std::size_t code, std::size_t key, Open::State state) {
  if (!open_.empty() && open_.back().key == key) open_.pop_back();
  if (open_.size() >= kMaxDepth) return;  // text of the item around it
  CodeItem item;
  item.begin = begin;
  item.code = code;
  item.depth = static_cast<std::uint8_t>(open_.size());
  item.after_blank = after_blank_;
  if (!open_.empty()) item.parent = static_cast<std::uint32_t>(open_.back().item);
  open_.push_back({items_.size(), key, state});
  items_.push_back(item);
}

// Whether a block of statements begins with this line: not one inside of an argument.
bool Grouper::OpensBlock(const CodeLine& line) const {
  if (Is(CodeLanguage::kPython)) return line.depth_after == 0 && line.last == ':';
  return line.brace <= line.depth;
}

Grouper::Open::State Grouper::StateAfter(const CodeLine& line, std::size_t key) const {
  using State = Open::State;
  const char last = line.last;
  if (line.kind == CodeLine::Kind::kDirective) return State::kFinished;
  const bool opens = OpensBlock(line);
  const bool was_attribute = !open_.empty() && open_.back().key == key && open_.back().state == State::kAttribute;
  if (!opens && last != ';' && (line.kind == CodeLine::Kind::kAttribute || (was_attribute && line.closes))) {
    return State::kAttribute;
  }
  if (Is(CodeLanguage::kPython)) return State::kFinished;
  if (last == ';' || last == '}' || last == '{') return State::kFinished;
  if (last == ',' && line.in_list) return State::kFinished;
  const bool label = last == ':' && IsOneOf(line.first_word, {"public", "protected", "private", "signals", "case", "default"});
  if (label) return State::kComment;  // it stays with what follows, and is not a part of it
  if (!EndsWithLine()) return State::kUnfinished;
  if (Is(CodeLanguage::kShell)) return last == '|' || last == '&' ? State::kUnfinished : State::kFinished;
  return std::string_view("=+-*/%&|^<>?:.(,").find(last) == std::string_view::npos ? State::kFinished : State::kUnfinished;
}

void Grouper::SetRanges() {
  if (items_.empty()) return;
  items_.front().begin = 0;
  std::array<std::size_t, kMaxDepth + 1> next;  // where the next item begins that is at most so deep
  next.fill(text_.size());
  for (std::size_t i = items_.size(); i-- > 0;) {
    CodeItem& item = items_[i];
    item.end = next[item.depth];
    const bool has_children = i + 1 < items_.size() && items_[i + 1].depth > item.depth;
    item.body = has_children ? items_[i + 1].begin : item.end;
    std::fill(next.begin() + item.depth, next.end(), item.begin);
  }
}

void Grouper::Classify() {
  for (CodeItem& item : items_) {
    const bool in_function = item.parent != CodeItem::kNoParent && items_[item.parent].holds_statements;
    item.holds_statements = in_function;
    if (item.body == item.end) continue;
    const std::string_view head = text_.substr(item.code, std::min(item.body - item.code, kClassifiedBytes));
    item.is_definition = IsDefinition(item, head);
    const bool type = AnyWord(head.substr(0, head.find_first_of("({")), IsTypeWord);
    const bool list = head.find('(') == std::string_view::npos && !Is(CodeLanguage::kShell);
    item.holds_statements = in_function || !item.is_definition || !(type || list);
  }
}

bool Grouper::IsDefinition(const CodeItem& item, std::string_view head) const {
  const bool in_function = item.holds_statements;
  std::string_view first = head;
  while (!first.empty() && !IsWordByte(first.front()) && first.front() != '{') first.remove_prefix(1);
  const std::string_view word = FirstWord(first);
  switch (language_) {
    case CodeLanguage::kPython:
      return IsOneOf(word, {"class", "def"}) || (word == "async" && head.find("def ") != std::string_view::npos);
    case CodeLanguage::kSql:
      return item.depth == 0 && !word.empty();
    case CodeLanguage::kShell:
      return item.has_block && !word.empty() && (word == "function" || head.find("()") != std::string_view::npos);
    case CodeLanguage::kJavaScript:
    case CodeLanguage::kTypeScript:
      if (word.empty() || IsControl(word)) return false;
      if (AnyWord(head, IsDefiningWord) || head.find("=>") != std::string_view::npos) return true;
      return item.has_block && !in_function;
    default:
      if (!item.has_block || word.empty() || IsControl(word)) return false;
      return !in_function || AnyWord(head.substr(0, head.find('(')), IsDefiningWord);
  }
}

}  // namespace

std::vector<CodeItem> ScanCodeItems(std::string_view text, CodeLanguage language) { return Grouper(text, language).Group(); }

}  // namespace ragpipe::text::internal
