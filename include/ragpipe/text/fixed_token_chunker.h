#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct FixedTokenChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
};

/// Windows of `max_tokens` tokens, each with the last `overlap_tokens` of the one before: the plainest chunker, blind to
/// structure. Others keep sentences whole and change less after an edit: here an insertion moves every cut after it.
///
/// Cuts lie between tokens, never inside a grapheme cluster that fits, a code point or a CRLF. So that a window counted alone
/// keeps to the cap, it may have a few tokens less. The ranges tile the document. Time is linear.
/// Errors of Split(): kOutOfRange when one code point does not fit, with its byte offset.
class RAGPIPE_EXPORT FixedTokenChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<FixedTokenChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                  FixedTokenChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;

  /// Memory: a few hundred bytes for each token of the cap, and the longest stretch of text in which no line begins with a
  /// letter or a visible ASCII character other than a slash. With a tokenizer that is not Tokenizer::is_additive_at_lines(), as
  /// its tokens may depend on all before them, all of the text.
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  std::string Fingerprint() const override;

 private:
  FixedTokenChunker(std::shared_ptr<const Tokenizer> tokenizer, FixedTokenChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  FixedTokenChunkerOptions options_;
};

}  // namespace ragpipe::text
