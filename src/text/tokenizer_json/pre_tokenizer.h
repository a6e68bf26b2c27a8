#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ragpipe/chunk.h"
#include "text/bpe/piece_rule.h"
#include "text/tokenizer_json/aligned_text.h"

namespace ragpipe::text::internal {

/// Cuts at white space, which goes.
struct WhitespaceSplit {};

/// Spaces become `replacement`, which may be put before the text, and begins a piece.
struct Metaspace {
  enum class PrependScheme { kFirst, kNever, kAlways };

  char32_t replacement = 0x2581;
  PrependScheme prepend_scheme = PrependScheme::kAlways;
  bool split = true;
};

/// Cuts at every occurrence of a string.
struct SplitAt {
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

  std::string pattern;
  Behavior behavior = Behavior::kIsolated;
  bool invert = false;
};

/// A space is put before text that does not begin with one.
struct PrefixSpace {};

/// Cuts into the pieces of one of the grammars that byte-level BPE is used with.
struct SplitPieces {
  PieceGrammar grammar = PieceGrammar::kGpt2;
};

using PreTokenizerStep = std::variant<WhitespaceSplit, Metaspace, SplitAt, PrefixSpace, SplitPieces>;

/// The pre-tokenizers of a tokenizer.json, one after the other.
class PreTokenizer {
 public:
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps) : steps_(std::move(steps)) {}

  /// Memory that one call after the other may use.
  struct Scratch {
    AlignedText text;
    std::vector<ByteRange> pieces;
  };

  /// Cuts `text` into pieces, ranges of it; it may be changed by that. At least one byte.
  void Apply(AlignedText& text, std::vector<ByteRange>& pieces, Scratch& scratch) const;

  const std::vector<PreTokenizerStep>& steps() const { return steps_; }

 private:
  std::vector<PreTokenizerStep> steps_;
};

}  // namespace ragpipe::text::internal
