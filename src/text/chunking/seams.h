#pragma once

#include <unicode/uchar.h>

#include <cstddef>
#include <string_view>

#include "text/chunking/boundaries.h"

namespace ragpipe::text::internal {

// Places that the contract of Tokenizer::is_additive_at_lines() speaks of.

inline bool BeginsTokens(char c) { return c > ' ' && c < 0x7F && c != '/'; }

/// Whether the tokens of `before` and those of `after` are those of the whole.
inline bool IsTokenSeam(std::string_view before, std::string_view after) {
  const bool ends_line = before.size() > 1 && before.back() == '\n' && !IsSpaceBefore(before, before.size() - 1);
  return ends_line && !after.empty() && BeginsTokens(after[0]);
}

/// Whether the tokens from `offset` on do not depend on the text before, nor those before on the text behind the code point
/// that stands there.
inline bool IsTokenFront(std::string_view text, std::size_t offset) {
  if (offset == 0 || offset >= text.size() || text[offset - 1] != '\n') return false;
  return BeginsTokens(text[offset]) || u_isalpha(Decode(text, offset).character) != 0;
}

}  // namespace ragpipe::text::internal
