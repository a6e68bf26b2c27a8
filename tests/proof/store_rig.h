#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/cursor.h"
#include "ragpipe/ledger.h"
#include "ragpipe/report.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::proof {

/// All that a store holds for its host.
struct Contents {
  std::map<std::string, StoredRecord> records;  ///< by record id
  std::map<std::string, LedgerEntry> ledger;             ///< by document id
  std::map<Partition, Cursor> cursors;

  friend bool operator==(const Contents&, const Contents&) = default;
};

/// Reads by searching: what no search finds, by vector and by word, is not there. Each record must have the word kEveryText.
inline constexpr std::string_view kEveryText = "everywhere";
absl::StatusOr<Contents> ReadContents(sqlite::Store& store);

/// Inserts, edits and deletes some documents.
void Edit(testing::MemorySource& source, std::mt19937_64& random);

/// One run with commits of a few documents each, in virtual time.
absl::Status Ingest(testing::MemorySource& source, VectorSink& sink, Checkpoint& checkpoint, RunReport& report);

/// How the contents differ from the source's documents, in words; "" = not at all.
std::string FindDifference(const Contents& contents, const testing::MemorySource& source);

/// What SQLite's own checks of the file and of its full-text index find; "" = nothing.
std::string FindDamage(const std::string& path);

/// Passes each call on to a store and, first, to a MemoryStore, and keeps what that held after each commit: what the store may
/// hold, too. Threading: one pipeline at a time.
class Witness {
 public:
  Witness() { states_.emplace_back(); }

  /// Of the store that the next run writes; valid until the next call.
  VectorSink& Watch(VectorSink& sink);
  Checkpoint& Watch(Checkpoint& checkpoint);

  const std::vector<Contents>& states() const { return states_; }  ///< the first is empty, the last may not be committed
  std::size_t acknowledged() const { return acknowledged_; }       ///< of states(): the last for which Commit() returned OK

 private:
  class Sink;
  class Check;

  testing::MemoryStore memory_;
  std::vector<Contents> states_;
  std::size_t acknowledged_ = 0;
  std::shared_ptr<VectorSink> sink_;
  std::shared_ptr<Checkpoint> checkpoint_;
};

}  // namespace ragpipe::proof
