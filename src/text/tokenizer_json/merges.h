#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer_json/unigram.h"

namespace ragpipe::text::internal {

/// What a tokenizer.json says of a BPE model.
struct MergeConfig {
  std::vector<std::string> pieces;  ///< by id, as the file has them; empty where there is none
  struct Merge {
    std::uint32_t left, right, merged;
  };
  std::vector<Merge> merges;  ///< the first first; where a pair is there twice, the last counts
  std::optional<std::uint32_t> unknown_id;
  bool fuse_unknown = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
  bool byte_level = false;               ///< pieces are bytes, for which characters stand in the file
  std::vector<std::string> byte_pieces;  ///< then: by id; empty where a piece is no bytes

  /// What is found in a text, by id.
  const std::vector<std::string>& matched() const { return byte_level ? byte_pieces : pieces; }
};

/// Byte pair encoding with a list of merges (Sennrich et al., 2016, arXiv:1508.07909): of all adjacent pairs the one that comes
/// first in the list is joined, of equal ones the leftmost, until none is left. O(n log n).
class MergeModel {
 public:
  /// Borrows the configuration.
  explicit MergeModel(const MergeConfig& config);

  struct Scratch {
    struct Symbol {
      std::uint32_t id;
      std::size_t begin, end;      // bytes of the piece; empty once it is part of the symbol before
      std::size_t previous, next;  // symbols; kNone at the ends
    };
    struct Candidate {
      std::uint32_t rank;
      std::uint32_t merged;
      std::size_t symbol;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  /// Appends the tokens of a piece of valid UTF-8. Characters without a token are left out where the model has no unknown one.
  void Tokenize(std::string_view piece, Scratch& scratch, std::vector<PieceToken>& out) const;

  /// Whether the character has a token, and none that merges make holds it behind another character.
  bool NeverFollows(char32_t second) const;

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  struct Merge {
    std::uint32_t rank;
    std::uint32_t merged;
  };

  std::optional<std::uint32_t> Find(std::string_view text) const;
  const Merge* FindMerge(std::uint32_t left, std::uint32_t right) const;
  void AppendSymbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const;

  const MergeConfig& config_;
  absl::flat_hash_map<std::string_view, std::uint32_t> ids_;
  absl::flat_hash_map<std::uint64_t, Merge> merges_;            // by left and right
  std::array<std::optional<std::uint32_t>, 256> byte_ids_;      // of a byte alone
  std::array<std::optional<std::uint32_t>, 256> fallback_ids_;  // of "<0x00>" and so on
};

}  // namespace ragpipe::text::internal
