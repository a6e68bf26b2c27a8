#include "text/html/reader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "text/html/entities.h"
#include "text/html/tags.h"
#include "text/html/tokens.h"
#include "text/normalize/edited_text.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxDepth = 512;      // of elements, as in Blink
constexpr std::size_t kMaxContainers = 32;  // of lists, items and quotes, as in Markdown

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

// Reads the tokens from the front, keeps the open elements, and writes down what is seen.
class Reader {
 public:
  Reader(std::string_view html, bool drop_boilerplate) : html_(html), drop_boilerplate_(drop_boilerplate), out_(html) {}

  HtmlDocument Read() {
    HtmlTokenizer tokens(html_);
    for (HtmlToken token; tokens.Next(token);) {
      switch (token.kind) {
        case HtmlToken::Kind::kText:
          ReadText(token);
          break;
        case HtmlToken::Kind::kStartTag:
          Open(token);
          break;
        case HtmlToken::Kind::kEndTag:
          Close(token);
          break;
        case HtmlToken::Kind::kOther:
          break;
      }
    }
    CloseTo(0, html_.size());
    HtmlDocument document;
    if (html_.empty() || out_.text().empty()) {
      blocks_.clear();
    } else {
      SetRanges();
    }
    NormalizedText text = out_.Take();
    document.text = {std::move(text.text), std::move(text.map), std::move(dropped_)};
    document.blocks = std::move(blocks_);
    return document;
  }

 private:
  struct Element {
    std::size_t tag = 0;
    std::size_t begin = 0;  // of its start tag
    bool drops = false;     // it, and not one around it, hides what is in it
    bool counts_container = false;
  };
  struct Container {
    BlockKind kind = BlockKind::kList;
    bool written = false;  // has a block
  };
  // The outermost table that is open.
  struct Table {
    std::size_t element = 0;
    std::size_t first_block = 0;
    std::size_t text_begin = 0;
    std::size_t header_end = 0;  // after its header rows
    bool simple = true;          // one line for each row, and nothing in it but text
    bool in_header = true;       // all rows so far are header rows
    bool row_is_header = true;
    bool row_has_cells = false;
    bool begun = false;  // has text
  };

  bool IsInnerList(const HtmlTag& tag) const { return tag.Is(HtmlTag::kList) && !containers_.empty(); }
  const HtmlTag& TagOf(const Element& element) const { return HtmlTagAt(element.tag); }

  void Open(const HtmlToken& token);
  void Close(const HtmlToken& token);
  void CloseImplied(const HtmlToken& token);
  void CloseTo(std::size_t depth, std::size_t at);
  void CloseLast(std::size_t at);
  bool CloseOpen(std::uint32_t traits, std::uint32_t boundary, std::size_t at);
  void StartBlock(const HtmlTag& tag, std::size_t at);
  void EndBlock(const HtmlTag& tag, std::size_t at);
  void BreakLines(int lines, std::size_t at, bool at_start);
  void OpenTable();
  void CloseTable();

  void ReadText(const HtmlToken& token);
  void Emit(ByteRange source, std::optional<std::string_view> instead);
  void EmitSpace(ByteRange source);
  void BeginText(std::size_t at);
  void BeginBlock();
  void SetRanges();

  const std::string_view html_;
  const bool drop_boilerplate_;
  EditedText out_;
  std::vector<ByteRange> dropped_;
  std::vector<Block> blocks_;

  std::vector<Element> open_;
  std::array<std::size_t, kHtmlTags> counts_{};  // of each tag in open_
  std::size_t overflow_ = 0;                     // elements too deep for open_
  std::size_t hidden_ = 0;
  std::size_t preformatted_ = 0;
  std::vector<Container> containers_;
  std::size_t container_overflow_ = 0;
  int heading_ = 0;  // level of the heading that is open
  std::optional<Table> table_;

  int wanted_lines_ = 0;            // line ends before the next text
  std::size_t cut_ = 0;             // the place in the source where they stand
  bool cut_at_start_ = false;       // ... which is a start tag
  std::optional<ByteRange> space_;  // collapsed, and not known to be seen
  bool wants_tab_ = false;          // before the text of the next cell
  bool line_is_empty_ = true;
  bool new_block_ = true;
  bool after_pre_tag_ = false;  // a line end here is not seen
};

