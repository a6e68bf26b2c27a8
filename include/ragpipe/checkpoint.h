#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/cursor.h"
#include "ragpipe/export.h"
#include "ragpipe/ledger.h"
#include "ragpipe/recipe.h"

namespace ragpipe {

struct CommitRequest {
  std::string_view source;
  std::span<const PartitionCursor> cursors;        ///< partitions not named keep theirs; an empty one: from the beginning again
  std::span<const LedgerEntry> entries;            ///< inserted or replaced; clears the document's dead letter, unless in doubt
  std::span<const std::string> forgotten;          ///< document ids whose entry and dead letter go
  std::span<const std::string> dropped_letters;    ///< document ids whose dead letter goes; the entry stays
  std::span<const DeadLetter> dead_letters;        ///< inserted, or replaced with one attempt more and the first failure kept
  absl::Time purge_before = absl::InfinitePast();  ///< the source's tombstones of deletions before this go
  const Recipe* recipe = nullptr;                  ///< when set, stored: the ledger's entries are of this recipe
  bool reset = false;                              ///< first drop every cursor, entry and dead letter, of every source
};

/// Remembers how far the index is.
/// Threading:  Commit() from one thread at a time; the rest from several at once, also while Commit() runs; they see whole
///             commits only.
/// Errors:     kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted are retried with the same request; any other
///             code ends the run.
/// Exceptions: must not escape; one that does becomes kInternal.
/// Laziest correct checkpoint: LoadCursors and Commit of cursors. Without a ledger the pipeline is at-least-once: it embeds
/// again what the source delivers again, and deletes only by delete events.
class RAGPIPE_EXPORT Checkpoint {
 public:
  virtual ~Checkpoint();

  virtual absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) = 0;

  /// All of the request or nothing of it, durable when it returns OK.
  virtual absl::Status Commit(const CommitRequest& request) = 0;

  /// See VectorSink::transaction().
  virtual const void* transaction() const { return nullptr; }

  /// True where the ledger below is kept; then all of it must be.
  virtual bool keeps_ledger() const { return false; }

  /// The recipe of the last commit that set one; empty before.
  virtual absl::StatusOr<std::optional<Recipe>> LoadRecipe();

  /// `out` is resized to document_ids.size(); unknown documents are empty. Tombstones are found, too.
  virtual absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                                   std::vector<std::optional<LedgerEntry>>& out);

  /// The next at most `limit` document ids after `after` in byte order; none = the end. Tombstones are not listed.
  virtual absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                                 std::size_t limit);

  /// The next at most `limit` dead letters with document ids after `after` in byte order; none = the end.
  virtual absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                                  std::size_t limit);

 protected:
  Checkpoint() = default;
  Checkpoint(const Checkpoint&) = default;
  Checkpoint& operator=(const Checkpoint&) = default;
};

}  // namespace ragpipe
