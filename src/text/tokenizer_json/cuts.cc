#include "text/tokenizer_json/cuts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

constexpr char32_t kMetaspace = 0x2581;
constexpr std::size_t kPlaneSize = 0x10000;

bool IsBlank(char32_t c) { return IsWhiteSpace(c) || c == kMetaspace; }

char32_t LastCharacter(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
  return DecodeUtf8(text, begin).character;
}

std::string Normalized(const Normalizer& normalizer, std::string_view text) {
  AlignedText aligned, spare;
  aligned.bytes = text;
  normalizer.Apply(aligned, {false, false}, spare);
  return aligned.bytes;
}

bool IsRunOfSpaces(std::string_view text) { return text.find_first_not_of(' ') == std::string_view::npos; }

/// Letters and the like that stand for themselves in every normal form but for their marks.
constexpr std::pair<char32_t, char32_t> kCandidates[] = {
    {0xC0, 0x24F},    {0x386, 0x3CE},   {0x400, 0x481},   {0x48A, 0x52F},   {0x531, 0x556},   {0x561, 0x587},
    {0x5D0, 0x5EA},   {0x621, 0x63A},   {0x641, 0x64A},   {0x904, 0x939},   {0x985, 0x9B9},   {0xE01, 0xE30},
    {0x10D0, 0x10FA}, {0x1E00, 0x1EFF}, {0x2018, 0x201E}, {0x3001, 0x3002}, {0x3041, 0x3096}, {0x30A1, 0x30FA},
    {0x3400, 0x4DB5}, {0x4E00, 0x9FD5}, {0xAC00, 0xD7A3}};

}  // namespace

Cuts::Cuts(const Pipeline& pipeline) : solid_(kPlaneSize), blocked_(kPlaneSize) {
  CheckNormalizer(pipeline.normalizer());
  CheckAddedTokens(pipeline.config().added_tokens);
  CheckSplitting(pipeline);
  if (before_space_) FindSolid(pipeline.normalizer());
}

void Cuts::CheckNormalizer(const Normalizer& normalizer) {
  auto block = [this](char32_t c) {
    if (c < kPlaneSize) blocked_[c] = true;
  };
  for (const NormalizerStep& step : normalizer.steps()) {
    if (const auto* replace = std::get_if<Replace>(&step); replace != nullptr && !IsRunOfSpaces(replace->pattern)) {
      if (replace->pattern.find(' ') != std::string::npos) before_space_ = false;
      if (replace->pattern.find('\n') != std::string::npos) before_line_feed_ = false;
      for (std::size_t i = 0; i < replace->pattern.size(); i += DecodeUtf8(replace->pattern, i).length) {
        const char32_t c = DecodeUtf8(replace->pattern, i).character;
        block(c);
        if (c < 0x80) block(c ^ 0x20U);  // of the other case, where it is a letter
      }
      ascii_only_ = true;
    }
    const auto* map = std::get_if<Charsmap>(&step);
    if (map == nullptr) continue;
    if (&step != normalizer.steps().data()) ascii_only_ = true;
    for (const Charsmap::Rule& rule : map->rules()) {
      const char32_t first = DecodeUtf8(rule.key, 0).character;
      if (ClassOfGrapheme(first) == GraphemeClass::kPrepend) before_space_ = false;
      if (first == ' ' && !rule.replacement.starts_with(' ')) before_space_ = false;
      if (first == '\n' && !rule.replacement.starts_with(' ')) before_line_feed_ = false;
      if (rule.replacement.empty() || IsBlank(LastCharacter(rule.replacement))) block(LastCharacter(rule.key));
    }
  }
}

void Cuts::CheckAddedTokens(const std::vector<TextToken>& tokens) {
  for (const TextToken& token : tokens) {
    for (const std::string& text : {token.content, token.pattern}) {
      bool after_text = false;
      for (std::size_t i = 0; i < text.size(); i += DecodeUtf8(text, i).length) {
        const bool blank = IsBlank(DecodeUtf8(text, i).character);
        if (blank && (after_text || token.single_word)) before_space_ = false;
        after_text = after_text || !blank;
      }
      // What comes after a token begins anew.
      const char32_t last = text.empty() ? 0 : LastCharacter(text);
      if (last < kPlaneSize) blocked_[last] = true;
      if (last < 0x80) blocked_[last ^ 0x20U] = true;
      if (token.normalized && last >= 0x80 && !IsBlank(last)) before_space_ = false;
    }
  }
}

void Cuts::CheckSplitting(const Pipeline& pipeline) {
  auto splits = [&pipeline](char blank) {
    const std::string image = Normalized(pipeline.normalizer(), std::string("a") + blank + "b");
    if (image.size() < 3 || image[0] != 'a') return false;
    char32_t first = DecodeUtf8(image, 1).character;
    const bool spaces_gone = Normalized(pipeline.normalizer(), "a b  c").find(' ') == std::string::npos;
    bool split = false;
    for (const PreTokenizerStep& step : pipeline.config().pre_tokenizer) {
      if (std::holds_alternative<WhitespaceSplit>(step)) {
        split = split || IsWhiteSpace(first);
      } else if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
        if (first == ' ') first = metaspace->replacement;
        split = split || (metaspace->split && first == metaspace->replacement);
        // Text that goes on must not be taken for text that begins.
        if (!split && metaspace->prepend_scheme != Metaspace::PrependScheme::kNever && first != metaspace->replacement)
          return false;
      } else if (const auto* at = std::get_if<SplitAt>(&step)) {
        if (!IsRunOfSpaces(at->pattern) || !spaces_gone) return false;
      } else if (first != ' ') {
        return false;
      } else if (std::holds_alternative<SplitPieces>(step)) {
        split = true;
      }
    }
    if (split) return true;
    const auto* merges = std::get_if<MergeConfig>(&pipeline.config().model);
    return merges != nullptr && !merges->ignore_merges && pipeline.NeverFollows(first);
  };
  before_space_ = before_space_ && splits(' ');
  before_line_feed_ = before_space_ && before_line_feed_ && splits('\n');
}

void Cuts::FindSolid(const Normalizer& normalizer) {
  auto is_solid = [&](char32_t c) {
    if (blocked_[c]) return false;
    const std::string image = Normalized(normalizer, ToUtf8(c));
    if (image.empty()) return false;
    const char32_t last = LastCharacter(image);
    return !IsBlank(last) && (last >= kPlaneSize || !blocked_[last]);
  };
  for (char32_t c = 0x21; c < 0x7F; ++c) solid_ascii_[c] = solid_[c] = is_solid(c);
  if (ascii_only_) return;
  for (const auto& [first, last] : kCandidates) {
    for (char32_t c = first; c <= last; ++c) solid_[c] = is_solid(c);
  }
}

bool Cuts::IsSolidBefore(std::string_view text, std::size_t end) const {
  const auto last = static_cast<unsigned char>(text[end - 1]);
  if (last < 0x80) return solid_ascii_[last];
  std::size_t begin = end - 1;
  while (begin > 0 && end - begin < 3 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
  const DecodedCharacter decoded = DecodeUtf8(text, begin);
  return begin + decoded.length == end && decoded.character < kPlaneSize && solid_[decoded.character];
}

std::size_t Cuts::FindNext(std::string_view text, std::size_t begin) const {
  if (!before_space_) return text.size();
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    const char c = text[at];
    if ((c == ' ' || (c == '\n' && before_line_feed_)) && IsSolidBefore(text, at)) return at;
  }
  return text.size();
}

}  // namespace ragpipe::text::internal