void Reader::Open(const HtmlToken& token) {
  const HtmlTag& tag = HtmlTagAt(token.tag);
  CloseImplied(token);
  after_pre_tag_ = false;
  if (tag.name == "br") {
    if (hidden_ == 0) {
      space_.reset();
      BeginText(token.range.begin);
      Emit(token.range, "\n");
      line_is_empty_ = true;
    }
    return;
  }
  if (tag.Is(HtmlTag::kVoid)) {
    if (tag.Is(HtmlTag::kBlock)) StartBlock(tag, token.range.begin);
    if (tag.Is(HtmlTag::kBlock)) EndBlock(tag, token.range.end);
    return;
  }
  if (open_.size() >= kMaxDepth) {
    ++overflow_;
    return;
  }
  Element element{token.tag, token.range.begin, false, false};
  element.drops =
      hidden_ == 0 && (token.hidden || tag.Is(HtmlTag::kUnseen) || (drop_boilerplate_ && tag.Is(HtmlTag::kBoilerplate)));
  if (hidden_ == 0 && !element.drops) StartBlock(tag, token.range.begin);
  if (hidden_ > 0 || element.drops) ++hidden_;
  if (tag.Is(HtmlTag::kPreformatted)) ++preformatted_;
  if (tag.Is(HtmlTag::kHeading) && hidden_ == 0) heading_ = tag.name[1] - '0';
  if (tag.Is(HtmlTag::kList | HtmlTag::kItem | HtmlTag::kQuote) && hidden_ == 0) {
    if (containers_.size() < kMaxContainers) {
      const BlockKind kind = tag.Is(HtmlTag::kList)   ? BlockKind::kList
                             : tag.Is(HtmlTag::kItem) ? BlockKind::kItem
                                                      : BlockKind::kQuote;
      containers_.push_back({kind, false});
      element.counts_container = true;
      new_block_ = true;
    } else {
      ++container_overflow_;
    }
  }
  ++counts_[element.tag];
  open_.push_back(element);
  if (tag.Is(HtmlTag::kTable) && hidden_ == 0) OpenTable();
  if (table_ && hidden_ == 0) {
    if (tag.Is(HtmlTag::kRow)) table_->row_is_header = true;
    if (tag.Is(HtmlTag::kRow)) table_->row_has_cells = false;
    if (tag.name == "td") table_->row_is_header = false;
    if (tag.Is(HtmlTag::kHeading | HtmlTag::kList | HtmlTag::kQuote | HtmlTag::kPreformatted)) table_->simple = false;
  }
  after_pre_tag_ = tag.name == "pre" || tag.name == "listing" || tag.name == "textarea";
}

// What a start tag ends without an end tag (HTML Living Standard, section 13.2.6.4.7, "in body", and those of tables).
void Reader::CloseImplied(const HtmlToken& token) {
  const HtmlTag& tag = HtmlTagAt(token.tag);
  const std::size_t at = token.range.begin;
  const std::size_t head = HtmlTagIndex("head");
  if (counts_[head] > 0 && (tag.Is(HtmlTag::kBlock) && tag.name != "html")) {
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].tag == head) {
        CloseTo(i, at);
        break;
      }
    }
  }
  if (tag.Is(HtmlTag::kClosesParagraph) && counts_[HtmlTagIndex("p")] > 0) {
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (TagOf(open_[i]).name == "p") {
        CloseTo(i, at);
        break;
      }
      if (TagOf(open_[i]).Is(HtmlTag::kBlock | HtmlTag::kCell)) break;
    }
  }
  if (tag.Is(HtmlTag::kHeading) && !open_.empty() && TagOf(open_.back()).Is(HtmlTag::kHeading)) CloseLast(at);
  if (tag.Is(HtmlTag::kItem))
    CloseOpen(HtmlTag::kItem, HtmlTag::kList | HtmlTag::kTable | HtmlTag::kCell | HtmlTag::kQuote, at);
  if (tag.Is(HtmlTag::kCell)) CloseOpen(HtmlTag::kCell, HtmlTag::kTable, at);
  if (tag.Is(HtmlTag::kRow)) CloseOpen(HtmlTag::kRow, HtmlTag::kTable, at);
  if (tag.Is(HtmlTag::kRowGroup)) CloseOpen(HtmlTag::kRowGroup, HtmlTag::kTable, at);
}

// Closes the innermost element of these traits, if none of the boundary is inside of it.
bool Reader::CloseOpen(std::uint32_t traits, std::uint32_t boundary, std::size_t at) {
  for (std::size_t i = open_.size(); i-- > 0;) {
    const HtmlTag& tag = TagOf(open_[i]);
    if (tag.Is(traits)) {
      CloseTo(i, at);
      return true;
    }
    if (tag.Is(boundary)) return false;
  }
  return false;
}

