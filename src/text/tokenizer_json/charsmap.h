#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_json/aligned_text.h"

namespace ragpipe::text::internal {

/// The normalizer `Precompiled`: replacements that SentencePiece compiled into a double-array trie. Format and rules are those
/// of the crate spm_precompiled: the size of the trie in bytes, its units, and the replacements, each ended by a NUL. Of all
/// keys that a grapheme of at most 5 bytes begins with, the shortest replaces the whole grapheme; else the same for each of its
/// characters.
class Charsmap {
 public:
  /// Errors: kInvalidArgument says what is wrong with the bytes.
  static absl::StatusOr<Charsmap> Parse(std::string_view bytes);

  void Apply(const AlignedText& in, AlignedText& out) const;

  /// Whether an ASCII character stands for itself when ASCII is around it.
  bool Keeps(unsigned char c) const { return c < 0x80 && kept_[c]; }

  /// A key that can be found, and what it is replaced by.
  struct Rule {
    std::string key;
    std::string replacement;
  };
  const std::vector<Rule>& rules() const { return rules_; }

 private:
  static constexpr std::size_t kMaxKeyBytes = 5;

  Charsmap() = default;
  absl::Status ReadRules();
  std::optional<std::string_view> Find(std::string_view text) const;
  std::string_view Replacement(std::size_t offset) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::vector<Rule> rules_;
  std::array<bool, 0x80> kept_{};
};

}  // namespace ragpipe::text::internal
