#include "text/wordpiece/model.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {

WordPieceModel::WordPieceModel(const std::vector<std::string>& pieces, std::string_view continuing_prefix)
    : edges_(256), shift_(56) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    const auto id = static_cast<std::uint32_t>(i);
    // A prefixed piece also spells itself where a word begins.
    Insert(kFirstRoot, piece, id);
    if (piece.starts_with(continuing_prefix)) Insert(kContinuingRoot, piece.substr(continuing_prefix.size()), id);
  }
}

void WordPieceModel::Insert(std::uint32_t root, std::string_view piece, std::uint32_t id) {
  std::uint32_t node = root;
  for (std::size_t i = 0; i < piece.size(); ++i) {
    if (std::size_t{node_count_} * 3 > edges_.size() * 2) Grow();
    const auto byte = static_cast<unsigned char>(piece[i]);
    Edge& edge = edges_[FindSlot(node, byte)];
    if (edge.child == 0) edge = {(node << 8U) | byte, node_count_++, kNoId};
    if (i + 1 == piece.size()) edge.id = id;
    node = edge.child;
  }
}

void WordPieceModel::Grow() {
  const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
  --shift_;
  for (const Edge& edge : old) {
    if (edge.child != 0) edges_[FindSlot(edge.key >> 8U, static_cast<unsigned char>(edge.key))] = edge;
  }
}

}  // namespace ragpipe::text::internal