void Reader::Close(const HtmlToken& token) {
  const HtmlTag& tag = HtmlTagAt(token.tag);
  after_pre_tag_ = false;
  if (overflow_ > 0 && !tag.Is(HtmlTag::kVoid)) {
    --overflow_;
    return;
  }
  if (counts_[token.tag] == 0) return;
  const bool is_inline =
      !tag.Is(HtmlTag::kBlock | HtmlTag::kTable | HtmlTag::kRow | HtmlTag::kCell | HtmlTag::kRowGroup | HtmlTag::kUnseen);
  const std::uint32_t of_table = HtmlTag::kTable | HtmlTag::kRow | HtmlTag::kCell | HtmlTag::kRowGroup;
  for (std::size_t i = open_.size(); i-- > 0;) {
    const HtmlTag& open = TagOf(open_[i]);
    if (open_[i].tag == token.tag) return CloseTo(i, token.range.end);
    if (is_inline && open.Is(HtmlTag::kBlock | of_table)) return;
    if (!tag.Is(of_table) && open.Is(HtmlTag::kCell | HtmlTag::kTable) && tag.name != "body" && tag.name != "html") return;
  }
}

void Reader::CloseTo(std::size_t depth, std::size_t at) {
  while (open_.size() > depth) CloseLast(at);
}

void Reader::CloseLast(std::size_t at) {
  const Element element = open_.back();
  const HtmlTag& tag = TagOf(element);
  if (table_ && hidden_ == 0 && tag.Is(HtmlTag::kRow | HtmlTag::kRowGroup) && table_->begun) {
    const bool header = tag.name == "thead" || (tag.Is(HtmlTag::kRow) && table_->row_is_header);
    if (header && table_->in_header) table_->header_end = out_.text().size();
    if (!header) table_->in_header = false;
  }
  if (table_ && table_->element + 1 == open_.size()) CloseTable();
  --counts_[element.tag];
  open_.pop_back();
  if (tag.Is(HtmlTag::kPreformatted)) --preformatted_;
  if (hidden_ > 0) {
    --hidden_;
    if (element.drops) dropped_.push_back({element.begin, at});
    return;
  }
  if (tag.Is(HtmlTag::kHeading)) heading_ = 0;
  if (element.counts_container) {
    containers_.pop_back();
    new_block_ = true;
  } else if (tag.Is(HtmlTag::kList | HtmlTag::kItem | HtmlTag::kQuote)) {
    --container_overflow_;
  }
  EndBlock(tag, at);
}

void Reader::StartBlock(const HtmlTag& tag, std::size_t at) {
  if (tag.Is(HtmlTag::kCell)) {
    if (table_ && table_->row_has_cells) wants_tab_ = true;
    if (table_) table_->row_has_cells = true;
    space_.reset();
    return;
  }
  if (tag.Is(HtmlTag::kParagraph) && !IsInnerList(tag)) {
    BreakLines(2, at, true);
  } else if (tag.Is(HtmlTag::kBlock | HtmlTag::kRow)) {
    BreakLines(1, at, true);
  }
}

void Reader::EndBlock(const HtmlTag& tag, std::size_t at) {
  if (tag.Is(HtmlTag::kCell)) {
    space_.reset();
  } else if (tag.Is(HtmlTag::kParagraph) && !IsInnerList(tag)) {
    BreakLines(2, at, false);
  } else if (tag.Is(HtmlTag::kBlock | HtmlTag::kRow)) {
    BreakLines(1, at, false);
  }
}

void Reader::BreakLines(int lines, std::size_t at, bool at_start) {
  space_.reset();
  wanted_lines_ = std::max(wanted_lines_, lines);
  new_block_ = true;
  wants_tab_ = false;
  if (at_start && cut_at_start_ && cut_ >= out_.source_end()) return;
  cut_ = at;
  cut_at_start_ = at_start;
}

void Reader::OpenTable() {
  if (table_) {
    table_->simple = false;
    return;
  }
  Table table;
  table.element = open_.size() - 1;
  table_ = table;
}

// A table of rows becomes one block; of one that only arranges things the blocks stay.
void Reader::CloseTable() {
  const Table table = *table_;
  table_.reset();
  new_block_ = true;
  if (!table.begun || !table.simple) return;
  const std::size_t end = out_.text().size();
  const bool has_header = table.header_end > table.text_begin && table.header_end < end;
  const std::size_t first = table.first_block;
  blocks_.resize(first + 1);
  Block& block = blocks_[first];
  block.kind = BlockKind::kParagraph;
  if (!has_header) return;
  block.kind = BlockKind::kTable;
  block.head_begin = table.text_begin;
  block.head_end = table.header_end + 1;  // with its line end
}

