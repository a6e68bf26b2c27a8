#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/recipe.h"
#include "ragpipe/record.h"
#include "ragpipe/stored_record.h"

namespace ragpipe {

struct CollectionSpec {
  Recipe recipe;
  bool rebuild = false;  ///< the stored recipe may differ: drop every record and begin anew
};

/// Where records go.
/// Threading:  EnsureCollection(), Write() and Flush() from one thread at a time; the rest from several at once, also while
///             these run.
/// Ownership:  arguments are borrowed until the call returns.
/// Errors:     kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted are retried with the same arguments, so every
///             call must be repeatable; and what was given up must not take effect after a newer call, as a request that
///             a network kept back would. kInvalidArgument, kOutOfRange, kDataLoss from Write() say that some document is
///             refused: the engine halves the batch down to it, so a failed Write() must leave earlier writes intact. Any
///             other code ends the run, and nothing since the last commit is committed.
/// Exceptions: must not escape; one that does becomes kInternal.
/// Laziest correct sink: EnsureCollection, Write of upserts and deletes, Flush.
class RAGPIPE_EXPORT VectorSink {
 public:
  virtual ~VectorSink();

  /// Creates the collection; where it exists, compares the recipes with CheckSameRecipe() and refuses, or rebuilds if asked.
  virtual absl::Status EnsureCollection(const CollectionSpec& spec) = 0;

  /// Per document: upserts and patches land before deletes, so that a reader never sees a gap. Writing the same again
  /// changes nothing.
  virtual absl::Status Write(std::span<const DocumentWrite> writes) = 0;

  /// OK = all earlier writes are durable, or, where the sink shares the checkpoint's transaction, will be with its commit.
  virtual absl::Status Flush() = 0;

  /// Names the transaction that ends with Checkpoint::Commit(), where the sink shares one with the checkpoint that returns the
  /// same pointer: what was written then becomes durable with the ledger, or goes with it. Null = writes become durable on
  /// their own, so the engine marks in the ledger what it is about to write. A sink that stands before another passes it on.
  virtual const void* transaction() const { return nullptr; }

  /// Whether Write() takes DocumentWrite::patches. If not, a moved chunk is written anew with its vector.
  virtual bool patches_payload() const { return false; }

  /// For each text key, the vector of any stored record with this key, else an empty vector. `out` is resized to
  /// text_keys.size(). Lets renamed and moved text keep its vectors. Default: none found.
  virtual absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out);

  /// Whether the two below say what is stored. Pipeline::Verify() and Repair() need it.
  virtual bool lists_records() const { return false; }

  /// The next at most `limit` ids after `after`, in byte order, of the documents of the source that have durable records;
  /// none = the end.
  virtual absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                                 std::size_t limit);

  /// Appends every durable record of these documents, in any order, with every field as it was written but Chunk::text. A
  /// vector that is damaged or missing is no error: it comes as it is, or empty.
  virtual absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                                   std::vector<StoredRecord>& out);

  /// Builds anew whatever the sink derives from its records (indexes, counts), and drops what belongs to no document.
  /// Repair() calls it, between EnsureCollection() and Flush(), when it found damage. Default: nothing is derived.
  virtual absl::Status Reindex();

 protected:
  VectorSink() = default;
  VectorSink(const VectorSink&) = default;
  VectorSink& operator=(const VectorSink&) = default;
};

}  // namespace ragpipe
