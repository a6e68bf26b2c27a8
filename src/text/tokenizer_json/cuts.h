#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "text/tokenizer_json/pipeline.h"

namespace ragpipe::text::internal {

/// Where a text may be cut so that its tokens are those of the parts, the parts after the first being read as what goes on, not
/// as what begins: before a space, and for some tokenizers before a line feed, that stands after a character which no step
/// takes away, makes white space, or joins with what follows. Which characters these are is found out by asking every step; a
/// tokenizer with a step that looks further has no cuts.
class Cuts {
 public:
  explicit Cuts(const Pipeline& pipeline);

  /// The first cut after `begin` < text.size(), or the end of the text.
  std::size_t FindNext(std::string_view text, std::size_t begin) const;

 private:
  void CheckNormalizer(const Normalizer& normalizer);
  void CheckSplitting(const Pipeline& pipeline);
  void CheckAddedTokens(const std::vector<TextToken>& tokens);
  void FindSolid(const Normalizer& normalizer);

  bool IsSolidBefore(std::string_view text, std::size_t end) const;

  bool before_space_ = true;
  bool before_line_feed_ = true;
  bool ascii_only_ = false;
  std::vector<bool> solid_;    // by code point of the Basic Multilingual Plane: a cut may follow
  std::vector<bool> blocked_;  // the same: it may not, whatever it becomes
  std::array<bool, 256> solid_ascii_{};
};

}  // namespace ragpipe::text::internal
