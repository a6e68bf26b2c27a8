#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/normalize.h"

namespace ragpipe::text {

/// Gives another chunker normalized text. Ranges and overlaps are of the document as it was, and tile it if the other's do;
/// Chunk::text is the normalized text where it differs. A document of which nothing is left has no chunks.
class RAGPIPE_EXPORT NormalizingChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument for a null chunker, or no steps.
  static absl::StatusOr<NormalizingChunker> Create(std::shared_ptr<const Chunker> chunker,
                                                   std::vector<NormalizationStep> steps);

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  NormalizingChunker(std::shared_ptr<const Chunker> chunker, std::vector<NormalizationStep> steps);

  std::shared_ptr<const Chunker> chunker_;
  std::vector<NormalizationStep> steps_;
};

}  // namespace ragpipe::text
