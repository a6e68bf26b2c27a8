#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"

namespace ragpipe::testing {

/// One chunk a paragraph, so that a test can foretell chunks by eye. Paragraphs are separated by blank lines, which belong
/// to the paragraph before (leading ones to the first). The chunks tile the text; tokens are words between ASCII white space.
class RAGPIPE_EXPORT ParagraphChunker final : public Chunker {
 public:
  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;
};

}  // namespace ragpipe::testing
