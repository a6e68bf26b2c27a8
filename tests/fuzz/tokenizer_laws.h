#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/utf8.h"
#include "fuzz/require.h"
#include "ragpipe/text/tokenizer.h"

/// The laws of tokenizer.h on one text, which may be any bytes.
inline void RequireLaws(const ragpipe::text::Tokenizer& tokenizer, std::string_view text) {
  std::vector<ragpipe::text::Token> tokens;
  tokenizer.Encode(text, tokens);
  std::vector<std::uint32_t> ids;
  tokenizer.EncodeIds(text, ids);
  FUZZ_REQUIRE(ids.size() == tokens.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    FUZZ_REQUIRE(ids[i] == tokens[i].id);
    FUZZ_REQUIRE(ids[i] < tokenizer.vocabulary_size());
    FUZZ_REQUIRE(tokens[i].range.begin <= tokens[i].range.end && tokens[i].range.end <= text.size());
  }
  FUZZ_REQUIRE(tokenizer.Count(text) == ids.size());
  FUZZ_REQUIRE(tokenizer.CountUpTo(text, ids.size() / 2) == std::min(ids.size(), ids.size() / 2 + 1));
  tokenizer.Decode(ids);

  // Three parts of it, by ranges that lie on code point boundaries of valid text.
  if (ragpipe::internal::FindInvalidUtf8(text) != std::string_view::npos) return;
  const auto counter = tokenizer.CountRanges(text);
  std::size_t begin = 0;
  for (const std::size_t part : {text.size() / 3, text.size() * 2 / 3, text.size()}) {
    std::size_t end = part;
    while (!ragpipe::internal::IsCodePointBoundary(text, end)) --end;
    FUZZ_REQUIRE(counter->Count({begin, end}) == tokenizer.Count(text.substr(begin, end - begin)));
    begin = end;
  }
  FUZZ_REQUIRE(counter->Count({0, text.size()}) == ids.size());
}
