#include "text/markdown/links.h"

#include <algorithm>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxLabel = 999;
constexpr std::size_t kNone = std::string_view::npos;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

std::size_t SkipBlanks(std::string_view text, std::size_t at) {
  while (at < text.size() && IsBlank(text[at])) ++at;
  return at;
}

// Characters that mean nothing in labels and destinations, as most do.
std::size_t SkipPlain(std::string_view text, std::size_t at) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= ':');  // '-', '.', '/', digits and ':'
  };
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

bool AtLineEnd(std::string_view text, std::size_t at) { return at == text.size() || text[at] == '\n'; }

// Spaces and at most one line ending.
std::size_t SkipGap(std::string_view text, std::size_t at) {
  at = SkipBlanks(text, at);
  return at < text.size() && text[at] == '\n' ? SkipBlanks(text, at + 1) : at;
}

// The offset after "[label]:", or kNone.
std::size_t AfterLabel(std::string_view text) {
  if (text.substr(0, 1) != "[") return kNone;
  bool has_text = false;
  for (std::size_t at = 1; at < text.size() && at <= kMaxLabel + 1; ++at) {
    const char c = text[at];
    if (c == '[') return kNone;
    if (c == ']') return has_text && text.substr(at + 1, 1) == ":" ? at + 2 : kNone;
    has_text |= !IsBlank(c) && c != '\n';
    if (c == '\\' && at + 1 < text.size() && text[at + 1] != '\n') ++at;
  }
  return kNone;
}

std::size_t AfterDestination(std::string_view text, std::size_t at) {
  if (at < text.size() && text[at] == '<') {
    for (++at; at < text.size() && text[at] != '\n' && text[at] != '<'; ++at) {
      if (text[at] == '>') return at + 1;
      if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] != '\n') ++at;
    }
    return kNone;
  }
  const std::size_t begin = at;
  std::size_t open = 0;
  for (at = SkipPlain(text, at); at < text.size() && static_cast<unsigned char>(text[at]) > 0x20 && text[at] != 0x7F;
       at = SkipPlain(text, at + 1)) {
    if (text[at] == '(') ++open;
    if (text[at] == ')') {
      if (open == 0) return kNone;
      --open;
    }
    if (text[at] == '\\' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) > 0x20) ++at;
  }
  return at == begin || open != 0 ? kNone : at;
}

std::size_t AfterTitle(std::string_view text, std::size_t at) {
  if (at >= text.size()) return kNone;
  const char open = text[at];
  if (open != '"' && open != '\'' && open != '(') return kNone;
  const char close = open == '(' ? ')' : open;
  for (++at; at < text.size(); ++at) {
    if (text[at] == close) return at + 1;
    if (text[at] == open) return kNone;
    if (text[at] == '\\') ++at;
  }
  return kNone;
}

// The length of the definition at the front, its line ending included, or 0.
std::size_t DefinitionLength(std::string_view text) {
  const std::size_t label_end = AfterLabel(text);
  if (label_end == kNone) return 0;
  const std::size_t destination_end = AfterDestination(text, SkipGap(text, label_end));
  if (destination_end == kNone) return 0;

  const std::size_t title_begin = SkipGap(text, destination_end);
  if (title_begin > destination_end) {
    const std::size_t title_end = AfterTitle(text, title_begin);
    const std::size_t end = title_end == kNone ? kNone : SkipBlanks(text, title_end);
    if (end != kNone && AtLineEnd(text, end)) return std::min(end + 1, text.size());
  }
  // Without a title, or what looked like one belongs to the next line.
  const std::size_t end = SkipBlanks(text, destination_end);
  return AtLineEnd(text, end) ? std::min(end + 1, text.size()) : 0;
}

}  // namespace

std::size_t CountLinkDefinitionLines(std::string_view paragraph) {
  std::size_t at = 0;
  while (at < paragraph.size()) {
    const std::size_t length = DefinitionLength(paragraph.substr(at));
    if (length == 0) break;
    at += length;
  }
  const std::string_view taken = paragraph.substr(0, at);
  const auto endings = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), '\n'));
  return endings + (at > 0 && taken.back() != '\n' ? 1 : 0);
}

}  // namespace ragpipe::text::internal
