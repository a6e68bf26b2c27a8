#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"

namespace ragpipe::text {

/// Gives each document to the chunker for its media type, in a mixed feed. Types are compared without parameters and case. The
/// first route that matches is taken; documents that match none, or state no type, go to the default.
class RAGPIPE_EXPORT RouterChunker final : public Chunker {
 public:
  struct Route {
    std::string media_type;  ///< "text/markdown", or "text/*" for a whole family
    std::shared_ptr<const Chunker> chunker;
  };

  /// Errors: kInvalidArgument for a null chunker, or a media type that is not "TYPE/SUBTYPE", with the number of the route.
  static absl::StatusOr<RouterChunker> Create(std::vector<Route> routes, std::shared_ptr<const Chunker> otherwise);

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override;
  /// Of all chunkers: a change of any is a change of the recipe.
  std::string Fingerprint() const override;

 private:
  RouterChunker(std::vector<Route> routes, std::shared_ptr<const Chunker> otherwise);

  const Chunker& ChunkerFor(const Document& document) const;

  std::vector<Route> routes_;
  std::shared_ptr<const Chunker> otherwise_;
};

}  // namespace ragpipe::text
