#include "ragpipe/stored_record.h"

#include <tuple>

namespace ragpipe {
namespace {

auto Fields(const Chunk& chunk) {
  return std::tie(chunk.range.begin, chunk.range.end, chunk.overlap, chunk.context, chunk.headings, chunk.tokens,
                  chunk.tokens_are_estimated);
}

}  // namespace

bool operator==(const StoredRecord& a, const StoredRecord& b) {
  return a.id == b.id && a.source == b.source && a.document_id == b.document_id && a.text_key == b.text_key &&
         a.vector == b.vector && a.text == b.text && a.position == b.position && Fields(a.chunk) == Fields(b.chunk) &&
         a.media_type == b.media_type && a.metadata == b.metadata && a.version == b.version && a.updated_at == b.updated_at;
}

StoredRecord ToStoredRecord(const DocumentWrite& write, const Record& record) {
  StoredRecord stored;
  stored.id = record.id;
  stored.source = write.source;
  stored.document_id = write.document_id;
  stored.text_key = record.text_key;
  stored.vector.assign(record.vector.begin(), record.vector.end());
  stored.text = record.text;
  stored.position = record.position;
  if (record.chunk != nullptr) stored.chunk = *record.chunk;
  stored.media_type = write.media_type;
  if (write.metadata != nullptr) stored.metadata = *write.metadata;
  stored.version = write.version;
  stored.updated_at = write.updated_at;
  return stored;
}

}  // namespace ragpipe
