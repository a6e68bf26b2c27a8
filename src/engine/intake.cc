#include "engine/intake.h"

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "engine/judgement.h"
#include "engine/validation.h"
#include "ragpipe/checkpoint.h"

namespace ragpipe::internal {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);    // the longest that a quiet feed delays the end of a run
constexpr absl::Duration kRetryPatience = absl::Minutes(1);  // a feed that never rests delays retries so long
constexpr std::size_t kUnknownBodyBytes = std::size_t{64} << 10;
constexpr std::size_t kTaskBytes = 1024;
constexpr std::size_t kCursorBytesShown = 64;

std::size_t BodyBytes(const Change& change) {
  if (change.document.has_value()) return change.document->text.size();
  return change.size_hint != 0 ? change.size_hint : kUnknownBodyBytes;
}

/// For a change without an id: where it is in the feed, or the how many-th of a listing. A dead letter needs a name of its own.
std::string NameOfPlace(const Change& change, std::uint64_t number) {
  const Cursor& cursor = change.resume_after;
  if (cursor.empty()) return fmt::format("(no id) number {} of a listing", number);
  const std::string shown =
      cursor.size() <= kCursorBytesShown ? absl::CHexEscape(cursor) : ToUuid(Fingerprint().Add(cursor).Digest());
  return fmt::format("(no id) partition '{}', up to cursor '{}'", change.partition, shown);
}

}  // namespace

absl::Status Intake::ReadFeed() {
  if (state_.replay.has_value()) {
    RAGPIPE_RETURN_IF_ERROR(Replay(*state_.replay));
    MutexLock lock(state_.mutex);
    state_.reached_end = true;
    return absl::OkStatus();
  }
  std::vector<Event> events;
  bool quiet = false;
  while (true) {
    {
      MutexLock lock(state_.mutex);
      if (state_.phase != State::Phase::kRunning || state_.reached_end) return absl::OkStatus();
      state_.reader_waits = quiet;
    }
    if (quiet) state_.WakeDownstream();  // what waits for more company goes on without
    if (AreLettersDue(quiet ? absl::ZeroDuration() : kRetryPatience)) RAGPIPE_RETURN_IF_ERROR(RetryDueLetters());
    events.clear();
    RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kRead, "ChangeStream::Next", [&] {
      const absl::Time now = state_.clock.Now();
      return stream_.Next(quiet ? now + kPoll : now, events);
    }));
    quiet = events.empty();
    if (quiet) continue;
    {
      MutexLock lock(state_.mutex);
      state_.reader_waits = false;
    }
    RAGPIPE_RETURN_IF_ERROR(Handle(events));
  }
}

absl::Status Intake::Handle(std::vector<Event>& events) {
  std::vector<Change> changes;  // a run of changes asks the ledger once
  for (Event& event : events) {
    if (auto* change = std::get_if<Change>(&event)) {
      changes.push_back(std::move(*change));
      continue;
    }
    RAGPIPE_RETURN_IF_ERROR(AdmitChanges(changes, Origin::kFeed));
    if (auto* bad = std::get_if<BadChange>(&event)) {
      AdmitBadChange(std::move(*bad));
    } else if (const auto* complete = std::get_if<SnapshotComplete>(&event)) {
      if (complete->partition.empty()) RAGPIPE_RETURN_IF_ERROR(DeleteAbsent());
    } else if (const auto* incomplete = std::get_if<SnapshotIncomplete>(&event)) {
      MutexLock lock(state_.mutex);
      state_.has_holes = true;
      state_.AddProblem(fmt::format("the source could not list everything, so nothing was deleted for its absence: {}",
                                    std::string(incomplete->reason.message())));
    } else if (const auto* revoked = std::get_if<PartitionRevoked>(&event)) {
      Revoke(*revoked);
    } else if (const auto* heartbeat = std::get_if<Heartbeat>(&event)) {
      MutexLock lock(state_.mutex);
      const absl::Time now = state_.clock.Now();
      state_.SampleFreshness(now);
      state_.frontier.Heartbeat(heartbeat->watermark);
      if (!state_.committed_until.has_value()) state_.report.watermark = state_.frontier.watermark(now);
    } else if (std::holds_alternative<EndOfFeed>(event)) {
      if (AreLettersDue(absl::ZeroDuration())) RAGPIPE_RETURN_IF_ERROR(RetryDueLetters());
      MutexLock lock(state_.mutex);
      state_.frontier.EndOfFeed();
      state_.reached_end = true;
    }
  }
  return AdmitChanges(changes, Origin::kFeed);
}

