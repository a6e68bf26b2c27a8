#include "text/wordpiece/model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {

/// Places nodes, a node's children at once, where they fit first. Only the last kOpenBlocks are searched: the time is linear,
/// and hardly a node stays free in those before.
class WordPieceModel::Builder {
 public:
  using Entry = std::pair<std::string_view, std::uint32_t>;  // a piece and its id

  explicit Builder(std::vector<Node>& nodes) : nodes_(nodes) { AddBlock(); }

  /// `entries` are sorted and not empty strings. Returns the base of their root.
  std::uint32_t Insert(std::span<const Entry> entries) {
    // Entries that begin with the same `depth` bytes, which lead to the node; kNobody is the root.
    struct Task {
      std::uint32_t node;
      std::size_t depth;
      std::span<const Entry> entries;
    };
    std::uint32_t root_base = 0;
    std::vector<Task> tasks{{kNobody, 0, entries}};
    while (!tasks.empty()) {
      const Task task = tasks.back();
      tasks.pop_back();
      if (task.entries.empty()) continue;
      auto byte_of = [&](const Entry& entry) { return static_cast<unsigned char>(entry.first[task.depth]); };
      labels_.clear();
      for (const Entry& entry : task.entries) {
        if (labels_.empty() || labels_.back() != byte_of(entry)) labels_.push_back(byte_of(entry));
      }
      const std::uint32_t base = FindBase();
      (task.node == kNobody ? root_base : nodes_[task.node].base) = base;
      for (std::size_t begin = 0; begin < task.entries.size();) {
        const unsigned char byte = byte_of(task.entries[begin]);
        std::size_t end = begin;
        while (end < task.entries.size() && byte_of(task.entries[end]) == byte) ++end;
        const bool is_piece = task.entries[begin].first.size() == task.depth + 1;  // the shortest sorts first
        const std::uint32_t id = is_piece ? task.entries[begin].second : kNoId;
        const std::uint32_t child = base ^ byte;
        Take(child);
        nodes_[child].label_and_id = kTaken | byte | id << kLabelBits;
        tasks.push_back({child, task.depth + 1, task.entries.subspan(begin + is_piece, end - begin - is_piece)});
        begin = end;
      }
    }
    return root_base;
  }

 private:
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kOpenBlocks = 16;
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  void AddBlock() {
    const std::size_t first = nodes_.size();
    nodes_.resize(first + kBlock);
    base_used_.resize(first + kBlock);
    base_used_[0] = true;
    if (first >= kOpenBlocks * kBlock) {
      const auto closed = static_cast<std::uint32_t>(first - (kOpenBlocks - 1) * kBlock);
      free_.erase(free_.begin(), std::lower_bound(free_.begin(), free_.end(), closed));
    }
    for (std::size_t i = first; i < nodes_.size(); ++i) free_.push_back(static_cast<std::uint32_t>(i));
  }

  void Take(std::uint32_t node) { free_.erase(std::lower_bound(free_.begin(), free_.end(), node)); }

  std::uint32_t FindBase() {
    while (true) {
      for (const std::uint32_t node : free_) {
        const std::uint32_t base = node ^ labels_[0];
        auto is_free = [&](unsigned char byte) { return nodes_[base ^ byte].label_and_id == 0; };
        if (!base_used_[base] && std::all_of(labels_.begin(), labels_.end(), is_free)) {
          base_used_[base] = true;
          return base;
        }
      }
      AddBlock();
    }
  }

  std::vector<Node>& nodes_;
  std::vector<bool> base_used_;
  std::vector<std::uint32_t> free_;  // of the open blocks, in order
  std::vector<unsigned char> labels_;
};

WordPieceModel::WordPieceModel(const std::vector<std::string>& pieces, std::string_view continuing_prefix) {
  std::vector<Builder::Entry> first;  // a prefixed piece also spells itself where a word begins
  std::vector<Builder::Entry> continuing;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    const auto id = static_cast<std::uint32_t>(i);
    if (!piece.empty()) first.emplace_back(piece, id);
    if (piece.starts_with(continuing_prefix) && piece.size() > continuing_prefix.size()) {
      continuing.emplace_back(piece.substr(continuing_prefix.size()), id);
    }
  }
  std::sort(first.begin(), first.end());
  std::sort(continuing.begin(), continuing.end());
  Builder builder(nodes_);
  root_bases_ = {builder.Insert(first), builder.Insert(continuing)};
}

}  // namespace ragpipe::text::internal
