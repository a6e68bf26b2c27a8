#include "proof/rebalanced_source.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace ragpipe::proof {

class RebalancedSource::Stream final : public ChangeStream {
 public:
  Stream(RebalancedSource& source, std::unique_ptr<ChangeStream> stream)
      : source_(source), stream_(std::move(stream)), random_(source.options_.seed) {}

  ~Stream() override {
    for (const auto& [partition, lane] : lanes_) {
      if (!lane.is_owned && !lane.is_leaving) CheckUntouched(partition, lane);
    }
  }

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    for (auto& [partition, lane] : lanes_) {
      if (std::exchange(lane.is_leaving, false)) LetGo(partition, lane);
      if (!lane.is_owned && OneIn(3)) GiveBack(partition, lane, out);
    }
    if (!out.empty()) return absl::OkStatus();
    std::vector<Event> events;
    if (absl::Status status = stream_->Next(deadline, events); !status.ok()) return status;
    bool has_ended = false;
    for (Event& event : events) {
      has_ended = has_ended || std::holds_alternative<EndOfFeed>(event);
      if (has_ended) {
        for (auto& [partition, lane] : lanes_) {
          if (!lane.is_owned) GiveBack(partition, lane, out);
        }
      }
      Pass(std::move(event), out);
    }
    if (!out.empty() && !has_ended && OneIn(2)) TakeAway(out);
    return absl::OkStatus();
  }

  absl::StatusOr<Document> Load(const Change& change) override { return stream_->Load(change); }
  absl::Status Acknowledge(std::span<const PartitionCursor> committed) override { return stream_->Acknowledge(committed); }

 private:
  struct Lane {
    std::vector<Event> events;  // since the stream was opened
    std::size_t sent = 0;       // of them
    bool is_owned = true;
    bool is_leaving = false;  // until Next() is called again
    bool was_lost = false;

    // As of when it was let go.
    Cursor committed;
    std::map<std::string, std::optional<LedgerEntry>> entries;
  };

  bool OneIn(std::size_t n) { return random_() % n == 0; }

  static const Cursor& CursorOf(const Event& event) {
    if (const auto* bad = std::get_if<BadChange>(&event)) return bad->resume_after;
    return std::get<Change>(event).resume_after;
  }

  void Pass(Event event, std::vector<Event>& out) {
    const auto* const change = std::get_if<Change>(&event);
    const auto* const bad = std::get_if<BadChange>(&event);
    if (change == nullptr && bad == nullptr) return out.push_back(std::move(event));
    Lane& lane = lanes_[change != nullptr ? change->partition : bad->partition];
    lane.events.push_back(event);
    if (!lane.is_owned) return;
    out.push_back(std::move(event));
    lane.sent = lane.events.size();
  }

  void TakeAway(std::vector<Event>& out) {
    const auto chosen = std::next(lanes_.begin(), static_cast<std::ptrdiff_t>(random_() % lanes_.size()));
    Lane& lane = chosen->second;
    if (!lane.is_owned) return;
    lane.was_lost = source_.options_.loses && OneIn(2);
    lane.is_owned = false;
    lane.is_leaving = true;
    out.emplace_back(PartitionRevoked{chosen->first, lane.was_lost});
  }

  /// The engine has dealt with the revocation.
  void LetGo(const Partition& partition, Lane& lane) {
    ++source_.checks_;
    lane.committed = CommittedCursor(partition);
    lane.entries = Entries(lane);
    const Cursor& last = lane.sent == 0 ? lane.committed : CursorOf(lane.events[lane.sent - 1]);
    if (!lane.was_lost && lane.committed != last) {
      source_.violate_(fmt::format("partition {} was revoked after cursor '{}' and is let go at cursor '{}'", partition, last,
                                   lane.committed));
    }
  }

  void GiveBack(const Partition& partition, Lane& lane, std::vector<Event>& out) {
    if (lane.is_leaving) LetGo(partition, lane);
    lane.is_leaving = false;
    CheckUntouched(partition, lane);
    lane.is_owned = true;
    out.emplace_back(PartitionAssigned{partition});
    std::size_t next = lane.events.size();
    while (next > 0 && CursorOf(lane.events[next - 1]) != lane.committed) --next;
    lane.events.erase(lane.events.begin(), lane.events.begin() + static_cast<std::ptrdiff_t>(next));
    out.insert(out.end(), lane.events.begin(), lane.events.end());
    lane.sent = lane.events.size();
  }

  void CheckUntouched(const Partition& partition, const Lane& lane) {
    const Cursor committed = CommittedCursor(partition);
    if (committed != lane.committed) {
      source_.violate_(fmt::format("partition {} was let go at cursor '{}', and then cursor '{}' was committed", partition,
                                   lane.committed, committed));
    }
    for (const auto& [id, entry] : Entries(lane)) {
      const auto before = lane.entries.find(id);
      if (before == lane.entries.end() || entry == before->second) continue;
      if (lane.was_lost && entry.has_value() && entry->is_in_doubt()) continue;
      source_.violate_(fmt::format("partition {} was let go, and then document '{}' was committed", partition, id));
    }
  }

  Cursor CommittedCursor(const Partition& partition) {
    const auto cursors = source_.checkpoint_.LoadCursors(source_.name());
    if (!cursors.ok()) return Cursor();
    for (const PartitionCursor& position : *cursors) {
      if (position.partition == partition) return position.cursor;
    }
    return Cursor();
  }

  /// What the ledger says of the documents that were sent, but for dead letters: these may be tried again by whoever runs.
  std::map<std::string, std::optional<LedgerEntry>> Entries(const Lane& lane) {
    std::set<std::string_view> ids;
    for (std::size_t i = 0; i < lane.sent; ++i) {
      if (const auto* change = std::get_if<Change>(&lane.events[i])) ids.insert(change->document_id);
    }
    const auto letters = source_.checkpoint_.ListDeadLetters(source_.name(), "", SIZE_MAX);
    if (letters.ok()) {
      for (const DeadLetter& letter : *letters) ids.erase(letter.document_id);
    }
    const std::vector<std::string_view> asked(ids.begin(), ids.end());
    std::vector<std::optional<LedgerEntry>> found;
    std::map<std::string, std::optional<LedgerEntry>> entries;
    if (asked.empty() || !source_.checkpoint_.FindEntries(source_.name(), asked, found).ok()) return entries;
    for (std::size_t i = 0; i < asked.size() && i < found.size(); ++i) entries[std::string(asked[i])] = std::move(found[i]);
    return entries;
  }

  RebalancedSource& source_;
  std::unique_ptr<ChangeStream> stream_;
  std::mt19937_64 random_;
  std::map<Partition, Lane> lanes_;
};

RebalancedSource::RebalancedSource(Source& source, Checkpoint& checkpoint, RebalanceOptions options,
                                   std::function<void(std::string)> violate)
    : source_(source), checkpoint_(checkpoint), options_(options), violate_(std::move(violate)) {}

RebalancedSource::~RebalancedSource() = default;

absl::StatusOr<std::unique_ptr<ChangeStream>> RebalancedSource::StreamChanges(std::span<const PartitionCursor> since) {
  auto stream = source_.StreamChanges(since);
  if (!stream.ok()) return stream.status();
  return std::make_unique<Stream>(*this, *std::move(stream));
}

}  // namespace ragpipe::proof
