#include "random_text.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace {

class MarkdownWriter {
 public:
  MarkdownWriter(std::mt19937_64& random, std::size_t bytes)
      : random_(random),
        bytes_(bytes),
        line_end_(OneIn(4) ? "\r\n" : "\n"),
        longest_(1 + Below(40)),
        blank_(Below(101)),
        most_words_(OneIn(3) ? 1 : 12),
        is_nested_(OneIn(3)) {
    for (unsigned& weight : weights_) weight = static_cast<unsigned>(OneIn(3) ? 0 : Below(10));
    weights_[0] += 1;
    if (is_nested_) weights_ = {1, 1};
  }

  std::string Write() {
    if (OneIn(8)) text_ += "\xEF\xBB\xBF";
    if (OneIn(4)) AddFrontMatter();
    while (text_.size() < bytes_) {
      AddBlock("");
      if (Below(100) < blank_) Line(OneIn(10) ? "  " : "");
      if (OneIn(30)) Line("");
    }
    return std::move(text_);
  }

 private:
  std::size_t Below(std::size_t n) { return random_() % n; }
  bool OneIn(std::size_t n) { return Below(n) == 0; }
  template <std::size_t n>
  std::string OneOf(const std::array<const char*, n>& strings) {
    return strings[Below(n)];
  }
  void Line(const std::string& line) { text_ += line + (OneIn(500) ? "\n" : line_end_); }
  std::string Text() { return RandomWords(random_, 1 + Below(OneIn(20) ? 8 * most_words_ : most_words_)); }

  // A line of a paragraph, which may look like the begin of another block.
  std::string ParagraphLine() {
    static constexpr std::array kOddities = {"2. ",   "- ",       "-",      "1. ",   "    ", "\t",    "<b>",   "<b>\t",
                                             "[",     "[a]: /b ", "# ",     "#",     "===",  "---",   "> ",    "+",
                                             "* * ",  "~~~",      "`",      "a | b", "|",    "|-|-|", "<div>", "<!-- -->",
                                             "'t\" ", "    - ",   "  === ", "$$",    "/"};
    return OneIn(8) ? OneOf(kOddities) + (OneIn(3) ? "" : Text()) : Text();
  }

  void AddFrontMatter() {
    const std::string mark = OneIn(3) ? "+++" : "---";
    Line(mark);
    for (std::size_t n = Below(5); n > 0; --n) Line("key: " + Text());
    if (!OneIn(6)) Line(mark);
  }

  void AddBlock(const std::string& indent) {
    unsigned total = 0;
    for (const unsigned weight : weights_) total += weight;
    std::size_t pick = Below(total);
    std::size_t kind = 0;
    while (pick >= weights_[kind]) pick -= weights_[kind++];
    const std::size_t lines = 1 + Below(longest_);
    switch (kind) {
      case 0:
        for (std::size_t n = 1 + Below(std::min<std::size_t>(longest_, 8)); n > 0; --n) Line(indent + ParagraphLine());
        return;
      case 1:
        level_ = is_nested_ && level_ < 6 && !OneIn(8) ? level_ + 1 : 1 + Below(6);
        return Line(indent + std::string(level_, '#') + " " + Text());
      case 2:
        Line(indent + ParagraphLine());
        return Line(indent + OneOf(std::array{"===", "---", "-", "=  "}));
      case 3:
        return AddList(indent);
      case 4: {
        const std::string mark = OneOf(std::array{"```", "~~~", "````"});
        Line(indent + mark + "cpp");
        for (std::size_t n = lines; n > 0; --n) Line(OneIn(6) ? "" : indent + ParagraphLine());
        if (!OneIn(40)) Line(indent + mark);
        return;
      }
      case 5:
        if (OneIn(3)) Line(indent + ParagraphLine());
        Line(indent + "| " + Text() + "| b |");
        Line(indent + "|---|:-:|");
        for (std::size_t n = lines; n > 0; --n) Line(indent + "| " + Text() + "| " + ParagraphLine() + " |");
        return;
      case 6:
        if (indent.size() > 8) return Line(indent + "> " + ParagraphLine());
        for (std::size_t n = 1 + Below(4); n > 0; --n) AddBlock(indent + "> ");
        if (OneIn(3)) Line(ParagraphLine());
        return;
      case 7:
        Line(indent + OneOf(std::array{"<div>", "<!--", "<pre>", "<b>", "<?php", "</td>"}));
        for (std::size_t n = Below(6); n > 0; --n) Line(indent + ParagraphLine());
        if (OneIn(3)) Line("");
        return Line(indent + OneOf(std::array{"</div>", "-->", "</pre> -->", "?> </pre> -->"}));
      case 8:
        for (std::size_t n = 1 + Below(4); n > 0; --n) {
          Line(indent + "[" + RandomWords(random_, 1) +
               "]: " + OneOf(std::array{"/url", "<a b>", "/u 'title'", "/u 'ti", "/u \""}));
          if (OneIn(3)) Line(indent + OneOf(std::array{"'title'", "tle'", "\" ", "-", "2. x", "===", "    y", "<b>", "a | b"}));
        }
        return;
      case 9:
        for (std::size_t n = 1 + Below(6); n > 0; --n) Line(OneIn(4) ? "" : indent + "    " + ParagraphLine());
        return;
      default:
        return Line(indent + OneOf(std::array{"***", "---", "- - -", "___"}));
    }
  }

