#include "text/utf8_repair.h"

#include <algorithm>
#include <iterator>

#include "core/utf8.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace

RepairedText::RepairedText(std::string_view text) {
  text_.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t valid = std::min(ragpipe::internal::FindInvalidUtf8(text.substr(i)), text.size() - i);
    text_ += text.substr(i, valid);
    i += valid;
    if (i == text.size()) return;
    const std::size_t length = DecodeUtf8(text, i).length;
    replacements_.push_back({text_.size(), i, i + length});
    text_ += kReplacementCharacter;
    i += length;
  }
}

const RepairedText::Replacement* RepairedText::LastBefore(std::size_t offset) const {
  const auto after = std::lower_bound(replacements_.begin(), replacements_.end(), offset,
                                      [](const Replacement& replacement, std::size_t o) { return replacement.offset < o; });
  return after == replacements_.begin() ? nullptr : &*std::prev(after);
}

std::size_t RepairedText::SourceBegin(std::size_t offset) const {
  const Replacement* last = LastBefore(offset + 1);
  if (last == nullptr) return offset;
  const std::size_t into = offset - last->offset;
  return into < kReplacementCharacter.size() ? last->source_begin : last->source_end + into - kReplacementCharacter.size();
}

std::size_t RepairedText::SourceEnd(std::size_t offset) const {
  const Replacement* last = LastBefore(offset);
  if (last == nullptr) return offset;
  const std::size_t into = offset - last->offset;
  return into <= kReplacementCharacter.size() ? last->source_end : last->source_end + into - kReplacementCharacter.size();
}

}  // namespace ragpipe::text::internal
