#include "text/tokenizer_json/byte_trie.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {

class ByteTrie::Builder {
 public:
  using Entries = std::vector<std::pair<std::string_view, std::uint32_t>>;

  Builder(const Entries& entries, std::vector<Unit>& units) : entries_(entries), units_(units) {}

  void Build() {
    AddBlock();
    Take(0);
    pending_.push_back({0, 0, entries_.size(), 0});
    while (!pending_.empty()) {
      const Pending node = pending_.back();
      pending_.pop_back();
      Place(node);
    }
  }

 private:
  static constexpr std::uint32_t kBlock = 256;
  static constexpr int kMaxTries = 16;  // of free places for several children, before a new block is begun

  // Entries [begin, end) go through the node, which is `depth` bytes deep.
  struct Pending {
    std::uint32_t node;
    std::size_t begin, end, depth;
  };
  struct Child {
    unsigned char byte;
    std::size_t begin, end;
  };

  void Place(const Pending& node) {
    std::size_t begin = node.begin;
    if (begin < node.end && entries_[begin].first.size() == node.depth) units_[node.node].value = entries_[begin++].second;
    children_.clear();
    while (begin < node.end) {
      const auto byte = static_cast<unsigned char>(entries_[begin].first[node.depth]);
      std::size_t end = begin + 1;
      while (end < node.end && static_cast<unsigned char>(entries_[end].first[node.depth]) == byte) ++end;
      children_.push_back({byte, begin, end});
      begin = end;
    }
    if (children_.empty()) {
      // Its base points at itself, or where it belongs to nobody: no child is found.
      units_[node.node].base = node.node;
      return;
    }
    const std::uint32_t base = FindBase();
    units_[node.node].base = base;
    for (const Child& child : children_) {
      Take(base ^ child.byte);
      units_[base ^ child.byte].parent = node.node;
      pending_.push_back({base ^ child.byte, child.begin, child.end, node.depth + 1});
    }
  }

  std::uint32_t FindBase() {
    std::uint32_t slot = first_free_;
    for (int tries = 0; tries < kMaxTries && slot != kNone; ++tries, slot = next_free_[slot]) {
      const std::uint32_t base = slot ^ children_[0].byte;
      if (std::all_of(children_.begin(), children_.end(), [&](const Child& child) { return free_[base ^ child.byte]; })) {
        return base;
      }
    }
    return AddBlock();
  }

  /// 256 free units, the first to be tried from now on.
  std::uint32_t AddBlock() {
    const auto begin = static_cast<std::uint32_t>(units_.size());
    units_.resize(begin + kBlock);
    free_.resize(begin + kBlock, true);
    next_free_.resize(begin + kBlock);
    previous_free_.resize(begin + kBlock);
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      next_free_[begin + i] = i + 1 < kBlock ? begin + i + 1 : first_free_;
      previous_free_[begin + i] = i > 0 ? begin + i - 1 : kNone;
    }
    if (first_free_ != kNone) previous_free_[first_free_] = begin + kBlock - 1;
    first_free_ = begin;
    return begin;
  }

  void Take(std::uint32_t slot) {
    free_[slot] = false;
    const std::uint32_t next = next_free_[slot];
    const std::uint32_t previous = previous_free_[slot];
    if (next != kNone) previous_free_[next] = previous;
    if (previous != kNone) {
      next_free_[previous] = next;
    } else {
      first_free_ = next;
    }
  }

  const Entries& entries_;
  std::vector<Unit>& units_;
  std::vector<Pending> pending_;
  std::vector<Child> children_;
  std::vector<bool> free_;
  std::vector<std::uint32_t> next_free_, previous_free_;
  std::uint32_t first_free_ = kNone;
};

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> entries) {
  std::sort(entries.begin(), entries.end());
  Builder(entries, units_).Build();
}

}  // namespace ragpipe::text::internal
