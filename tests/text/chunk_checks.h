#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "support/catch.h"

/// What Create() gives, where an error would be a mistake of the test itself.
template <class T>
T Created(absl::StatusOr<T> made) {
  REQUIRE_OK(made);
  return *std::move(made);
}

std::string_view OwnText(std::string_view text, const ragpipe::Chunk& chunk);

/// Context, overlap and own bytes.
std::string EmbeddedText(std::string_view text, const ragpipe::Chunk& chunk);

/// The first guarantee that the chunks of `text` break, in words; empty when all hold. Tiling, cap, counts, overlap; no cut
/// inside a code point, a CRLF, or a grapheme cluster that fits.
std::string FindFault(std::string_view text, const std::vector<ragpipe::Chunk>& chunks,
                      const ragpipe::text::Tokenizer& tokenizer, std::size_t max_tokens, std::size_t overlap_tokens,
                      std::size_t max_bytes = SIZE_MAX);

/// The first promise of ContextChunker that `chunks` break, in words; empty when all hold. They were made of another chunker's
/// `plain` chunks of the same document: lines stand before the context of each, the caps hold, and the rest stays.
std::string FindContextFault(std::string_view text, const std::vector<ragpipe::Chunk>& plain,
                             const std::vector<ragpipe::Chunk>& chunks, const ragpipe::text::Tokenizer& tokenizer,
                             std::size_t max_tokens, std::size_t max_context_tokens);

/// How many chunks of `after` are embedded as no chunk of `before` is.
std::size_t CountNewTexts(std::string_view before_text, const std::vector<ragpipe::Chunk>& before, std::string_view after_text,
                          const std::vector<ragpipe::Chunk>& after);
