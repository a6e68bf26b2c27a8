#include "text/markdown/blocks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "ragpipe/chunk.h"
#include "text/chunking/boundaries.h"
#include "text/markdown/html.h"
#include "text/markdown/links.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxDepth = 32;  // each line is matched against all open containers
constexpr std::size_t kCodeIndent = 4;
constexpr std::size_t kTabStop = 4;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsAllBlank(std::string_view text) { return std::all_of(text.begin(), text.end(), IsBlank); }

std::string_view WithoutLineEnding(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// A line of which container markers have been read. Tabs reach to the next multiple of four columns, and a marker can take a
// part of one.
class Line {
 public:
  // `break_begin` is where the line ending stands that ends at `end`.
  Line(std::string_view text, std::size_t begin, std::size_t break_begin, std::size_t end)
      : text_(text.substr(0, break_begin)), begin_(begin), end_(end), at_(begin) {
    FindContent();
  }

  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }  // of the line ending

  std::size_t indent() const { return indent_; }

  // What follows the indentation, without line ending.
  std::string_view content() const { return text_.substr(content_begin_); }
  std::size_t content_begin() const { return content_begin_; }
  bool blank() const { return content_begin_ == text_.size(); }

  // The first byte of the content; NUL in a blank line.
  char first() const { return blank() ? '\0' : text_[content_begin_]; }

  void SkipColumns(std::size_t count) {
    while (count > 0 && at_ < text_.size() && IsBlank(text_[at_])) {
      const std::size_t width = Width(text_[at_], column_);
      column_ += std::min(width, count);
      if (width > count) break;
      count -= width;
      ++at_;
    }
    FindContent();
  }

  // The indentation and `count` bytes after it.
  void SkipMarker(std::size_t count) {
    column_ += indent_ + count;
    at_ = content_begin_ + count;
    FindContent();
  }

 private:
  static std::size_t Width(char c, std::size_t column) { return c == '\t' ? kTabStop - column % kTabStop : 1; }

  void FindContent() {
    std::size_t column = column_;
    content_begin_ = at_;
    for (; content_begin_ < text_.size() && IsBlank(text_[content_begin_]); ++content_begin_) {
      column += Width(text_[content_begin_], column);
    }
    indent_ = column - column_;
  }

  std::string_view text_;
  std::size_t begin_;
  std::size_t end_;
  std::size_t at_;
  std::size_t column_ = 0;
  std::size_t content_begin_ = 0;
  std::size_t indent_ = 0;
};

// Whether a leaf that is neither paragraph nor indented code can begin with it, or a setext heading end.
bool IsLeafMark(char c) { return c == '#' || c == '`' || c == '~' || c == '<' || c == '=' || c == '-' || c == '*' || c == '_'; }

int HeadingLevel(std::string_view content) {
  const std::size_t marks = std::min(content.find_first_not_of('#'), content.size());
  if (marks == 0 || marks > 6) return 0;
  return marks == content.size() || IsBlank(content[marks]) ? static_cast<int>(marks) : 0;
}

int SetextLevel(std::string_view content) {
  if (content.empty() || (content[0] != '=' && content[0] != '-')) return 0;
  const std::size_t marks = std::min(content.find_first_not_of(content[0]), content.size());
  if (!IsAllBlank(content.substr(marks))) return 0;
  return content[0] == '=' ? 1 : 2;
}

bool IsThematicBreak(std::string_view content) {
  if (content.empty() || (content[0] != '*' && content[0] != '-' && content[0] != '_')) return false;
  std::size_t marks = 0;
  for (const char c : content) {
    if (c == content[0]) {
      ++marks;
    } else if (!IsBlank(c)) {
      return false;
    }
  }
  return marks >= 3;
}

// The length of the fence that `content` begins with, or 0.
std::size_t FenceLength(std::string_view content) {
  if (content.empty() || (content[0] != '`' && content[0] != '~')) return 0;
  const std::size_t marks = std::min(content.find_first_not_of(content[0]), content.size());
  if (marks < 3) return 0;
  return content[0] == '`' && content.find('`', marks) != std::string_view::npos ? 0 : marks;
}

