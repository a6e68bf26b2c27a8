#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"

namespace ragpipe::internal {

/// What the host's stages hand over is checked before it is used or stored. Messages hold places, never text.

absl::Status CheckDocumentId(std::string_view id);

/// OK, or why the document cannot be indexed.
absl::Status CheckDocument(const Document& document, std::string_view expected_id, std::size_t max_bytes);

/// OK, or kInternal with what is wrong with the chunker's answer.
absl::Status CheckChunks(const Document& document, const std::vector<Chunk>& chunks);

/// OK, or kInvalidArgument with what is wrong with an embedder's row.
absl::Status CheckVector(std::span<const float> vector, bool may_be_zero);

}  // namespace ragpipe::internal
