#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

/// The encodings of OpenAI's models.
enum class TiktokenEncoding { kCl100kBase, kO200kBase, kP50kBase, kR50kBase };

/// "cl100k_base" and so on, as tiktoken names them.
RAGPIPE_EXPORT std::string_view ToString(TiktokenEncoding encoding);

/// The encoding of that name, or nothing.
RAGPIPE_EXPORT std::optional<TiktokenEncoding> FindTiktokenEncoding(std::string_view name);

/// Byte-level byte pair encoding (Sennrich et al., 2016, arXiv:1508.07909) with the ids of `tiktoken` 0.14. Letters, numbers
/// and marks are those of Unicode 16.0, whatever ICU is installed, as there.
///
/// Time is linear in the text, whatever the text. Memory: 10 MiB for cl100k_base, 20 MiB for o200k_base, shared by all threads,
/// and 3.6 MiB for each call that runs at the same time, with four bytes for each token of its longest word (run of letters,
/// spaces, ...).
class RAGPIPE_EXPORT Tiktoken final : public Tokenizer {
 public:
  /// Reads the text of a `.tiktoken` rank file: a token in base64, a space and its rank in each line, by rising rank.
  /// Errors: kInvalidArgument names the line that is wrong, a byte without a token, a token given twice or before those it is
  /// made of, or a number of tokens that is not the encoding's.
  static absl::StatusOr<std::shared_ptr<const Tiktoken>> FromRanks(TiktokenEncoding encoding, std::string_view rank_file);

  /// As FromRanks(), from the file at `path`. Errors: kNotFound says where to get the file.
  static absl::StatusOr<std::shared_ptr<const Tiktoken>> Open(TiktokenEncoding encoding, const std::string& path);

  ~Tiktoken() override;

  /// Special tokens are text like any other.
  void Encode(std::string_view text, std::vector<Token>& out) const override;
  void EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const override;
  std::size_t Count(std::string_view text) const override;
  std::size_t CountUpTo(std::string_view text, std::size_t limit) const override;
  /// Memory: three eighths of the text, and 16 bytes for each piece (word) that is not one token.
  std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const override;
  /// All patterns divide there: white space ends with its last newline, and only a slash can join what stands before it.
  bool is_additive_at_lines() const override { return true; }

  /// Appends the ids of `text`, taking the special tokens named in `allowed` ("<|endoftext|>") for what they mean.
  /// Errors: kInvalidArgument for a name that the encoding does not have.
  absl::Status EncodeWithSpecialTokens(std::string_view text, std::span<const std::string_view> allowed,
                                       std::vector<std::uint32_t>& ids) const;

  /// The exact bytes, special tokens by their names. Ids that do not exist are left out.
  std::string Decode(const std::vector<std::uint32_t>& ids) const override;

  /// One more than the highest id, that of a special token.
  std::size_t vocabulary_size() const override;
  std::string Fingerprint() const override;

 private:
  class Impl;
  explicit Tiktoken(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace ragpipe::text
