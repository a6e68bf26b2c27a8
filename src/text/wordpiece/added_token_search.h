#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {

/// Finds the added tokens in a text, from left to right and the longest first.
class AddedTokenSearch {
 public:
  /// `tokens` are sorted, the longest first.
  AddedTokenSearch(const std::vector<AddedToken>& tokens, std::string_view text);

  struct Match {
    std::size_t position = 0;           ///< the end of the text where nothing is found
    const AddedToken* token = nullptr;  ///< null at the end
  };
  /// The first at `from` or later; `from` never decreases.
  Match Find(std::size_t from);

 private:
  const AddedToken* MatchAt(std::size_t position) const;

  const std::vector<AddedToken>& tokens_;
  std::string_view text_;
  std::vector<std::pair<char, std::size_t>> next_;  // for each byte that a token begins with: where it is next
};

}  // namespace ragpipe::text::internal
