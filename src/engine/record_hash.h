#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ragpipe/chunk.h"
#include "ragpipe/metadata.h"

namespace ragpipe::internal {

/// The part of a payload hash that all records of a document share.
std::string DocumentPayloadHash(std::string_view media_type, const Metadata& metadata);

/// LedgerChunk::payload_hash. `stored_text` is Record::text. Made of nothing but what a sink stores, so that it can be
/// computed again from a stored record.
std::string PayloadHash(const Chunk& chunk, std::size_t position, std::string_view stored_text,
                        std::string_view document_payload_hash);

}  // namespace ragpipe::internal