struct ListMarker {
  char type = 0;           // '-', '+', '*', '.' or ')'
  std::size_t length = 0;  // in bytes
  bool interrupts = true;  // whether it may end a paragraph
};

std::optional<ListMarker> ParseListMarker(std::string_view content) {
  ListMarker marker;
  std::size_t digits = 0;
  while (digits < content.size() && content[digits] >= '0' && content[digits] <= '9') ++digits;
  if (digits > 9 || digits >= content.size()) return std::nullopt;
  marker.type = content[digits];
  marker.length = digits + 1;
  const std::string_view types = digits == 0 ? "-+*" : ".)";
  if (types.find(marker.type) == std::string_view::npos) return std::nullopt;
  const std::string_view rest = content.substr(marker.length);
  if (!rest.empty() && !IsBlank(rest[0])) return std::nullopt;
  marker.interrupts = !IsAllBlank(rest) && (digits == 0 || content.substr(0, digits) == "1");
  return marker;
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The cells of a GFM table row; a pipe that is escaped does not divide.
std::size_t CountCells(std::string_view row) {
  row = TrimBlanks(row);
  if (!row.empty() && row.front() == '|') row.remove_prefix(1);
  std::size_t cells = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == '\\') {
      ++i;
    } else if (row[i] == '|' && i + 1 < row.size()) {
      ++cells;
    }
  }
  return cells;
}

// The columns of a delimiter row such as "|:--|--:|", or 0.
std::size_t CountDelimiterCells(std::string_view row) {
  row = TrimBlanks(row);
  if (row.find_first_not_of("|:- \t") != std::string_view::npos) return 0;
  if (!row.empty() && row.front() == '|') row.remove_prefix(1);
  if (!row.empty() && row.back() == '|') row.remove_suffix(1);
  std::size_t cells = 0;
  for (bool more = true; more; ++cells) {
    const std::size_t pipe = row.find('|');
    std::string_view cell = TrimBlanks(row.substr(0, pipe));
    if (!cell.empty() && cell.front() == ':') cell.remove_prefix(1);
    if (!cell.empty() && cell.back() == ':') cell.remove_suffix(1);
    if (cell.empty() || cell.find_first_not_of('-') != std::string_view::npos) return 0;
    more = pipe != std::string_view::npos;
    if (more) row.remove_prefix(pipe + 1);
  }
  return cells;
}

// The algorithm of the CommonMark specification's appendix, "Phase 1: block structure".
class Scanner {
 public:
  Scanner(std::string_view text, std::size_t begin, bool is_last) : text_(text), begin_(begin), is_last_(is_last) {}

  std::vector<Block> Scan() {
    std::size_t begin = begin_ == 0 ? ScanFrontMatter() : begin_;
    while (begin < text_.size()) {
      const std::size_t break_begin = FindLineBreak(text_, begin);
      const std::size_t end = break_begin == text_.size() ? break_begin : NextCodePoint(text_, break_begin);
      ScanLine(Line(text_, begin, break_begin, end));
      begin = end;
    }
    std::size_t blocks_end = text_.size();
    if (is_last_) {
      CloseLeaf();
    } else {
      blocks_end = DropLast();
    }
    SetRanges(blocks_end);
    return std::move(blocks_);
  }

 private:
  struct Container {
    BlockKind kind = BlockKind::kQuote;
    char marker = 0;         // of a list
    std::size_t indent = 0;  // of an item's content
    std::size_t block = 0;
  };
  struct ParagraphLine {
    std::size_t begin = 0;  // of the whole line
    std::string_view content;
  };

  std::size_t ScanFrontMatter();
  void ScanLine(Line line);
  bool Continues(const Container& container, Line& line) const;
  bool ContinueVerbatim(const Line& line);
  bool OpenContainer(Line& line, bool in_paragraph);
  bool OpenLeaf(const Line& line, bool in_paragraph, bool may_be_lazy);
  bool EndParagraphAsHeading(const Line& line);
  bool EndParagraphAsTable(const Line& line);
  void AddParagraphLine(const Line& line);

  // Containers from `matched_` on did not continue on this line; they end as soon as it is known not to be a lazy one.
  void CloseUnmatched();
  void Push(BlockKind kind, std::size_t begin);
  void PushContainer(BlockKind kind, const Line& line, char marker, std::size_t indent);
  void CloseLeaf();
  bool SplitLinkDefinitions();
  std::size_t DropLast();
  void SetRanges(std::size_t end);

