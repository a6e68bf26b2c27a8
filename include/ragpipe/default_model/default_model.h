#pragma once

#include <absl/status/statusor.h>

#include "ragpipe/embed/static_embedder.h"
#include "ragpipe/export.h"

namespace ragpipe::embed {

/// The small English model that is carried inside this library: 29,525 WordPiece tokens x 256 dimensions, distilled from
/// all-MiniLM-L6-v2 (Apache-2.0). 8 MB of read-only data. The first call parses the vocabulary; all callers share one model.
RAGPIPE_EXPORT absl::StatusOr<StaticEmbedder> DefaultModel();

}  // namespace ragpipe::embed
