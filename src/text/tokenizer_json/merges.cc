#include "text/tokenizer_json/merges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_json/unicode.h"

namespace ragpipe::text::internal {
namespace {

std::size_t CharacterLength(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool IsLater(const MergeModel::Scratch::Candidate& a, const MergeModel::Scratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.symbol > b.symbol;
}

}  // namespace

MergeModel::MergeModel(const MergeConfig& config) : config_(config) {
  const std::vector<std::string>& pieces = config.matched();
  ids_.reserve(pieces.size());
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    if (!pieces[id].empty()) ids_.emplace(pieces[id], static_cast<std::uint32_t>(id));
  }
  merges_.reserve(config.merges.size());
  for (std::size_t rank = 0; rank < config.merges.size(); ++rank) {
    const MergeConfig::Merge& merge = config.merges[rank];
    merges_[(std::uint64_t{merge.left} << 32U) | merge.right] = {static_cast<std::uint32_t>(rank), merge.merged};
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    if (byte < 0x80 || config.byte_level) byte_ids_[byte] = Find({&c, 1});
    if (config.byte_fallback) fallback_ids_[byte] = Find(fmt::format("<0x{:02X}>", byte));
  }
}

std::optional<std::uint32_t> MergeModel::Find(std::string_view text) const {
  const auto it = ids_.find(text);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

const MergeModel::Merge* MergeModel::FindMerge(std::uint32_t left, std::uint32_t right) const {
  const auto it = merges_.find((std::uint64_t{left} << 32U) | right);
  return it == merges_.end() ? nullptr : &it->second;
}

void MergeModel::AppendSymbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const {
  auto add = [&symbols](std::uint32_t id, std::size_t begin, std::size_t end) { symbols.push_back({id, begin, end, 0, 0}); };
  std::optional<Scratch::Symbol> unknown;  // not yet added: others may be fused with it
  for (std::size_t begin = 0; begin < piece.size();) {
    const std::size_t end = begin + (config_.byte_level ? 1 : CharacterLength(piece[begin]));
    const std::string_view character = piece.substr(begin, end - begin);
    const std::optional<std::uint32_t> id =
        end - begin == 1 ? byte_ids_[static_cast<unsigned char>(piece[begin])] : Find(character);
    auto fallback = [this](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
    if (id) {
      if (unknown) symbols.push_back(*unknown);
      unknown.reset();
      add(*id, begin, end);
    } else if (std::all_of(character.begin(), character.end(), [&](char c) { return fallback(c).has_value(); })) {
      // As in the reference, an unknown token before it is not added yet, and so comes after the bytes.
      for (std::size_t i = begin; i < end; ++i) add(*fallback(piece[i]), i, i + 1);
    } else if (config_.unknown_id) {
      if (unknown && config_.fuse_unknown) {
        unknown->end = end;
      } else {
        if (unknown) symbols.push_back(*unknown);
        unknown = {*config_.unknown_id, begin, end, 0, 0};
      }
    }
    begin = end;
  }
  if (unknown) symbols.push_back(*unknown);
}

void MergeModel::Tokenize(std::string_view piece, Scratch& scratch, std::vector<PieceToken>& out) const {
  if (config_.ignore_merges) {
    if (const std::optional<std::uint32_t> id = Find(piece)) {
      out.push_back({*id, 0, piece.size()});
      return;
    }
  }
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  AppendSymbols(piece, symbols);
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = i == 0 ? kNone : i - 1;
    symbols[i].next = i + 1 == symbols.size() ? kNone : i + 1;
    if (symbols[i].next == kNone) break;
    if (const Merge* merge = FindMerge(symbols[i].id, symbols[i + 1].id)) heap.push_back({merge->rank, merge->merged, i});
  }
  std::make_heap(heap.begin(), heap.end(), IsLater);
  auto offer = [&](std::size_t left, std::size_t right) {
    if (left == kNone || right == kNone) return;
    const Merge* merge = FindMerge(symbols[left].id, symbols[right].id);
    if (merge == nullptr) return;
    heap.push_back({merge->rank, merge->merged, left});
    std::push_heap(heap.begin(), heap.end(), IsLater);
  };
  constexpr auto kGone = UINT32_MAX;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), IsLater);
    const Scratch::Candidate candidate = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbols[candidate.symbol];
    if (left.id == kGone || left.next == kNone) continue;
    Scratch::Symbol& right = symbols[left.next];
    const Merge* merge = FindMerge(left.id, right.id);
    if (merge == nullptr || merge->merged != candidate.merged) continue;  // the pair is no longer there
    left.id = candidate.merged;
    left.end = right.end;
    right.id = kGone;
    left.next = right.next;
    if (right.next != kNone) symbols[right.next].previous = candidate.symbol;
    offer(left.previous, candidate.symbol);
    offer(candidate.symbol, left.next);
  }
  for (std::size_t i = 0; i < symbols.size(); i = symbols[i].next) {
    out.push_back({symbols[i].id, symbols[i].begin, symbols[i].end});
    if (symbols[i].next == kNone) break;
  }
}

bool MergeModel::NeverFollows(char32_t second) const {
  const Utf8Character bytes = ToUtf8(second);
  const std::string_view wanted = bytes;
  return Find(wanted).has_value() &&
         std::all_of(config_.merges.begin(), config_.merges.end(), [&](const MergeConfig::Merge& merge) {
           const std::string_view piece = config_.matched()[merge.merged];
           std::size_t begin = 0;
           while (piece.substr(begin).starts_with(wanted)) begin += wanted.size();
           return piece.find(wanted, begin) == std::string_view::npos;
         });
}

}  // namespace ragpipe::text::internal
