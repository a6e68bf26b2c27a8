#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"

namespace ragpipe {

/// The next part of a text, which is good until the next call; empty at the end. Parts may end anywhere, also in a code point.
/// Its errors are given back as they are.
using ReadText = std::function<absl::StatusOr<std::string_view>()>;

/// Takes a chunk and its overlap and own bytes (or Chunk::text), which are good until it returns. An error ends the split.
using TakeChunk = std::function<absl::Status(const Chunk& chunk, std::string_view text)>;

/// Splits documents.
/// Threading:  Split() from several threads at once.
/// Exceptions: must not escape; one that does becomes kInternal.
class RAGPIPE_EXPORT Chunker {
 public:
  virtual ~Chunker();

  /// A pure function of the document and the chunker's options: the same input gives the same chunks on any thread and
  /// machine. `document.text` is valid UTF-8 without NUL. The ranges are in order, inside the text, on code point boundaries,
  /// and do not overlap; ranges and overlaps divide no CRLF; a chunker that keeps everything tiles the text. An empty document
  /// has no chunks.
  /// Errors: kInvalidArgument, kOutOfRange, kDataLoss, kInternal make a dead letter of the document; any other ends the run.
  virtual absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const = 0;

  /// As Split(), for a text that is longer than memory allows: it comes in parts, and each chunk goes as soon as it is certain.
  /// The chunks are those that Split() gives of the whole, in order. `document.text` is not looked at.
  /// Default: reads all of the text, then calls Split(). A chunker that needs less memory says so.
  /// Errors: as Split(); chunks may have been taken before.
  virtual absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const;

  /// Readable, and different whenever any output may differ: name, version, options, tokenizer. It is part of the recipe.
  virtual std::string Fingerprint() const = 0;

 protected:
  Chunker() = default;
  Chunker(const Chunker&) = default;
  Chunker& operator=(const Chunker&) = default;
};

}  // namespace ragpipe
