#include "ragpipe/testing/paragraph_chunker.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ragpipe::testing {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

bool IsBlank(std::string_view line) { return line.find_first_not_of(kWhiteSpace) == std::string_view::npos; }

std::size_t CountWords(std::string_view text) {
  std::size_t words = 0;
  for (std::size_t at = text.find_first_not_of(kWhiteSpace); at != std::string_view::npos;
       at = text.find_first_not_of(kWhiteSpace, at)) {
    ++words;
    at = std::min(text.find_first_of(kWhiteSpace, at), text.size());
  }
  return words;
}

}  // namespace

absl::StatusOr<std::vector<Chunk>> ParagraphChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  std::vector<Chunk> chunks;
  auto add = [&](std::size_t begin, std::size_t end) {
    Chunk chunk;
    chunk.range = {begin, end};
    chunk.tokens = CountWords(text.substr(begin, end - begin));
    chunks.push_back(std::move(chunk));
  };
  std::size_t begin = 0;
  bool has_words = false;    // the paragraph that began at `begin`
  bool after_blank = false;  // the line before was blank
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t newline = text.find('\n', line);
    const std::size_t next = newline == std::string_view::npos ? text.size() : newline + 1;
    const bool blank = IsBlank(text.substr(line, next - line));
    if (!blank && after_blank && has_words) {
      add(begin, line);
      begin = line;
    }
    has_words = has_words || !blank;
    after_blank = blank;
    line = next;
  }
  if (begin < text.size()) add(begin, text.size());
  return chunks;
}

std::string ParagraphChunker::Fingerprint() const { return "paragraphs"; }

}  // namespace ragpipe::testing
