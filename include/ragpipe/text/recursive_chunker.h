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

struct RecursiveChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on context + overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;
};

/// Divides a text at the highest structural level whose units fit: paragraph (blank line), line, sentence and word (UAX #29, as
/// the installed ICU has it), grapheme cluster, code point; then packs neighbouring units up to the cap. A line that does not
/// fit is first divided behind each "\n" of two characters (JSON, logs); a sentence that does not, where it reads like the end
/// of one though a small letter follows, and then at commas, semicolons, colons and dashes.
///
/// * The ranges tile the document. White space belongs to the unit before it.
/// * No chunk has more than `max_tokens`. A code point (or CRLF) that has more alone is kOutOfRange, with its byte offset.
/// * A grapheme cluster is divided only if it does not fit; a code point and a CRLF never.
/// * Cuts are chosen by what stands around them, not by counting from the front: replacing a word usually changes one chunk.
/// * Time is linear in the text, each chunk is counted a few times.
///
/// Overlap is whole words (in scripts without spaces: whole grapheme clusters), and less of it where a unit that fits alone
/// would not fit beside it.
class RAGPIPE_EXPORT RecursiveChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<RecursiveChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                 RecursiveChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;

  /// Memory: a few hundred bytes for each token of the cap, and the longest stretch of text that has no line end or (with
  /// Fill::kBalanced) no boundary that outranks its neighbours within half a cap's length, which one in a cap's length or so
  /// does. All of the text where max_bytes lets no chunk reach min_tokens.
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  std::string Fingerprint() const override;

 private:
  RecursiveChunker(std::shared_ptr<const Tokenizer> tokenizer, RecursiveChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  RecursiveChunkerOptions options_;
};

}  // namespace ragpipe::text
