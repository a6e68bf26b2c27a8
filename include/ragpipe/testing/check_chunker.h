#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/chunker.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"
#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// Chunkers of one configuration: each call gives a new one, or the same again.
using ChunkerFactory = std::function<std::shared_ptr<const Chunker>()>;

struct ChunkerCheckOptions {
  bool keeps_everything = true;  ///< false: leaves text out on purpose and does not say which
  std::function<std::vector<ByteRange>(const Document&)> dropped =
      {};  ///< the bytes of a document that are in no chunk on purpose; without it there are none
  std::function<std::size_t(std::string_view)> count_tokens =
      {};                                ///< the chunker's own count; without it tokens are not checked
  bool tokens_are_estimated = false;     ///< true: that count only estimates, which each chunk has to say
  std::size_t max_tokens = SIZE_MAX;     ///< that the chunker was asked to keep to
  std::size_t edit_radius = 0;           ///< how far an edit reaches: in count_tokens, without it in bytes; 0: not checked
  std::vector<Document> documents = {};  ///< instead of the kit's own, where the chunker cannot take any text
};

/// Rule                          demands (of chunker.h and chunk.h)
/// chunker.factory               the factory gives a chunker
/// chunker.no_throw              no call throws ("Exceptions: must not escape")
/// chunker.fingerprint.readable  Fingerprint() is "readable": not empty, UTF-8 without control characters
/// chunker.fingerprint.stable    Fingerprint() is the same every time and for each object, being "part of the recipe"
/// chunker.accepts               every document of "valid UTF-8 without NUL" is split
/// chunker.empty                 "an empty document has no chunks"
/// chunker.pure                  "the same input gives the same chunks", whatever was split before, from each object
/// chunker.concurrent            ... and "on any thread": also from several at once
/// chunker.ranges.inside         "the ranges are ... inside the text"
/// chunker.ranges.order          "the ranges are in order ... and do not overlap"
/// chunker.ranges.code_points    ranges and overlaps begin and end "on code point boundaries"
/// chunker.ranges.crlf           "ranges and overlaps divide no CRLF"
/// chunker.ranges.tile           "a chunker that keeps everything tiles the text", and any other does so together with
/// `dropped`:
///                               each byte is in one range
/// chunker.overlap               the bytes of Chunk::overlap "belong to the chunk before"
/// chunker.embeds_text           context, overlap and own bytes together are not empty (EmbedRequest::texts: "not empty")
/// chunker.utf8                  context and headings are UTF-8 without NUL, as the text is
/// chunker.tokens                Chunk::tokens is the "count of context + overlap + own bytes", at most max_tokens
/// chunker.tokens.estimated      Chunk::tokens_are_estimated says whether "the tokenizer only estimates"
/// chunker.edit_radius           where one word is inserted, deleted or replaced, each chunk that lies wholly further than
///                               edit_radius from it stays what it was: range, context, text and count
/// chunker.stream                SplitStream() gives the chunks "that Split() gives of the whole", each with its text
///
/// Whether grapheme clusters stay whole is not looked at: that takes the tables of Unicode, which the kit does without.
RAGPIPE_EXPORT std::vector<Finding> CheckChunker(const ChunkerFactory& factory, const ChunkerCheckOptions& options = {});

}  // namespace ragpipe::testing
