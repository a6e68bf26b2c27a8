#include "text/tokenizer_json/added_tokens.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

ByteTrie MakeTrie(const std::vector<const TextToken*>& tokens) {
  std::vector<std::pair<std::string_view, std::uint32_t>> entries;
  for (std::size_t i = 0; i < tokens.size(); ++i) entries.emplace_back(tokens[i]->pattern, static_cast<std::uint32_t>(i));
  return ByteTrie(std::move(entries));
}

/// Where the character before `end` begins.
std::size_t PreviousBegin(std::string_view text, std::size_t end) {
  do {
    --end;
  } while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U);
  return end;
}

bool EndsWithWordCharacter(std::string_view text) {
  return !text.empty() && IsWordCharacter(DecodeUtf8(text, PreviousBegin(text, text.size())).character);
}

bool BeginsWithWordCharacter(std::string_view text) { return !text.empty() && IsWordCharacter(DecodeUtf8(text, 0).character); }

std::size_t BeginOfSpaceBefore(std::string_view text, std::size_t end, std::size_t limit) {
  while (end > limit) {
    const std::size_t begin = PreviousBegin(text, end);
    if (!IsWhiteSpace(DecodeUtf8(text, begin).character)) break;
    end = begin;
  }
  return end;
}

std::size_t EndOfSpaceAfter(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const DecodedCharacter decoded = DecodeUtf8(text, begin);
    if (!IsWhiteSpace(decoded.character)) break;
    begin += decoded.length;
  }
  return begin;
}

}  // namespace

TextTokenFinder::TextTokenFinder(const std::vector<const TextToken*>& tokens) : tokens_(tokens), trie_(MakeTrie(tokens)) {
  for (const TextToken* token : tokens_) starts_[static_cast<unsigned char>(token->pattern[0])] = true;
}

void TextTokenFinder::Split(std::string_view text, std::vector<TextPart>& parts) const {
  std::size_t done = 0;  // up to here there are parts
  ByteRange space;       // the last run of white space that a token took
  for (std::size_t at = 0; at < text.size();) {
    if (!starts_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    std::size_t matched_end = at;
    const TextToken* token = nullptr;
    ByteTrie::Node node;
    for (std::size_t i = at; i < text.size() && trie_.Step(node, static_cast<unsigned char>(text[i])); ++i) {
      const std::uint32_t value = trie_.Value(node);
      if (value == ByteTrie::kNone) continue;
      token = tokens_[value];
      matched_end = i + 1;
    }
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    std::size_t end = matched_end;
    at = matched_end;
    if (token->single_word && (EndsWithWordCharacter(text.substr(0, begin)) || BeginsWithWordCharacter(text.substr(end))))
      continue;
    if (token->lstrip) begin = std::max(done, BeginOfSpaceBefore(text, begin, done));
    if (token->rstrip) {
      if (end < space.begin || end >= space.end) space = {end, EndOfSpaceAfter(text, end)};
      end = space.end;
    }
    if (done < begin) parts.push_back({{done, begin}, nullptr});
    parts.push_back({{std::min(begin, end), end}, token});
    done = end;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, nullptr});
}

}  // namespace ragpipe::text::internal
