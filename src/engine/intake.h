#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/state.h"
#include "ragpipe/ledger.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

/// The first step: reads the feed, asks the ledger what is unchanged, stale or already gone, and hands the rest on, in the
/// order of each document and within the memory budget. Also deletes what a complete listing no longer names.
class Intake {
 public:
  Intake(State& state, ChangeStream& stream) : state_(state), stream_(stream) {}

  /// Reads until the feed ends or the run does.
  absl::Status ReadFeed();

 private:
  struct Arrival {
    TaskPtr task;
    bool was_busy = false;  // on arrival: the ledger is asked when its turn comes
  };

  absl::Status Handle(std::vector<Event>& events);
  absl::Status AdmitChanges(std::vector<Change>& changes, Origin origin);
  Arrival Receive(TaskPtr task, std::size_t bytes, const IdHash& hash);  // `hash`: of the document's id
  absl::Status FindKnown(std::vector<Arrival>& arrivals);
  absl::Status FindEntries(std::span<const std::string_view> ids, std::vector<std::optional<LedgerEntry>>& found);
  void Decide(Arrival& arrival);
  void NameIfUnnamed(Change& change);
  void AdmitBadChange(BadChange bad);
  void Revoke(const PartitionRevoked& revoked);

  /// What a document and all that is made of it will take, before it is read. The chunking step corrects it.
  std::size_t EstimateBytes(const Change& change) const;
  bool HasRoom(std::size_t bytes) const;
  /// Blocks while the budget is spent. False when the run is ending.
  bool WaitForRoom(std::size_t bytes);
  /// Blocks until everything received is committed. False when the run is ending.
  bool WaitForDrain();

  // In redelivery.cc.
  absl::Status Replay(const DeadLetterFilter& filter);
  absl::Status RetryDueLetters();
  bool AreLettersDue(absl::Duration for_at_least) const;
  absl::Status RetryLetters(absl::FunctionRef<bool(const DeadLetter&)> is_wanted);

  // In absence.cc.
  absl::Status DeleteAbsent();
  /// Leaves in `ids` what a complete listing of an earlier run lacked, too, and gives what this one lacks for the first time.
  absl::Status TakeUnconfirmed(std::vector<std::string>& ids, std::vector<LedgerEntry>& unconfirmed);
  absl::Status MarkAbsent(std::vector<LedgerEntry> entries);
  absl::Status ForgetAbsentDeadLetters();

  State& state_;
  ChangeStream& stream_;
  std::uint64_t unnamed_ = 0;           // changes without an id so far
  absl::flat_hash_set<IdHash> marked_;  // as absent, in this run
};

}  // namespace ragpipe::internal
