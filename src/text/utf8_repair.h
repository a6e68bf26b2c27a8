#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

/// A copy of a text with U+FFFD for each maximal ill-formed part, and the way back.
class RepairedText {
 public:
  explicit RepairedText(std::string_view text);

  std::string_view text() const { return text_; }

  /// Where the character at `offset` of the copy begins in the original; where one ends.
  std::size_t SourceBegin(std::size_t offset) const;
  std::size_t SourceEnd(std::size_t offset) const;

 private:
  struct Replacement {
    std::size_t offset;        // of U+FFFD in the copy
    std::size_t source_begin;  // of what it stands for
    std::size_t source_end;
  };

  const Replacement* LastBefore(std::size_t offset) const;

  std::string text_;
  std::vector<Replacement> replacements_;
};

}  // namespace ragpipe::text::internal
