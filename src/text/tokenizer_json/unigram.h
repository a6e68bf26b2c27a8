#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_json/byte_trie.h"

namespace ragpipe::text::internal {

/// A token of a piece of text, and which bytes of the piece it stands for.
struct PieceToken {
  std::uint32_t id = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// What a tokenizer.json says of a Unigram model.
struct UnigramConfig {
  std::vector<std::string> pieces;  ///< by id; some may be the same, then the last counts
  std::vector<double> scores;       ///< by id
  std::uint32_t unknown_id = 0;
  bool byte_fallback = false;
};

/// The segmentation of highest total score (Kudo, 2018, arXiv:1804.10959), found as Hugging Face `tokenizers` finds it: sums of
/// doubles from the left, of equal sums the first found, where shorter pieces that begin earlier are tried first. A character
/// that is no piece scores 10 less than the worst piece; runs of such characters are one unknown token, or their bytes.
class UnigramModel {
 public:
  /// Borrows the configuration.
  explicit UnigramModel(const UnigramConfig& config);

  /// Memory that one call after the other may use.
  struct Scratch {
    struct Place {
      double score;
      std::uint32_t length;  // of the token that ends here on the best way; 0: none does
      std::uint32_t id;
    };
    std::vector<Place> places;
    std::vector<PieceToken> reversed;
  };

  /// Appends the tokens of a piece of valid UTF-8.
  void Tokenize(std::string_view piece, Scratch& scratch, std::vector<PieceToken>& out) const;

 private:
  void AppendUnknown(std::string_view piece, std::size_t begin, std::size_t end, std::vector<PieceToken>& out) const;

  const UnigramConfig& config_;
  ByteTrie trie_;
  double unknown_score_;
  std::array<std::uint32_t, 256> byte_ids_;  // ByteTrie::kNone where there is none
};

}  // namespace ragpipe::text::internal