  const std::string_view text_;
  const std::size_t begin_;
  const bool is_last_;
  std::vector<Block> blocks_;
  std::vector<Container> open_;
  std::size_t matched_ = 0;

  std::optional<BlockKind> leaf_;  // the open one, the last of blocks_
  char fence_char_ = 0;
  std::size_t fence_length_ = 0;
  int html_kind_ = 0;
  bool keeps_lines_ = false;          // the open paragraph may begin with link definitions
  std::vector<ParagraphLine> lines_;  // all of the open paragraph's if keeps_lines_, else the last
};

std::size_t Scanner::ScanFrontMatter() {
  const std::size_t first = text_.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
  const std::size_t body = LineEnd(text_, first);
  const std::string_view mark = TrimBlanks(WithoutLineEnding(text_.substr(first, body - first)));
  if ((mark != "---" && mark != "+++") || text_.substr(first, 3) != mark || IsBlankLine(text_, body)) return first;
  for (std::size_t begin = body; begin < text_.size();) {
    const std::size_t end = LineEnd(text_, begin);
    const std::string_view line = WithoutLineEnding(text_.substr(begin, end - begin));
    if (line.substr(0, 3) == mark || (mark == "---" && line.substr(0, 3) == "...")) {
      if (IsAllBlank(line.substr(3))) {
        blocks_.push_back({.begin = 0, .kind = BlockKind::kFrontMatter});
        return end;
      }
    }
    begin = end;
  }
  return is_last_ ? first : text_.size();  // its end may follow
}

void Scanner::ScanLine(Line line) {
  matched_ = 0;
  while (matched_ < open_.size() && Continues(open_[matched_], line)) ++matched_;
  const bool all_matched = matched_ == open_.size();
  if (all_matched && ContinueVerbatim(line)) return;

  const bool may_be_lazy = leaf_ == BlockKind::kParagraph;
  if (may_be_lazy && IsLetter(line.first())) return AddParagraphLine(line);  // a letter begins no block
  bool in_paragraph = may_be_lazy && all_matched && !line.blank();
  bool opened = false;
  while (!line.blank()) {
    if (OpenLeaf(line, in_paragraph, may_be_lazy && !opened)) return;
    if (!OpenContainer(line, in_paragraph)) break;
    opened = true;
    in_paragraph = false;
  }

  if (leaf_ == BlockKind::kParagraph && !opened && !line.blank()) {
    if (all_matched && EndParagraphAsTable(line)) return;
    AddParagraphLine(line);
    return;
  }
  const bool table_row = leaf_ == BlockKind::kTable && all_matched && !opened && !line.blank();
  if (table_row) return;
  if (line.blank()) {
    CloseLeaf();
    open_.resize(matched_);
    return;
  }
  CloseUnmatched();
  Push(BlockKind::kParagraph, line.begin());
  blocks_.back().goes_on = in_paragraph;  // behind link definitions
  AddParagraphLine(line);
}

bool Scanner::Continues(const Container& container, Line& line) const {
  switch (container.kind) {
    case BlockKind::kQuote:
      if (line.indent() >= kCodeIndent || line.first() != '>') return false;
      line.SkipMarker(1);
      line.SkipColumns(1);
      return true;
    case BlockKind::kItem:
      if (line.blank()) return container.block + 1 < blocks_.size();  // an item begins with at most one blank line
      if (line.indent() < container.indent) return false;
      line.SkipColumns(container.indent);
      return true;
    default:
      return true;  // a list ends with its last item
  }
}

// The lines of code and HTML. False when the leaf is no such block or has just ended before this line.
bool Scanner::ContinueVerbatim(const Line& line) {
  if (leaf_ == BlockKind::kFence) {
    const std::string_view content = line.content();
    const std::size_t marks = std::min(content.find_first_not_of(fence_char_), content.size());
    if (line.indent() < kCodeIndent && marks >= fence_length_ && IsAllBlank(content.substr(marks))) {
      blocks_.back().tail_begin = line.begin();
      leaf_.reset();
    }
    return true;
  }
  if (leaf_ == BlockKind::kIndentedCode) {
    if (line.blank() || line.indent() >= kCodeIndent) return true;
    leaf_.reset();
  }
  if (leaf_ == BlockKind::kHtml) {
    if (html_kind_ < 6 || !line.blank()) {
      if (EndsHtmlBlock(html_kind_, line.content())) leaf_.reset();
      return true;
    }
    leaf_.reset();
  }
  return false;
}

