#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "text/tokenizer_json/added_tokens.h"
#include "text/tokenizer_json/decoder.h"
#include "text/tokenizer_json/merges.h"
#include "text/tokenizer_json/normalizer.h"
#include "text/tokenizer_json/pre_tokenizer.h"
#include "text/tokenizer_json/unigram.h"

namespace ragpipe::text::internal {

/// The file has a WordPiece model, which WordPiece::FromJson() reads.
struct WordPieceModelInstead {};

/// What a tokenizer.json says, as far as it shapes tokens.
struct TokenizerConfig {
  std::vector<TextToken> added_tokens;  ///< their patterns are not yet set
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::variant<WordPieceModelInstead, UnigramConfig, MergeConfig> model;
  bool has_decoder = false;
  std::vector<DecoderStep> decoder;

  /// The pieces of the model, by id.
  const std::vector<std::string>& pieces() const;
};

/// Errors: as TokenizerFromJson().
absl::StatusOr<TokenizerConfig> ParseTokenizerJson(std::string_view json);

}  // namespace ragpipe::text::internal
