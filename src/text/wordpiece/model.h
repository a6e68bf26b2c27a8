#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

/// A vocabulary as a byte trie with two roots: pieces that begin a word and pieces that continue one. Finding the longest
/// piece at a place is one walk; the walk does not build strings. The trie is a double array (Aoe, "An Efficient Digital Search
/// Algorithm by Using a Double-Array Structure", 1989) in which no two nodes have the same base, so that a child is known by
/// its byte alone (Yata, darts-clone).
class WordPieceModel {
 public:
  static constexpr std::size_t kMaxVocabularyBytes = (std::size_t{1} << 24U) - 2;

  /// `pieces` are in the order of their ids and no more than kMaxVocabularyBytes in all.
  WordPieceModel(const std::vector<std::string>& pieces, std::string_view continuing_prefix);

  /// The longest piece at word[begin...]; `end` is `begin` when there is none.
  struct Match {
    std::size_t end = 0;
    std::uint32_t id = 0;
  };
  Match FindLongest(std::string_view word, std::size_t begin) const {
    Match match{begin, 0};
    std::uint32_t base = root_bases_[begin == 0 ? 0 : 1];
    for (std::size_t i = begin; i < word.size(); ++i) {
      const auto byte = static_cast<unsigned char>(word[i]);
      const Node& node = nodes_[base ^ byte];
      if ((node.label_and_id & kLabelMask) != (kTaken | byte)) break;
      base = node.base;
      const std::uint32_t id = node.label_and_id >> kLabelBits;
      if (id != kNoId) match = {i + 1, id};
    }
    return match;
  }

 private:
  static constexpr unsigned kLabelBits = 9;
  static constexpr std::uint32_t kLabelMask = (1U << kLabelBits) - 1;
  static constexpr std::uint32_t kTaken = 0x100;  // in the label of every node; the byte that leads to it is below
  static constexpr std::uint32_t kNoId = UINT32_MAX >> kLabelBits;

  struct Node {
    std::uint32_t base = 0;  // the child of a byte is at base ^ byte; 0, which is nobody's base, without children
    std::uint32_t label_and_id = 0;
  };

  class Builder;

  std::array<std::uint32_t, 2> root_bases_{};  // of pieces that begin a word, and that continue one
  std::vector<Node> nodes_;
};

}  // namespace ragpipe::text::internal
