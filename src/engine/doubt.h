#pragma once

#include <utility>

#include "ragpipe/ledger.h"

namespace ragpipe::internal {

// An entry in doubt says that the document is in the index and that nobody knows in which state. Whatever the source sends
// of it is processed, its deletion too, and replaces every record that the sink holds of it. Its ordinal still fences.

inline bool IsDoubtful(const LedgerEntry& entry) { return entry.content_hash.empty() && !entry.deleted_at.has_value(); }

inline LedgerEntry Doubt(LedgerEntry entry) {
  entry.version.token.clear();
  entry.content_hash.clear();
  entry.chunks.clear();
  return entry;
}

}  // namespace ragpipe::internal
