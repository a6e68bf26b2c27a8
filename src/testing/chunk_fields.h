#pragma once

#include <tuple>

#include "ragpipe/chunk.h"

namespace ragpipe::testing {

/// To compare two chunks by.
inline auto FieldsOf(const Chunk& chunk) {
  return std::tie(chunk.range.begin, chunk.range.end, chunk.overlap, chunk.context, chunk.text, chunk.headings, chunk.tokens,
                  chunk.tokens_are_estimated);
}

}  // namespace ragpipe::testing
