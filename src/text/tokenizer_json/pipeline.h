#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/tokenizer_json/config.h"

namespace ragpipe::text::internal {

/// From text to tokens, by every step that the file names: added tokens, normalizers, added tokens that are normalised,
/// pre-tokenizers, model.
class Pipeline {
 public:
  /// Memory that one call after the other may use.
  struct Scratch {
    AlignedText text, spare;  // a part of the segment, on its way
    AlignedText normalized, raw;
    std::vector<TextPart> raw_parts, parts;
    std::vector<ByteRange> pieces;
    PreTokenizer::Scratch pre_tokenizer;
    UnigramModel::Scratch unigram;
    MergeModel::Scratch merges;
    std::vector<PieceToken> tokens;
  };

  /// Errors: kInvalidArgument for added tokens that are the same once normalised.
  static absl::StatusOr<std::unique_ptr<const Pipeline>> Make(TokenizerConfig config);

  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Appends the tokens of `segment`, which is at `offset` in the whole text and holds these ends of it. Without `ranges` those
  /// of the tokens are not told.
  void Tokenize(std::string_view segment, std::size_t offset, TextEnds ends, bool ranges, Scratch& scratch,
                std::vector<Token>& out) const;

  const TokenizerConfig& config() const { return config_; }
  const Normalizer& normalizer() const { return normalizer_; }

  /// As MergeModel says; false for other models.
  bool NeverFollows(char32_t second) const;

 private:
  explicit Pipeline(TokenizerConfig config);

  void TokenizeText(TextEnds ends, Scratch& scratch, std::vector<Token>& out) const;
  void TokenizeNormalized(Scratch& scratch, std::vector<Token>& out) const;

  TokenizerConfig config_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  bool needs_first_source_ = false;  // a pre-tokenizer asks which piece is the first of the text
  std::optional<TextTokenFinder> raw_tokens_, normalized_tokens_;
  std::variant<std::monostate, UnigramModel, MergeModel> model_;
};

}  // namespace ragpipe::text::internal
