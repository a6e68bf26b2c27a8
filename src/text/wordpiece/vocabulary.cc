#include "text/wordpiece/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"

namespace ragpipe::text::internal {
namespace {

bool IsAscii(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return (c & 0x80) == 0; });
}

}  // namespace

WordPieceVocabulary::WordPieceVocabulary(const WordPieceConfig& config)
    : config_(config),
      characters_(config.rules),
      model_(config.pieces, config.continuing_prefix),
      whole_ascii_words_(FindWholeWords(true)),
      whole_other_words_(FindWholeWords(false)) {}

bool WordPieceVocabulary::IsTooLong(std::string_view word) const {
  if (word.size() <= config_.max_characters) return false;
  const auto characters = std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return static_cast<std::size_t>(characters) > config_.max_characters;
}

void WordPieceVocabulary::Encode(std::string_view word, std::vector<std::uint32_t>& ids) const {
  const std::size_t size_before = ids.size();
  if (!IsTooLong(word)) {
    std::size_t begin = 0;
    while (begin < word.size()) {
      const WordPieceModel::Match match = model_.FindLongest(word, begin);
      if (match.end == begin) break;
      ids.push_back(match.id);
      begin = match.end;
    }
    if (begin == word.size()) return;
  }
  ids.resize(size_before);
  ids.push_back(config_.unknown_id);
}

std::vector<WordTable::Entry> WordPieceVocabulary::FindWholeWords(bool ascii) const {
  std::vector<WordTable::Entry> entries;
  std::vector<std::uint32_t> ids;
  auto add = [&](std::string_view word) {
    if (word.empty() || word.size() > WordKey::kMaxBytes || IsAscii(word) != ascii) return;
    ids.clear();
    Encode(word, ids);
    if (ids.size() != 1) return;
    std::array<char, 16> bytes{};
    std::copy(word.begin(), word.end(), bytes.begin());
    entries.push_back({MakeWordKey(bytes.data(), word.size()), ids.front()});
  };
  std::array<bool, 128> has_byte{};
  for (const std::string& piece : config_.pieces) {
    add(piece);
    if (piece.size() == 1) has_byte[static_cast<unsigned char>(piece[0]) & 0x7FU] = true;
  }
  for (std::size_t byte = '!'; byte <= '~'; ++byte) {
    const char c = static_cast<char>(byte);
    if (!has_byte[byte]) add({&c, 1});  // which is an unknown word
  }
  return entries;
}

}  // namespace ragpipe::text::internal
