#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <string>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"
#include "ragpipe/metadata.h"
#include "ragpipe/record.h"

namespace ragpipe {

/// A Record and its document's part of a DocumentWrite, owned: what a sink holds after the write.
struct StoredRecord {
  std::string id;
  std::string source;
  std::string document_id;
  std::string text_key;
  std::vector<float> vector;
  std::string text;
  std::size_t position = 0;
  Chunk chunk;
  std::string media_type;
  Metadata metadata;
  Version version;
  absl::Time updated_at = absl::InfinitePast();
};

RAGPIPE_EXPORT bool operator==(const StoredRecord& a, const StoredRecord& b);

/// What `record`, an upsert of `write`, becomes.
RAGPIPE_EXPORT StoredRecord ToStoredRecord(const DocumentWrite& write, const Record& record);

}  // namespace ragpipe
