#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

/// A vocabulary as a byte trie with two roots: pieces that begin a word and pieces that continue one. Finding the longest
/// piece at a place is one walk; the walk does not build strings.
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
    std::uint32_t node = begin == 0 ? kFirstRoot : kContinuingRoot;
    for (std::size_t i = begin; i < word.size(); ++i) {
      const Edge& edge = edges_[FindSlot(node, static_cast<unsigned char>(word[i]))];
      if (edge.child == 0) break;
      node = edge.child;
      if (edge.id != kNoId) match = {i + 1, edge.id};
    }
    return match;
  }

 private:
  static constexpr std::uint32_t kFirstRoot = 0;
  static constexpr std::uint32_t kContinuingRoot = 1;
  static constexpr std::uint32_t kNoId = UINT32_MAX;

  // A slot of an open-addressing table; free where `child` is 0, which is a root and so nobody's child.
  struct Edge {
    std::uint32_t key = 0;  // parent node and byte
    std::uint32_t child = 0;
    std::uint32_t id = kNoId;  // of the piece that ends at the child
  };

  std::size_t FindSlot(std::uint32_t node, unsigned char byte) const {
    const std::uint32_t key = (node << 8U) | byte;
    std::size_t slot = static_cast<std::size_t>((key * std::uint64_t{0x9E3779B97F4A7C15}) >> shift_);
    while (edges_[slot].child != 0 && edges_[slot].key != key) slot = (slot + 1) & (edges_.size() - 1);
    return slot;
  }

  void Insert(std::uint32_t root, std::string_view piece, std::uint32_t id);
  void Grow();

  std::vector<Edge> edges_;
  unsigned shift_ = 0;
  std::uint32_t node_count_ = 2;
};

}  // namespace ragpipe::text::internal
