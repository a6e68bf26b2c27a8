#include "text/tokenizer_json/unigram.h"

#include <fmt/format.h>

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {
namespace {

constexpr double kUnknownPenalty = 10.0;

ByteTrie MakeTrie(const std::vector<std::string>& pieces) {
  absl::flat_hash_map<std::string_view, std::uint32_t> last;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    if (!pieces[id].empty()) last[pieces[id]] = static_cast<std::uint32_t>(id);
  }
  return ByteTrie({last.begin(), last.end()});
}

std::size_t CharacterLength(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

UnigramModel::UnigramModel(const UnigramConfig& config)
    : config_(config),
      trie_(MakeTrie(config.pieces)),
      unknown_score_(*std::min_element(config.scores.begin(), config.scores.end()) - kUnknownPenalty) {
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) byte_ids_[byte] = trie_.Find(fmt::format("<0x{:02X}>", byte));
}

void UnigramModel::Tokenize(std::string_view piece, Scratch& scratch, std::vector<PieceToken>& out) const {
  auto& places = scratch.places;
  places.assign(piece.size() + 1, {});
  auto offer = [&places](std::size_t begin, std::size_t end, double score, std::uint32_t id) {
    Scratch::Place& place = places[end];
    const double sum = score + places[begin].score;
    if (place.length != 0 && !(sum > place.score)) return;
    place = {sum, static_cast<std::uint32_t>(end - begin), id};
  };
  for (std::size_t begin = 0; begin < piece.size();) {
    const std::size_t character_end = begin + CharacterLength(piece[begin]);
    bool has_character = false;
    ByteTrie::Node node;
    for (std::size_t i = begin; i < piece.size() && trie_.Step(node, static_cast<unsigned char>(piece[i]));) {
      ++i;
      const std::uint32_t id = trie_.Value(node);
      if (id == ByteTrie::kNone) continue;
      offer(begin, i, config_.scores[id], id);
      has_character = has_character || i == character_end;
    }
    if (!has_character) offer(begin, character_end, unknown_score_, config_.unknown_id);
    begin = character_end;
  }

  auto& reversed = scratch.reversed;
  reversed.clear();
  for (std::size_t end = piece.size(); end > 0;) {
    const Scratch::Place& place = places[end];
    const std::size_t begin = end - place.length;
    if (place.id == config_.unknown_id && !reversed.empty() && reversed.back().id == place.id) {
      reversed.back().begin = begin;
    } else {
      reversed.push_back({place.id, begin, end});
    }
    end = begin;
  }
  for (auto token = reversed.rbegin(); token != reversed.rend(); ++token) {
    if (token->id == config_.unknown_id) {
      AppendUnknown(piece, token->begin, token->end, out);
    } else {
      out.push_back(*token);
    }
  }
}

void UnigramModel::AppendUnknown(std::string_view piece, std::size_t begin, std::size_t end,
                                 std::vector<PieceToken>& out) const {
  const std::string_view text = piece.substr(begin, end - begin);
  // Together the characters may spell a piece that lost to them.
  if (const std::uint32_t id = trie_.Find(text); id != ByteTrie::kNone) {
    out.push_back({id, begin, end});
    return;
  }
  auto id_of = [this](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (config_.byte_fallback && std::all_of(text.begin(), text.end(), [&](char c) { return id_of(c) != ByteTrie::kNone; })) {
    for (const char c : text) out.push_back({id_of(c), begin, end});
    return;
  }
  out.push_back({config_.unknown_id, begin, end});
}

}  // namespace ragpipe::text::internal
