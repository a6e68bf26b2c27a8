#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"

namespace ragpipe {

/// Splits documents.
/// Threading:  Split() from several threads at once.
/// Exceptions: must not escape; one that does becomes kInternal.
class RAGPIPE_EXPORT Chunker {
 public:
  virtual ~Chunker();

  /// A pure function of the document and the chunker's options: the same input gives the same chunks on any thread and
  /// machine. `document.text` is valid UTF-8 without NUL. The ranges are in order, inside the text, on code point boundaries,
  /// and do not overlap; a chunker that keeps everything tiles the text. An empty document has no chunks.
  /// Errors: kInvalidArgument, kOutOfRange, kDataLoss, kInternal make a dead letter of the document; any other ends the run.
  virtual absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const = 0;

  /// Readable, and different whenever any output may differ: name, version, options, tokenizer. It is part of the recipe.
  virtual std::string Fingerprint() const = 0;

 protected:
  Chunker() = default;
  Chunker(const Chunker&) = default;
  Chunker& operator=(const Chunker&) = default;
};

}  // namespace ragpipe