absl::Status Intake::AdmitChanges(std::vector<Change>& changes, Origin origin) {
  std::vector<Arrival> arrivals;
  arrivals.reserve(changes.size());
  absl::flat_hash_set<IdHash> arrived;
  auto decide_all = [&]() -> absl::Status {
    RAGPIPE_RETURN_IF_ERROR(FindKnown(arrivals));
    for (Arrival& arrival : arrivals) Decide(arrival);
    arrivals.clear();
    arrived.clear();
    return absl::OkStatus();
  };
  for (Change& change : changes) {
    const std::size_t bytes = EstimateBytes(change);
    // What arrived holds room that the ledger may give back: ask it before waiting for more.
    if (!arrivals.empty() && !HasRoom(bytes)) RAGPIPE_RETURN_IF_ERROR(decide_all());
    if (!WaitForRoom(bytes)) break;

    auto task = std::make_shared<Task>();
    task->change = std::move(change);
    task->origin = origin;
    if (absl::Status status = CheckDocumentId(task->change.document_id); !status.ok()) {
      task->Fail(Stage::kRead, status);
    }
    NameIfUnnamed(task->change);
    // The second change of a document must not be judged by what the ledger said before the first: the first may be
    // committed before the second is decided.
    const IdHash hash = HashOfId(task->change.document_id);
    const bool is_first = arrived.insert(hash).second;
    arrivals.push_back(Receive(std::move(task), bytes, hash));
    if (!is_first) arrivals.back().was_busy = true;
  }
  changes.clear();
  return decide_all();
}

Intake::Arrival Intake::Receive(TaskPtr task, std::size_t bytes, const IdHash& hash) {
  const Change& change = task->change;
  MutexLock lock(state_.mutex);
  const absl::Time now = state_.clock.Now();
  state_.SampleFreshness(now);
  ++state_.report.documents.seen;
  ++state_.in_flight;
  task->charged_bytes = bytes;
  state_.bytes_in_use += bytes;
  if (task->origin == Origin::kFeed) {
    task->position = state_.frontier.Add(change.partition, change.resume_after, change.updated_at, now);
    if (state_.has_ledger) state_.listed.insert(hash);
  }
  const bool was_busy = state_.order.IsBusy(change.document_id);
  return {std::move(task), was_busy};
}

absl::Status Intake::FindKnown(std::vector<Arrival>& arrivals) {
  if (!state_.has_ledger) return absl::OkStatus();
  std::vector<std::string_view> ids;
  std::vector<Task*> asked;
  for (const Arrival& arrival : arrivals) {
    if (arrival.was_busy || arrival.task->outcome == Outcome::kFailed) continue;
    ids.push_back(arrival.task->change.document_id);
    asked.push_back(arrival.task.get());
  }
  if (ids.empty()) return absl::OkStatus();
  std::vector<std::optional<LedgerEntry>> found;
  RAGPIPE_RETURN_IF_ERROR(FindEntries(ids, found));
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->known = std::move(found[i]);
  return absl::OkStatus();
}

absl::Status Intake::FindEntries(std::span<const std::string_view> ids, std::vector<std::optional<LedgerEntry>>& found) {
  RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kRead, "Checkpoint::FindEntries", [&] {
    return state_.stages.checkpoint.FindEntries(state_.source_name, ids, found);
  }));
  if (found.size() == ids.size()) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("Checkpoint::FindEntries returned {} entries for {} documents", found.size(), ids.size()));
}

