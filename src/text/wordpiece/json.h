#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {

/// What a tokenizer.json says, as far as it shapes tokens.
struct WordPieceConfig {
  struct Decoder {
    std::string prefix;
    bool cleanup = false;
  };

  BertRules rules;
  std::vector<std::string> pieces;  ///< by id
  std::string continuing_prefix;
  std::size_t max_characters = 0;
  std::uint32_t unknown_id = 0;
  std::vector<AddedToken> added_tokens;  ///< the longest first
  std::optional<Decoder> decoder;
};

/// Errors: as WordPiece::FromJson().
absl::StatusOr<WordPieceConfig> ParseWordPieceJson(std::string_view json);

}  // namespace ragpipe::text::internal
