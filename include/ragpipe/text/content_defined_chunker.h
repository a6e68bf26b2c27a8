#pragma once

#include <absl/status/status.h>
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

struct ContentDefinedChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before; below max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
};

/// Chunks that depend on nothing but the text near them: an edit changes no chunk that lies further than `kRadius * max_tokens`
/// tokens from it, on either side, however long the document. For documents that change often, and for text without paragraphs,
/// where other chunkers have no bound. The price is the fill: chunks are smaller than those of RecursiveChunker.
///
/// Boundaries are those of paragraphs, lines, sentences, words (begun after white space) and characters. Each has a priority:
/// its level, then a hash of the 8 bytes on both sides.
///
/// 1. A boundary is a cut if the text between the nearest boundaries of higher priority on its two sides does not fit into
///    `max_tokens - overlap_tokens` and `max_bytes`. (Found by dividing the text at its highest boundary, and so on, until all
///    parts fit: so no unit that fits is ever divided.)
/// 2. Three times over, each cut of lower priority than both of its neighbours is dropped if the text between them fits.
///
/// Why the radius holds: by 1, a boundary that has no higher one within `max_tokens` tokens on some side is a cut whatever lies
/// beyond; else both are within `max_tokens`. So what is a cut there depends on `max_tokens` tokens on each side. A round of 2
/// asks for the neighbouring cuts, which are at most `max_tokens` away, as what lies between two cuts fits: each round adds
/// `max_tokens`, three add 3. That makes 4; the chunk that a cut ends or begins adds 1.
///
/// Overlap is whole words of the chunk before; it gives way to a grapheme cluster that fits without it alone. It adds nothing
/// to the radius: it depends on one chunk more, while its tokens are missing from what a chunk may have. There is no minimum
/// size and no fill: to join a small chunk, or to fill one, is to look at what the neighbours did, and they at theirs.
///
/// Read with it: distances are of the text as it is counted, where counts grow with the text. A boundary is recognised by the
/// white space and punctuation beside it and the hashed bytes, so that these count as near. Where the same 16 bytes stand
/// around several boundaries less than `max_tokens` apart, nothing local tells them apart: their number in that series decides,
/// and an edit inside such a series can change it to its end. So it is in a run of flags, whose pairs count from its front.
///
/// The ranges tile the document. A grapheme cluster is divided only if it does not fit; a code point and a CRLF never. Time is
/// linear in the text for ordinary text, and at most O(n log n).
/// Errors of Split(): kOutOfRange when one code point does not fit, with its byte offset.
class RAGPIPE_EXPORT ContentDefinedChunker final : public Chunker {
 public:
  static constexpr std::size_t kRadius = 5;

  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<ContentDefinedChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                      ContentDefinedChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  /// Memory: a few hundred bytes for each token of the cap, and the longest line, or the longest series of lines less than a
  /// cap apart that have the same 16 bytes around their beginnings.
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  std::string Fingerprint() const override;

 private:
  ContentDefinedChunker(std::shared_ptr<const Tokenizer> tokenizer, ContentDefinedChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  ContentDefinedChunkerOptions options_;
};

}  // namespace ragpipe::text
