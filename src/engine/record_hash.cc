#include "engine/record_hash.h"

#include "core/fingerprint.h"

namespace ragpipe::internal {

std::string DocumentPayloadHash(std::string_view media_type, const Metadata& metadata) {
  return Fingerprint().Add(media_type).Add(metadata).Digest();
}

std::string PayloadHash(const Chunk& chunk, std::size_t position, std::string_view stored_text,
                        std::string_view document_payload_hash) {
  Fingerprint payload;
  payload.Add(document_payload_hash).Add(position).Add(chunk.range.begin).Add(chunk.range.end).Add(chunk.overlap);
  payload.Add(chunk.tokens).Add(chunk.tokens_are_estimated).Add(chunk.context).Add(chunk.headings.size());
  for (const std::string& heading : chunk.headings) payload.Add(heading);
  return payload.Add(stored_text).Digest();
}

}  // namespace ragpipe::internal