bool Scanner::OpenLeaf(const Line& line, bool in_paragraph, bool may_be_lazy) {
  if (line.indent() >= kCodeIndent) {
    if (may_be_lazy) return false;
    if (leaf_ == BlockKind::kTable && matched_ == open_.size()) return false;
    CloseUnmatched();
    Push(BlockKind::kIndentedCode, line.begin());
    return true;
  }
  if (!IsLeafMark(line.first())) return false;
  const std::string_view content = line.content();
  if (const int level = HeadingLevel(content); level != 0) {
    CloseUnmatched();
    Push(BlockKind::kHeading, line.begin());
    blocks_.back().level = static_cast<std::uint8_t>(level);
    leaf_.reset();
    return true;
  }
  if (const std::size_t length = FenceLength(content); length != 0) {
    CloseUnmatched();
    Push(BlockKind::kFence, line.begin());
    blocks_.back().head_begin = line.content_begin();
    blocks_.back().head_end = line.end();
    fence_char_ = content[0];
    fence_length_ = length;
    return true;
  }
  if (const int kind = HtmlBlockKind(content); kind != 0 && (kind != 7 || !(in_paragraph || may_be_lazy))) {
    CloseUnmatched();
    Push(BlockKind::kHtml, line.begin());
    html_kind_ = kind;
    if (EndsHtmlBlock(kind, content)) leaf_.reset();
    return true;
  }
  if (in_paragraph && EndParagraphAsHeading(line)) return true;
  if (IsThematicBreak(content)) {
    CloseUnmatched();
    Push(BlockKind::kThematicBreak, line.begin());
    leaf_.reset();
    return true;
  }
  return false;
}

bool Scanner::OpenContainer(Line& line, bool in_paragraph) {
  if (line.indent() >= kCodeIndent || open_.size() + 2 > kMaxDepth) return false;
  if (IsLetter(line.first())) return false;
  const std::string_view content = line.content();
  if (content[0] == '>') {
    CloseUnmatched();
    PushContainer(BlockKind::kQuote, line, 0, 0);
    line.SkipMarker(1);
    line.SkipColumns(1);
    return true;
  }
  const std::optional<ListMarker> marker = ParseListMarker(content);
  if (!marker || (in_paragraph && !marker->interrupts)) return false;

  // The list itself continues on any line; whether this item is one of it, its marker tells.
  const bool same_list =
      matched_ > 0 && open_[matched_ - 1].kind == BlockKind::kList && open_[matched_ - 1].marker == marker->type;
  if (same_list) {
    open_.resize(matched_);
    CloseLeaf();
  } else {
    CloseUnmatched();
    PushContainer(BlockKind::kList, line, marker->type, 0);
  }
  const std::size_t marker_indent = line.indent();
  line.SkipMarker(marker->length);
  const std::size_t gap = line.indent();
  const bool normal_gap = !line.blank() && gap <= kCodeIndent;
  const std::size_t padding = normal_gap ? gap : 1;
  PushContainer(BlockKind::kItem, line, 0, marker_indent + marker->length + padding);
  line.SkipColumns(padding);
  return true;
}

bool Scanner::EndParagraphAsHeading(const Line& line) {
  const int level = SetextLevel(line.content());
  if (level == 0) return false;
  if (!SplitLinkDefinitions()) {  // nothing is left for a heading
    leaf_.reset();
    return false;
  }
  blocks_.back().kind = BlockKind::kHeading;
  blocks_.back().level = static_cast<std::uint8_t>(level);
  leaf_.reset();
  return true;
}