  void AddList(const std::string& indent) {
    const std::string marker = OneOf(std::array{"- ", "* ", "+ ", "1. ", "10) "});
    const std::string inner = indent + std::string(marker.size(), ' ');
    for (std::size_t n = 1 + Below(longest_ / 2 + 1); n > 0; --n) {
      Line(indent + marker + (OneIn(12) ? "" : ParagraphLine()));
      if (OneIn(3)) Line((OneIn(2) ? inner : "") + ParagraphLine());
      if (OneIn(4)) Line("");
      if (OneIn(5) && inner.size() < 10) AddBlock(inner);
    }
  }

  std::mt19937_64& random_;
  const std::size_t bytes_;
  const std::string line_end_;
  const std::size_t longest_;     // lines of a block
  const std::size_t blank_;       // blocks of a hundred have a blank line after them
  const std::size_t most_words_;  // of most lines
  const bool is_nested_;          // nothing but paragraphs and headings, most of them one level below the one before
  std::size_t level_ = 0;         // of the last heading
  std::array<unsigned, 11> weights_ = {};
  std::string text_;
};

}  // namespace

std::string RandomWords(std::mt19937_64& random, std::size_t count) {
  static const std::vector<std::string> words = {"the ",
                                                 "index ",
                                                 "equals, ",
                                                 "its ",
                                                 "documents. ",
                                                 "Every ",
                                                 "chunk ",
                                                 "1234 ",
                                                 "e.g. ",
                                                 "U.S. ",
                                                 "\u00FCber ",
                                                 "\u6F22\u5B57",
                                                 "why? ",
                                                 "No! ",
                                                 "supercalifragilistic ",
                                                 "\u0939\u093F\u0928 ",
                                                 "\\n",
                                                 "\U0001F468\u200D\U0001F469 "};
  std::string text;
  for (; count > 0; --count) text += words[random() % words.size()];
  return text;
}

std::string RandomProse(std::mt19937_64& random, std::size_t bytes, unsigned blank_lines, const std::string& line_end) {
  static constexpr std::array kIndents = {"  ", "\t", "/", "// ", "\u0301"};
  std::string text;
  while (text.size() < bytes) {
    if (random() % 6 == 0) text += kIndents[random() % kIndents.size()];
    text += RandomWords(random, 1 + random() % 30) + line_end;
    if (random() % 100 < blank_lines) text += line_end;
    if (random() % 50 == 0) text += "   " + line_end;
    if (random() % 200 == 0) text += RandomWords(random, 500);
  }
  return text;
}

std::string RandomArticle(std::mt19937_64& random) {
  auto words = [&random](std::size_t most) { return RandomWords(random, 1 + random() % most); };
  std::string text = "# " + words(6) + "\n\n" + words(100) + "\n\n";
  for (std::size_t section = random() % 6; section > 0; --section) {
    text += "## " + words(6) + "\n\n";
    for (std::size_t n = random() % 4; n > 0; --n) text += words(100) + "\n\n";
    if (random() % 3 == 0) text += "### " + words(6) + "\n\n";
    for (std::size_t n = random() % 10; n > 0; --n) text += "- " + words(20) + "\n";
    if (random() % 3 == 0) text += "\n```\n" + words(30) + "\n\n" + words(30) + "\n```\n\n" + words(50) + "\n\n";
    if (random() % 3 == 0) text += "\n| a | b |\n|---|---|\n| " + words(9) + " | " + words(9) + " |\n\n";
  }
  return text;
}

std::string RandomMarkdown(std::mt19937_64& random, std::size_t bytes) { return MarkdownWriter(random, bytes).Write(); }
