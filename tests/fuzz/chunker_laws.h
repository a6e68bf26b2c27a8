#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/require.h"
#include "ragpipe/chunker.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunk_checks.h"
#include "text/test_tokenizers.h"

/// A tokenizer by rule and the caps, as the input chooses.
struct ChunkerChoices {
  explicit ChunkerChoices(Input& input) {
    static const std::shared_ptr<const ragpipe::text::Tokenizer> kTokenizers[] = {WordTokens(), ByteTokens(), GroupTokens(),
                                                                                  SeamTokens()};
    tokenizer = kTokenizers[input.Choose(4)];
    max_tokens = 1 + input.Choose(100);
    overlap_tokens = input.Choose(2) == 0 ? 0 : max_tokens / 4;
    min_tokens = input.Choose(2) == 0 ? 0 : max_tokens / 3;
    max_bytes = input.Choose(2) == 0 ? SIZE_MAX : 4 + input.Choose(200);
  }

  std::shared_ptr<const ragpipe::text::Tokenizer> tokenizer;
  std::size_t max_tokens;
  std::size_t overlap_tokens;
  std::size_t min_tokens;
  std::size_t max_bytes;
};

template <class T>
T MustCreate(absl::StatusOr<T> made) {
  FUZZ_REQUIRE(made.ok());
  return *std::move(made);
}

/// Valid UTF-8 without NUL, which Chunker::Split() is for.
inline std::string CleanText(std::string_view bytes) {
  std::string text = ValidUtf8(bytes);
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

/// The guarantees of a chunker that tiles its document, once as CleanText(), and once as the bytes are, when only the tiling is
/// asked for.
inline void RequireGuarantees(const ragpipe::Chunker& chunker, std::string_view bytes, const std::string& media_type,
                              const ragpipe::text::Tokenizer& tokenizer, std::size_t max_tokens, std::size_t overlap_tokens = 0,
                              std::size_t max_bytes = SIZE_MAX) {
  ragpipe::Document document;
  document.media_type = media_type;
  document.text = bytes;
  if (const auto chunks = chunker.Split(document); chunks.ok()) {
    std::size_t end = 0;
    for (const ragpipe::Chunk& chunk : *chunks) {
      FUZZ_REQUIRE(chunk.range.begin == end && chunk.range.end > end);
      FUZZ_REQUIRE(chunk.overlap <= chunk.range.begin);
      end = chunk.range.end;
    }
    FUZZ_REQUIRE(end == bytes.size());
  }

  document.text = CleanText(bytes);
  const auto chunks = chunker.Split(document);
  if (!chunks.ok()) {
    FUZZ_REQUIRE(chunks.status().code() == absl::StatusCode::kOutOfRange);
    return;
  }
  const std::string fault = FindFault(document.text, *chunks, tokenizer, max_tokens, overlap_tokens, max_bytes);
  if (!fault.empty()) std::fprintf(stderr, "%s\n", fault.c_str());
  FUZZ_REQUIRE(fault.empty());
}
