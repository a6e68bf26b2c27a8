#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {

/// Strings and a number for each, as a double array (Aoe, 1989): the child of a node by a byte is at base ^ byte, if the unit
/// there says that it belongs to the node.
class ByteTrie {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// The strings are not empty and all different; a number is below kNone. No more than 2^29 bytes of strings.
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> entries);

  /// A place in the trie. Begins at the root.
  struct Node {
    std::uint32_t index = 0;
  };

  /// False where no string goes on so.
  bool Step(Node& node, unsigned char byte) const {
    const std::uint32_t child = units_[node.index].base ^ byte;
    if (units_[child].parent != node.index) return false;
    node.index = child;
    return true;
  }

  /// The number of the string that ends here, or kNone.
  std::uint32_t Value(Node node) const { return units_[node.index].value; }

  /// The number of the whole string, or kNone.
  std::uint32_t Find(std::string_view text) const {
    Node node;
    for (const char c : text) {
      if (!Step(node, static_cast<unsigned char>(c))) return kNone;
    }
    return Value(node);
  }

 private:
  struct Unit {
    std::uint32_t base = 0;
    std::uint32_t parent = kNone;
    std::uint32_t value = kNone;
  };

  class Builder;

  std::vector<Unit> units_;
};

}  // namespace ragpipe::text::internal
