#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ragpipe/cursor.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"

namespace ragpipe {

/// One document was written or removed at the source.
struct Change {
  enum class Kind { kUpsert, kDelete };

  Kind kind = Kind::kUpsert;
  std::string document_id;
  Version version;
  absl::Time updated_at = absl::InfinitePast();
  std::size_t size_hint = 0;         ///< bytes of the body, for the memory budget; 0 = unknown
  std::optional<Document> document;  ///< empty: the engine calls Load(), and only for what the ledger does not know
  Partition partition;
  Cursor resume_after;  ///< where to resume once this change is committed; empty = the source keeps no position
};

/// Something in the feed that is no document: a line that does not parse, a row without a key. It becomes a dead letter and
/// the feed goes on. A snapshot that cannot tell which document it was ends with SnapshotIncomplete.
struct BadChange {
  std::string document_id;  ///< where known, else a name for the place: "line 17"; empty = the engine makes one
  absl::Status reason;      ///< what is wrong and what to do; without document text
  Partition partition;
  Cursor resume_after;
};

/// Every live document of the partition was listed since the stream was opened, without error: what was not, is gone. Only
/// the unnamed partition's deletes documents for their absence: the ledger does not know which partition one came from.
struct SnapshotComplete {
  Partition partition;
};

/// The listing ended but has holes (a directory that cannot be read). Everything listed counts; nothing is deleted for its
/// absence; the run is not reported complete.
struct SnapshotIncomplete {
  Partition partition;
  absl::Status reason;
};

struct PartitionAssigned {
  Partition partition;
};

/// The partition goes to somebody else. Where it is not `lost`, everything received of it is finished, committed and
/// acknowledged when Next() is called again, which takes as long as the stages take: the source lets go in that call.
/// `lost` = somebody else may own it already: what is in flight for it is abandoned, and once Next() is called again nothing of
/// it is written or committed. Its cursor stays where it was. What the sink was given before stands in the ledger as in doubt,
/// and is replaced by whatever comes of the document next. Changes of the partition may come again after PartitionAssigned,
/// from where it was committed.
struct PartitionRevoked {
  Partition partition;
  bool lost = false;
};

/// Nothing new, and alive: freshness stays measurable when the feed is idle.
struct Heartbeat {
  absl::Time watermark = absl::InfinitePast();  ///< of every partition: all changes up to this event time were sent
};

/// A bounded feed ends with this; an endless one never sends it.
struct EndOfFeed {};

using Event = std::variant<Change, BadChange, SnapshotComplete, SnapshotIncomplete, PartitionAssigned, PartitionRevoked,
                           Heartbeat, EndOfFeed>;

/// An open feed.
/// Threading:  Next() from one thread at a time; Load() from several at once, also while Next() runs; Acknowledge() from
///             another thread than Next().
/// Lifetime:   used until the run ends, then destroyed before its Source.
/// Exceptions: must not escape; one that does becomes kInternal.
class RAGPIPE_EXPORT ChangeStream {
 public:
  virtual ~ChangeStream();

  /// Appends the events that are there, at most some hundreds a call. When there are none it waits for one until `deadline`
  /// (which may have passed already) and then appends none.
  /// Errors: kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted are retried by calling again; any other ends the
  /// run.
  virtual absl::Status Next(absl::Time deadline, std::vector<Event>& out) = 0;

  /// Reads the body of a change that came without one. Document::id must be the change's.
  /// Errors: kNotFound = it has gone since (absence or a later event will say so); kInvalidArgument, kOutOfRange, kDataLoss,
  /// kInternal = this document is bad: a dead letter, the rest goes on; transient codes are retried, and a document whose
  /// retries are spent is set aside to be tried again later, but 16 such in a row end the run; so does any other code.
  /// Laziest override: none, when every upsert carries its document.
  virtual absl::StatusOr<Document> Load(const Change& change);

  /// The engine committed up to here: acknowledge upstream (consumer offsets, replication slot). Default: nothing to do.
  virtual absl::Status Acknowledge(std::span<const PartitionCursor> committed);

 protected:
  ChangeStream() = default;
  ChangeStream(const ChangeStream&) = default;
  ChangeStream& operator=(const ChangeStream&) = default;
};

/// Where documents come from.
/// Threading:  called from one thread at a time.
/// Laziest correct source: lists every document with its text, then SnapshotComplete and EndOfFeed.
class RAGPIPE_EXPORT Source {
 public:
  virtual ~Source();

  /// Names the cursors and the ledger in the checkpoint: stable between runs, unique within the index, not empty.
  virtual std::string_view name() const = 0;

  /// Opens the feed after the given positions (empty: from the beginning). A position that the source can no longer resume
  /// from is not an error: it starts over, and the ledger skips what is known.
  virtual absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) = 0;

 protected:
  Source() = default;
  Source(const Source&) = default;
  Source& operator=(const Source&) = default;
};

}  // namespace ragpipe
