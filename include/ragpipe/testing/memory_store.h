#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "ragpipe/checkpoint.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/ledger.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::testing {

struct MemoryStoreOptions {
  bool shared_transaction = true;  ///< writes become durable with the next Commit(), as in sqlite::Store; else with Flush()
  bool patches_payload = true;
  bool finds_vectors = true;
  bool keeps_ledger = true;
  bool lists_records = true;
};

/// Sink, checkpoint and index in memory. It outlives the pipelines that use it, as a database would, and can forget what a
/// killed process would have lost. It refuses what no pipeline should send (records of another dimension, patches of records
/// that it does not hold), so that a test sees the mistake.
/// Search: exact, every record is scored; BM25 (k1 = 1.2, b = 0.75) over lower-cased runs of letters and digits, where every
/// byte outside of ASCII counts as a letter.
/// Threading: sink(), checkpoint() and index() as their interfaces say; the rest from any thread.
class RAGPIPE_EXPORT MemoryStore final {
 public:
  struct Counts {
    std::uint64_t writes = 0;  ///< Write() calls that succeeded
    std::uint64_t upserts = 0;
    std::uint64_t patches = 0;
    std::uint64_t deletes = 0;  ///< of records that were there
    std::uint64_t flushes = 0;
    std::uint64_t commits = 0;
  };

  enum class UnflushedWrites { kLost, kKept };

  explicit MemoryStore(MemoryStoreOptions options = {});
  ~MemoryStore();
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  VectorSink& sink();
  Checkpoint& checkpoint();
  Index& index();

  /// As if the process had been killed: only what is durable stays. A sink of its own may have kept writes that nobody
  /// flushed; a shared transaction never does.
  void Crash(UnflushedWrites fate = UnflushedWrites::kLost);

  /// Somebody else's hand: what is durable of one record is replaced, or goes, and the ledger does not hear of it.
  void Overwrite(StoredRecord record);
  void Remove(const std::string& record_id);

  /// By record id: what is durable, which is also what the index sees.
  std::map<std::string, StoredRecord> records() const;

  /// By document id: the ledger, without its tombstones.
  std::map<std::string, LedgerEntry> entries(std::string_view source) const;

  Counts counts() const;

 private:
  class State;
  class Sink;
  class CheckpointPart;
  class IndexPart;

  std::unique_ptr<State> state_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<CheckpointPart> checkpoint_;
  std::unique_ptr<IndexPart> index_;
};

}  // namespace ragpipe::testing
