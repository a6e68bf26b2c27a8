#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"

namespace ragpipe {

/// One chunk as the sink stores it. Views are borrowed for the call.
struct Record {
  std::string_view id;            ///< unique within the collection
  std::string_view text_key;      ///< 16 bytes: fingerprint of the embedded text; equal keys have equal vectors
  std::span<const float> vector;  ///< [dimension], finite; empty in a payload patch
  std::string_view text;          ///< the chunk's own bytes, or Chunk::text
  std::size_t position = 0;       ///< index of the chunk in its document
  const Chunk* chunk = nullptr;   ///< range, headings, context, tokens
};

/// One document's move from what the index holds to what it should hold.
struct DocumentWrite {
  std::string_view source;
  std::string_view document_id;
  Version version;
  absl::Time updated_at = absl::InfinitePast();
  std::string_view media_type;
  const Metadata* metadata = nullptr;            ///< of every record of the document; null when the document goes
  std::span<const Record> upserts;               ///< new, or with a new vector
  std::span<const Record> patches;               ///< stored already: the vector stays, everything else is replaced
  std::span<const std::string_view> deletes;     ///< record ids that vanished
  bool replace_all = false;  ///< nothing is known of the past: drop every record of the document that is not in `upserts`
};

}  // namespace ragpipe