void Intake::Decide(Arrival& arrival) {
  TaskPtr& task = arrival.task;
  const Change& change = task->change;
  MutexLock lock(state_.mutex);
  if (arrival.was_busy || state_.order.IsBusy(change.document_id)) {
    task->known.reset();
    if (state_.order.IsBusy(change.document_id)) {
      const TaskPtr older = state_.order.Wait(task);
      if (older == task) {
        state_.Retire(*task, Outcome::kSuperseded);
      } else if (older != nullptr) {
        state_.Supersede(*older, *task);
      }
      return;
    }
    state_.order.Begin(change.document_id);
    state_.Enter(std::move(task));
    return;
  }
  if (task->outcome != Outcome::kFailed && !JudgeTask(state_, *task)) return;
  state_.order.Begin(change.document_id);
  state_.Enter(std::move(task));
}

void Intake::NameIfUnnamed(Change& change) {
  if (change.document_id.empty()) change.document_id = NameOfPlace(change, ++unnamed_);
}

void Intake::AdmitBadChange(BadChange bad) {
  auto task = std::make_shared<Task>();
  task->change.document_id = std::move(bad.document_id);
  task->change.partition = std::move(bad.partition);
  task->change.resume_after = std::move(bad.resume_after);
  task->Fail(Stage::kRead, bad.reason.ok() ? absl::InvalidArgumentError("the source gave no reason") : bad.reason);
  NameIfUnnamed(task->change);
  if (!WaitForRoom(kTaskBytes)) return;
  const IdHash hash = HashOfId(task->change.document_id);
  Arrival arrival = Receive(std::move(task), kTaskBytes, hash);
  Decide(arrival);
}

void Intake::Revoke(const PartitionRevoked& revoked) {
  MutexLock lock(state_.mutex);
  state_.reader_awaits_writer = true;
  if (!revoked.lost) {  // nothing may be committed after the source has let go, not even the cursor of what was unchanged
    state_.reader_waits = true;
    state_.WakeDownstream();
    while ((state_.in_flight != 0 || state_.frontier.HasMoved()) && state_.phase == State::Phase::kRunning) {
      state_.reader_wakes.Wait(lock);
    }
    state_.reader_waits = false;
  }
  // Between two steps of the writer, so that what it has begun is committed whole or not at all.
  while (state_.writer_works && state_.phase == State::Phase::kRunning) state_.reader_wakes.Wait(lock);
  state_.reader_awaits_writer = false;
  if (revoked.lost || state_.phase == State::Phase::kRunning) state_.frontier.Forget(revoked.partition);
}

// As the documents before took; until there are some, as if each KiB were a chunk.
std::size_t Intake::EstimateBytes(const Change& change) const {
  constexpr double kGuessedBodies = 64 << 10;
  if (change.kind == Change::Kind::kDelete) return kTaskBytes;
  const double guessed_bytes = kGuessedBodies * (2 + static_cast<double>(state_.dimension * sizeof(float)) / 1024);
  MutexLock lock(state_.mutex);
  const double bytes_a_byte = (static_cast<double>(state_.planned_bytes) + guessed_bytes) /
                              (static_cast<double>(state_.planned_bodies) + kGuessedBodies);
  return state_.LeastBytes() + static_cast<std::size_t>(static_cast<double>(BodyBytes(change)) * std::max(2.0, bytes_a_byte));
}

bool Intake::HasRoom(std::size_t bytes) const {
  MutexLock lock(state_.mutex);
  return state_.HasRoom(bytes);
}

bool Intake::WaitForRoom(std::size_t bytes) {
  MutexLock lock(state_.mutex);
  if (!state_.HasRoom(bytes)) {
    state_.reader_waits = true;
    state_.WakeDownstream();
    while (!state_.HasRoom(bytes) && state_.phase == State::Phase::kRunning) state_.reader_wakes.Wait(lock);
    state_.reader_waits = false;
  }
  return state_.phase == State::Phase::kRunning;
}

bool Intake::WaitForDrain() {
  MutexLock lock(state_.mutex);
  state_.reader_waits = true;
  state_.WakeDownstream();
  while (state_.in_flight != 0 && state_.phase == State::Phase::kRunning) state_.reader_wakes.Wait(lock);
  state_.reader_waits = false;
  return state_.phase == State::Phase::kRunning;
}

}  // namespace ragpipe::internal