bool Scanner::EndParagraphAsTable(const Line& line) {
  if (line.indent() >= kCodeIndent) return false;
  const std::size_t columns = CountDelimiterCells(line.content());
  if (columns == 0 || CountCells(lines_.back().content) != columns) return false;
  const std::size_t header = lines_.back().begin;
  if (header != blocks_.back().begin) {  // the lines before the header row remain a paragraph
    lines_.pop_back();
    CloseLeaf();
    Push(BlockKind::kTable, header);
    blocks_.back().goes_on = true;
  }
  blocks_.back().kind = BlockKind::kTable;
  blocks_.back().head_begin = header;
  blocks_.back().head_end = line.end();
  leaf_ = BlockKind::kTable;
  return true;
}

void Scanner::AddParagraphLine(const Line& line) {
  const std::string_view content = line.content();
  if (blocks_.back().begin == line.begin()) {
    keeps_lines_ = content.substr(0, 1) == "[";
    lines_.clear();
  }
  if (!keeps_lines_) lines_.clear();
  lines_.push_back({line.begin(), content});
}

void Scanner::CloseUnmatched() {
  if (matched_ > 0 && open_[matched_ - 1].kind == BlockKind::kList) --matched_;  // a list holds nothing but items
  CloseLeaf();
  open_.resize(matched_);
}

void Scanner::Push(BlockKind kind, std::size_t begin) {
  blocks_.push_back({.begin = begin, .kind = kind, .depth = static_cast<std::uint8_t>(open_.size())});
  leaf_ = kind;
}

void Scanner::PushContainer(BlockKind kind, const Line& line, char marker, std::size_t indent) {
  Push(kind, line.begin());
  leaf_.reset();
  open_.push_back({kind, marker, indent, blocks_.size() - 1});
  matched_ = open_.size();
}

void Scanner::CloseLeaf() {
  if (leaf_ == BlockKind::kParagraph) SplitLinkDefinitions();
  leaf_.reset();
}

// Gives the definitions at the front of the open paragraph a block of their own. False when nothing else is left of it.
bool Scanner::SplitLinkDefinitions() {
  if (!keeps_lines_) return true;
  keeps_lines_ = false;
  auto ends_label = [](const ParagraphLine& line) { return line.content.find("]:") != std::string_view::npos; };
  if (std::none_of(lines_.begin(), lines_.end(), ends_label)) return true;
  std::string paragraph;
  for (const ParagraphLine& line : lines_) {
    paragraph += line.content;
    paragraph += '\n';
  }
  const std::size_t count = CountLinkDefinitionLines(paragraph);
  if (count == 0) return true;
  blocks_.back().kind = BlockKind::kLinkDefinitions;
  if (count >= lines_.size()) return false;
  Block rest = blocks_.back();
  rest.kind = BlockKind::kParagraph;
  rest.begin = lines_[count].begin;
  rest.goes_on = true;
  blocks_.push_back(rest);
  return true;
}

// The last block outside all containers is open; those before it are closed. The result is where it begins.
std::size_t Scanner::DropLast() {
  while (!blocks_.empty()) {
    const Block last = blocks_.back();
    blocks_.pop_back();
    if (last.depth == 0) return last.begin;
  }
  return begin_;
}

void Scanner::SetRanges(std::size_t end) {
  if (blocks_.empty() && is_last_ && end > begin_) blocks_.push_back({});
  if (blocks_.empty()) return;
  blocks_.front().begin = begin_;
  std::ptrdiff_t max_depth = 0;
  for (std::size_t i = 1; i < blocks_.size(); ++i) {  // a first child begins where its parent does
    if (blocks_[i].depth > blocks_[i - 1].depth) blocks_[i].begin = blocks_[i - 1].begin;
    max_depth = std::max<std::ptrdiff_t>(max_depth, blocks_[i].depth);
  }
  std::array<std::size_t, kMaxDepth + 1> next;  // where the next block begins that is at most so deep
  next.fill(end);
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    blocks_[i].end = next[blocks_[i].depth];
    if (blocks_[i].tail_begin == 0) blocks_[i].tail_begin = blocks_[i].end;
    std::fill(next.begin() + blocks_[i].depth, next.begin() + max_depth + 1, blocks_[i].begin);
  }
}

}  // namespace

std::vector<Block> ScanMarkdownBlocks(std::string_view text, std::size_t begin, bool is_last) {
  return Scanner(text, begin, is_last).Scan();
}

}  // namespace ragpipe::text::internal
