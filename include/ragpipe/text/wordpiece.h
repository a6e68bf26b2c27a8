#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string_view>

#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

/// The BERT tokenizer: BertNormalizer, BertPreTokenizer, greedy longest match with a continuation prefix (Wu et al., 2016,
/// arXiv:1609.08144; rules as in Hugging Face `tokenizers`). Ids are identical to those of `tokenizers` 0.23 on any valid
/// UTF-8, and do not depend on the version of ICU: general categories are of Unicode 8, decompositions of 9, lower case of 17,
/// as there. A token's range spans the characters it came from, without dropped ones at its ends.
class RAGPIPE_EXPORT WordPiece final : public Tokenizer {
 public:
  /// Reads the text of a `tokenizer.json`. `truncation`, `padding` and `post_processor` are ignored: they do not change
  /// what a text is made of. Ids must be 0 to n - 1. Added tokens must be special, of the vocabulary, and begin and end with
  /// punctuation, as "[CLS]" does; as in `tokenizers` they are found in any text, before all other rules.
  /// Errors: kInvalidArgument for a file that is not one; kUnimplemented names the element this class does not do.
  static absl::StatusOr<std::shared_ptr<const WordPiece>> FromJson(std::string_view tokenizer_json);

  ~WordPiece() override;

  void Encode(std::string_view text, std::vector<Token>& out) const override;
  void EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const override;
  std::size_t Count(std::string_view text) const override;
  std::size_t CountUpTo(std::string_view text, std::size_t limit) const override;
  std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const override;
  /// Without special added tokens and ids that are not in the vocabulary.
  std::string Decode(const std::vector<std::uint32_t>& ids) const override;
  bool is_additive_at_lines() const override { return true; }
  std::size_t vocabulary_size() const override;
  std::string Fingerprint() const override;

  /// The id that stands for a word the vocabulary cannot spell.
  std::uint32_t unknown_id() const;

 private:
  class Impl;
  explicit WordPiece(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace ragpipe::text
