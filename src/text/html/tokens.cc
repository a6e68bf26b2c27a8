#include "text/html/tokens.h"

#include <algorithm>
#include <string>

#include "text/html/tags.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kLongestName = 16;      // of a tag or attribute that means something here
constexpr std::size_t kReadStyleBytes = 256;  // of a style attribute

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string LowerCase(std::string_view text, std::size_t most) {
  std::string lower;
  for (const char c : text.substr(0, most)) lower += Lower(c);
  return lower;
}

bool HidesByStyle(std::string_view style) {
  std::string plain;
  for (const char c : LowerCase(style, kReadStyleBytes)) {
    if (!IsSpace(c)) plain += c;
  }
  const std::size_t at = plain.find("display:none");
  return at == 0 || (at != std::string::npos && plain[at - 1] == ';');
}

}  // namespace

bool HtmlTokenizer::Next(HtmlToken& token) {
  if (at_ == html_.size()) return false;
  token = {};
  token.range.begin = at_;
  if (raw_ != 0) {
    ReadRawText(token);
    if (token.range.end > token.range.begin) return true;
  }
  if (html_[at_] == '<') ReadMarkup(token);
  if (token.range.end == 0) {  // text, up to a "<" that begins markup
    std::size_t end = at_ + 1;
    for (;; ++end) {
      end = std::min(html_.find('<', end), html_.size());
      if (end + 1 >= html_.size()) {
        end = html_.size();
        break;
      }
      const char c = html_[end + 1];
      if (IsLetter(c) || c == '/' || c == '!' || c == '?') break;
    }
    token.range.end = end;
  }
  at_ = token.range.end;
  return true;
}

void HtmlTokenizer::ReadMarkup(HtmlToken& token) {
  const std::string_view rest = html_.substr(at_);
  auto at = [rest](std::size_t i) { return i < rest.size() ? rest[i] : '\0'; };
  if (IsLetter(at(1)) || (at(1) == '/' && IsLetter(at(2)))) return ReadTag(token);
  if (at(1) != '!' && at(1) != '?' && at(1) != '/') return;
  if (rest.size() == 2 && at(1) == '/') return;  // text
  token.kind = HtmlToken::Kind::kOther;
  if (rest.substr(0, 4) != "<!--") {
    token.range.end = SkipPast(">", at_ + 2);
  } else if (at(4) == '>') {
    token.range.end = at_ + 5;
  } else if (rest.substr(4, 2) == "->") {
    token.range.end = at_ + 6;
  } else {
    std::size_t end = at_ + 4;
    for (;; ++end) {
      end = html_.find("--", end);
      if (end == std::string_view::npos) break;
      const std::string_view after = html_.substr(end + 2, 2);
      if (after.substr(0, 1) == ">" || after == "!>") {
        end += after[0] == '>' ? 3 : 4;
        break;
      }
    }
    token.range.end = std::min(end, html_.size());
  }
}

void HtmlTokenizer::ReadTag(HtmlToken& token) {
  const bool is_end = html_[at_ + 1] == '/';
  std::size_t i = at_ + (is_end ? 2 : 1);
  const std::size_t name = i;
  auto in_name = [this](std::size_t at) {
    return at < html_.size() && !IsSpace(html_[at]) && html_[at] != '/' && html_[at] != '>';
  };
  while (in_name(i)) ++i;
  const std::size_t tag = i - name > kLongestName ? 0 : HtmlTagIndex(LowerCase(html_.substr(name, i - name), kLongestName));
  for (;;) {
    while (i < html_.size() && (IsSpace(html_[i]) || html_[i] == '/')) ++i;
    if (i >= html_.size() || html_[i] == '>') break;
    const std::size_t attribute = i++;  // a "=" may begin a name
    while (in_name(i) && html_[i] != '=') ++i;
    const std::string_view key = html_.substr(attribute, i - attribute);
    while (i < html_.size() && IsSpace(html_[i])) ++i;
    std::string_view value;
    if (i < html_.size() && html_[i] == '=') {
      ++i;
      while (i < html_.size() && IsSpace(html_[i])) ++i;
      const char quote = i < html_.size() ? html_[i] : '\0';
      const std::size_t begin = i;
      if (quote == '"' || quote == '\'') {
        i = std::min(html_.find(quote, begin + 1), html_.size());
        value = html_.substr(begin + 1, i - begin - 1);
        i = std::min(i + 1, html_.size());
      } else {
        while (i < html_.size() && !IsSpace(html_[i]) && html_[i] != '>') ++i;
        value = html_.substr(begin, i - begin);
      }
    }
    if (is_end || key.size() > kLongestName) continue;
    const std::string lower = LowerCase(key, kLongestName);
    token.hidden = token.hidden || lower == "hidden" || (lower == "style" && HidesByStyle(value));
  }
  if (i >= html_.size()) {  // a tag that never ends is none
    token.kind = HtmlToken::Kind::kOther;
    token.range.end = html_.size();
    return;
  }
  token.kind = is_end ? HtmlToken::Kind::kEndTag : HtmlToken::Kind::kStartTag;
  token.tag = tag;
  token.range.end = i + 1;
  if (!is_end && HtmlTagAt(tag).Is(HtmlTag::kRawText)) raw_ = tag;
}

void HtmlTokenizer::ReadRawText(HtmlToken& token) {
  const HtmlTag& tag = HtmlTagAt(raw_);
  std::size_t end = at_;
  for (;; ++end) {
    end = html_.find("</", end);
    if (end == std::string_view::npos) break;
    const std::string_view name = html_.substr(end + 2, tag.name.size() + 1);
    const bool same = std::equal(tag.name.begin(), tag.name.end(), name.begin(),
                                 name.begin() + static_cast<std::ptrdiff_t>(std::min(name.size(), tag.name.size())),
                                 [](char a, char b) { return a == Lower(b); });
    if (same && (name.size() == tag.name.size() || IsSpace(name.back()) || name.back() == '/' || name.back() == '>')) break;
  }
  raw_ = 0;
  token.references = tag.Is(HtmlTag::kReferences);
  token.range.end = std::min(end, html_.size());
  at_ = token.range.end;
}

std::size_t HtmlTokenizer::SkipPast(std::string_view end, std::size_t from) const {
  const std::size_t found = html_.find(end, from);
  return found == std::string_view::npos ? html_.size() : found + end.size();
}

}  // namespace ragpipe::text::internal
