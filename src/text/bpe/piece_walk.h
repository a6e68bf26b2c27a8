#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/bpe/char_classes.h"
#include "text/bpe/piece_cache.h"
#include "text/bpe/piece_rule.h"
#include "text/bpe/vocabulary.h"

namespace ragpipe::text::internal {

/// What a piece boundary and a token are, for one encoding.
struct BpeRules {
  const CharClasses* classes;
  PieceGrammar grammar;
  const BpeVocabulary* vocabulary;
};

/// What one call needs for itself; used again by later calls.
struct BpeScratch {
  PieceCache cache;
  BpeVocabulary::Workspace workspace;
};

/// Where pieces begin in a text, and which of them are not a single token.
struct PieceMap {
  struct Extra {
    std::size_t begin;  // of the piece
    std::size_t tokens;
  };
  std::vector<std::uint64_t> starts;  // a bit for each byte of the text, and at least 64 more
  std::vector<Extra> extras;          // in order
};

/// One pass over a text, for each instruction set. `text` is well-formed UTF-8.
struct BpeKernels {
  /// Tokens of `text`; may stop early once there are more than `limit`.
  std::size_t (*count)(const BpeRules&, BpeScratch&, std::string_view text, std::size_t limit);
  /// Appends the symbols of `text`.
  void (*encode)(const BpeRules&, BpeScratch&, std::string_view text, std::vector<std::uint32_t>& symbols);
  /// Fills an empty map, whose bits are there.
  void (*map)(const BpeRules&, BpeScratch&, std::string_view text, PieceMap& map);
  /// Merges the bytes of a short piece, which is not empty, as far as the pairs known so far go. Returns the number of symbols.
  static constexpr std::size_t kMaxMergeBytes = 64;
  std::size_t (*merge)(const BpeVocabulary&, std::string_view piece, std::uint32_t* symbols);
  /// The number of symbols of one piece, which is not empty and no token.
  std::size_t (*count_piece)(const BpeVocabulary&, BpeScratch&, std::string_view piece);
  const char* name;
};

/// All that this machine can run, best first.
std::vector<const BpeKernels*> AllBpeKernels();

/// The best of them, or the one that the environment variable RAGPIPE_INSTRUCTIONS names.
const BpeKernels& GetBpeKernels();

}  // namespace ragpipe::text::internal
