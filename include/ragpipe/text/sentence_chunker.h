#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct SentenceChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;
};

/// Packs whole sentences (UAX #29, as the installed ICU has it) up to the cap, whatever lines and paragraphs they stand in. A
/// sentence that does not fit is divided as RecursiveChunker does. The ranges tile the document; overlap is whole words; time
/// is linear. Errors of Split(): kOutOfRange when one code point does not fit, with its byte offset.
class RAGPIPE_EXPORT SentenceChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<SentenceChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                SentenceChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  /// Memory: as RecursiveChunker's.
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  std::string Fingerprint() const override;

 private:
  SentenceChunker(std::shared_ptr<const Tokenizer> tokenizer, SentenceChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  SentenceChunkerOptions options_;
};

}  // namespace ragpipe::text
