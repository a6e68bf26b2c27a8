#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "text/tokenizer_json/byte_trie.h"

namespace ragpipe::text::internal {

/// A token that is looked for in the text before everything else.
struct TextToken {
  std::string content;
  std::uint32_t id = 0;
  bool single_word = false;  ///< only where no word character is beside it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< and after it
  bool normalized = false;   ///< looked for in the normalised text
  bool special = false;      ///< left out by Decode()
  std::string pattern;       ///< what is looked for: `content`, normalised if the token is
};

/// A part of a text: a token, or what is between two.
struct TextPart {
  ByteRange range;
  const TextToken* token = nullptr;
};

/// Finds added tokens: of those that begin first, the longest (what `tokenizers` calls leftmost longest).
class TextTokenFinder {
 public:
  /// Longer patterns are not taken: the time for a byte of text is bounded by it.
  static constexpr std::size_t kMaxPatternBytes = 1024;

  /// The patterns are all different. Borrows the tokens.
  explicit TextTokenFinder(const std::vector<const TextToken*>& tokens);

  /// The parts of `text` in order; without empty ones.
  void Split(std::string_view text, std::vector<TextPart>& parts) const;

 private:
  std::vector<const TextToken*> tokens_;
  bool starts_[256] = {};
  ByteTrie trie_;  // of indices into tokens_
};

}  // namespace ragpipe::text::internal