void Reader::ReadText(const HtmlToken& token) {
  if (hidden_ > 0) return;
  const std::string_view text = html_;
  for (std::size_t i = token.range.begin; i < token.range.end;) {
    const char c = text[i];
    if (IsSpace(c)) {
      const std::size_t begin = i;
      if (preformatted_ > 0) {
        i += text.substr(i, 2) == "\r\n" ? 2 : 1;
        const bool line = c == '\n' || c == '\r';
        if (!(line && after_pre_tag_)) {
          if (c == '\r') {
            BeginText(begin);
            Emit({begin, i}, "\n");
          } else {
            BeginText(begin);
            Emit({begin, i}, std::nullopt);
          }
          line_is_empty_ = line;
        }
        after_pre_tag_ = false;
        continue;
      }
      while (i < token.range.end && IsSpace(text[i])) ++i;
      if (!space_) space_ = ByteRange{begin, i};
      continue;
    }
    after_pre_tag_ = false;
    if (c == '&' && token.references) {
      const CharacterReference reference =
          ReadCharacterReference(text.substr(i, std::min<std::size_t>(token.range.end - i, 64)));
      if (reference.length > 0) {
        BeginText(i);
        Emit({i, i + reference.length}, reference.text);
        line_is_empty_ = false;
        i += reference.length;
        continue;
      }
    }
    std::size_t end = i + 1;
    while (end < token.range.end && !IsSpace(text[end]) && text[end] != '&' && text[end] != '\0') ++end;
    BeginText(i);
    if (c == '\0') {
      Emit({i, i + 1}, "\xEF\xBF\xBD");
      end = i + 1;
    } else {
      Emit({i, end}, std::nullopt);
    }
    line_is_empty_ = false;
    i = end;
  }
}

// What is due before text that begins at `at`: line ends, a tab or a space.
void Reader::BeginText(std::size_t at) {
  const bool first = out_.text().empty();
  if (wanted_lines_ > 0) {
    const std::size_t cut = std::clamp(cut_, out_.source_end(), at);
    if (!first) {
      // A line end that is there already (of a br, or at the end of a pre) is one of those wanted.
      out_.Replace({cut, cut}, wanted_lines_ == 1 ? "\n" : "\n\n");
    }
    line_is_empty_ = true;
    wanted_lines_ = 0;
    space_.reset();
  }
  cut_at_start_ = false;
  if (wants_tab_) {
    out_.Replace({at, at}, "\t");
    wants_tab_ = false;
    space_.reset();
    line_is_empty_ = true;
  }
  if (new_block_) BeginBlock();
  if (space_ && !line_is_empty_) EmitSpace({std::max(space_->begin, out_.source_end()), space_->end});
  space_.reset();
}

void Reader::EmitSpace(ByteRange source) {
  if (source.size() == 1 && html_[source.begin] == ' ') {
    out_.Copy(source);
  } else {
    out_.Replace(source, " ");
  }
}

void Reader::Emit(ByteRange source, std::optional<std::string_view> instead) {
  if (instead) {
    out_.Replace(source, *instead);
  } else {
    out_.Copy(source);
  }
}

void Reader::BeginBlock() {
  new_block_ = false;
  const std::size_t begin = out_.text().size();
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    if (containers_[i].written) continue;
    containers_[i].written = true;
    blocks_.push_back({.begin = begin, .kind = containers_[i].kind, .depth = static_cast<std::uint8_t>(i)});
  }
  Block block{.begin = begin, .depth = static_cast<std::uint8_t>(containers_.size())};
  if (heading_ > 0) {
    block.kind = BlockKind::kHeading;
    block.level = static_cast<std::uint8_t>(heading_);
  } else if (preformatted_ > 0) {
    block.kind = BlockKind::kIndentedCode;
  }
  if (table_ && !table_->begun) {
    table_->begun = true;
    table_->text_begin = begin;
    table_->first_block = blocks_.size();
  }
  blocks_.push_back(block);
}

void Reader::SetRanges() {
  blocks_.front().begin = 0;
  for (std::size_t i = 1; i < blocks_.size(); ++i) {  // a first child begins where its parent does
    if (blocks_[i].depth > blocks_[i - 1].depth) blocks_[i].begin = blocks_[i - 1].begin;
  }
  std::array<std::size_t, kMaxContainers + 2> next;  // where the next block begins that is at most so deep
  next.fill(out_.text().size());
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    blocks_[i].end = next[blocks_[i].depth];
    if (blocks_[i].tail_begin == 0) blocks_[i].tail_begin = blocks_[i].end;
    std::fill(next.begin() + blocks_[i].depth, next.end(), blocks_[i].begin);
  }
}

}  // namespace

HtmlDocument ReadHtmlBlocks(std::string_view html, bool drop_boilerplate) { return Reader(html, drop_boilerplate).Read(); }

}  // namespace ragpipe::text::internal

namespace ragpipe::text {

HtmlText ReadHtml(std::string_view html, bool drop_boilerplate) {
  return std::move(internal::ReadHtmlBlocks(html, drop_boilerplate).text);
}

}  // namespace ragpipe::text
