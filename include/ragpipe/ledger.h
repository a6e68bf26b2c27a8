#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/cursor.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"

namespace ragpipe {

/// One record that the index holds for a document.
struct LedgerChunk {
  std::string record_id;
  std::string text_key;      ///< 16 bytes: fingerprint of the embedded text
  std::string payload_hash;  ///< 16 bytes: fingerprint of everything else that is stored

  friend bool operator==(const LedgerChunk&, const LedgerChunk&) = default;
};

/// What the index holds of one document; or a tombstone, which says that it holds nothing and what was deleted.
struct LedgerEntry {
  std::string document_id;
  Version version = {};
  std::string content_hash = {};  ///< 16 bytes: fingerprint of text, media type and metadata
  std::vector<LedgerChunk> chunks = {};
  std::optional<absl::Time> deleted_at = {};  ///< set = a tombstone: `version` is the deletion's, content and chunks are empty
  std::optional<absl::Time> absent_since = {};  ///< when a complete listing first lacked it; see DeletionGuard

  /// No content hash and no tombstone: some of the document may be in the index, and nobody knows what, because a write was
  /// begun and not committed or Repair() found damage. Whatever comes of the document next is processed, its deletion too,
  /// and replaces every record that the sink holds of it. The ordinal still fences.
  bool is_in_doubt() const { return content_hash.empty() && !deleted_at.has_value(); }

  friend bool operator==(const LedgerEntry&, const LedgerEntry&) = default;
};

enum class Stage { kRead, kLoad, kChunk, kEmbed, kWrite, kCommit };

RAGPIPE_EXPORT std::string_view ToString(Stage stage);

/// A change that could not be processed. The index keeps what it held of the document before.
struct DeadLetter {
  std::string document_id;
  bool is_delete = false;  ///< the change was the document's deletion
  Version version;
  Partition partition;
  Stage stage = Stage::kRead;
  absl::Status reason;
  int attempts = 1;  ///< runs that failed on it
  absl::Time first_failure = absl::InfinitePast();
  absl::Time last_failure = absl::InfinitePast();
  absl::Time next_attempt = absl::InfiniteFuture();  ///< when a run tries it again by itself; InfiniteFuture = never
  std::optional<Document> document;                  ///< the body, when it came with the change: nobody could read it again
};

/// Chooses dead letters: those that match every member that is set.
struct DeadLetterFilter {
  std::optional<Stage> stage = {};
  std::optional<absl::StatusCode> code = {};   ///< of the reason
  std::vector<std::string> document_ids = {};  ///< empty = all
};

}  // namespace ragpipe
