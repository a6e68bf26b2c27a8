#include "text/markdown/html.h"

#include <algorithm>
#include <array>
#include <string>

namespace ragpipe::text::internal {
namespace {

constexpr std::array<std::string_view, 4> kVerbatimTags = {"pre", "script", "style", "textarea"};

constexpr std::array<std::string_view, 62> kBlockTags = {
    "address",  "article",    "aside",  "base",    "basefont", "blockquote", "body",     "caption",  "center",
    "col",      "colgroup",   "dd",     "details", "dialog",   "dir",        "div",      "dl",       "dt",
    "fieldset", "figcaption", "figure", "footer",  "form",     "frame",      "frameset", "h1",       "h2",
    "h3",       "h4",         "h5",     "h6",      "head",     "header",     "hr",       "html",     "iframe",
    "legend",   "li",         "link",   "main",    "menu",     "menuitem",   "nav",      "noframes", "ol",
    "optgroup", "option",     "p",      "param",   "search",   "section",    "summary",  "table",    "tbody",
    "td",       "tfoot",      "th",     "thead",   "title",    "tr",         "track",    "ul"};

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool IsAlpha(char c) { return ToLower(c) >= 'a' && ToLower(c) <= 'z'; }
bool IsAlnum(char c) { return IsAlpha(c) || (c >= '0' && c <= '9'); }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Reads one line, byte by byte.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ >= text_.size(); }
  bool Take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }
  template <class Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const std::size_t begin = at_;
    while (!done() && predicate(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::string TagName(Reader& reader) {
  std::string name;
  if (!IsAlpha(reader.peek())) return name;
  for (const char c : reader.TakeWhile([](char x) { return IsAlnum(x) || x == '-'; })) name += ToLower(c);
  return name;
}

template <class Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A white-spaced attribute; false when there is a fault. `found` tells whether there was one.
bool TakeAttribute(Reader& reader, bool& found) {
  const bool spaced = !reader.TakeWhile(IsBlank).empty();
  found = spaced && (IsAlpha(reader.peek()) || reader.peek() == '_' || reader.peek() == ':');
  if (!found) return true;
  reader.TakeWhile([](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == ':' || c == '-'; });
  Reader after_name = reader;
  after_name.TakeWhile(IsBlank);
  if (!after_name.Take('=')) return true;
  reader = after_name;
  reader.TakeWhile(IsBlank);
  for (const char quote : {'"', '\''}) {
    if (!reader.Take(quote)) continue;
    reader.TakeWhile([quote](char c) { return c != quote; });
    return reader.Take(quote);
  }
  return !reader.TakeWhile([](char c) { return !IsBlank(c) && std::string_view("\"'=<>`").find(c) == std::string_view::npos; })
              .empty();
}

// Kind 7: one complete tag alone on the line.
bool IsCompleteTag(std::string_view line) {
  Reader reader(line);
  reader.Take('<');
  const bool closing = reader.Take('/');
  const std::string name = TagName(reader);
  if (name.empty() || (!closing && Contains(kVerbatimTags, name))) return false;
  for (bool found = !closing; found;) {
    if (!TakeAttribute(reader, found)) return false;
  }
  reader.TakeWhile(IsBlank);
  if (!closing) reader.Take('/');
  if (!reader.Take('>')) return false;
  reader.TakeWhile(IsBlank);
  return reader.done();
}

}  // namespace

int HtmlBlockKind(std::string_view line) {
  if (line.substr(0, 1) != "<") return 0;
  if (line.substr(0, 4) == "<!--") return 2;
  if (line.substr(0, 2) == "<?") return 3;
  if (line.substr(0, 9) == "<![CDATA[") return 5;
  if (line.substr(0, 2) == "<!") return line.size() > 2 && IsAlpha(line[2]) ? 4 : 0;

  Reader reader(line.substr(1));
  const bool closing = reader.Take('/');
  const std::string name = TagName(reader);
  const bool ended = reader.done() || IsBlank(reader.peek()) || reader.peek() == '>';
  if (!closing && ended && Contains(kVerbatimTags, name)) return 1;
  if (Contains(kBlockTags, name) && (ended || (reader.Take('/') && reader.peek() == '>'))) return 6;
  return IsCompleteTag(line) ? 7 : 0;
}

bool EndsHtmlBlock(int kind, std::string_view line) {
  auto has = [line](std::string_view what) { return line.find(what) != std::string_view::npos; };
  switch (kind) {
    case 1: {
      std::string lower(line);
      std::transform(lower.begin(), lower.end(), lower.begin(), ToLower);
      return std::any_of(kVerbatimTags.begin(), kVerbatimTags.end(), [&lower](std::string_view tag) {
        return lower.find("</" + std::string(tag) + ">") != std::string::npos;
      });
    }
    case 2:
      return has("-->");
    case 3:
      return has("?>");
    case 4:
      return has(">");
    case 5:
      return has("]]>");
    default:
      return false;
  }
}

}  // namespace ragpipe::text::internal
