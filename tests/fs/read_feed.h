#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ragpipe/clock.h"
#include "ragpipe/source.h"
#include "support/catch.h"

namespace ragpipe::fs {

/// Everything that a bounded feed said.
struct Feed {
  std::vector<Change> changes;
  std::vector<BadChange> bad;
  std::vector<std::string> order;  // document ids, of changes and bad changes
  bool complete = false;           // SnapshotComplete
  std::optional<absl::Status> incomplete;
  bool ended = false;

  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const Change& change : changes) ids.push_back(change.document_id);
    return ids;
  }
  const Change* Find(std::string_view id) const {
    for (const Change& change : changes) {
      if (change.document_id == id) return &change;
    }
    return nullptr;
  }
  const BadChange* FindBad(std::string_view id) const {
    for (const BadChange& change : bad) {
      if (change.document_id == id) return &change;
    }
    return nullptr;
  }
};

/// Reads a stream to its end, with deadlines that have passed already.
inline Feed ReadFeed(ChangeStream& stream) {
  Feed feed;
  std::vector<Event> events;
  while (!feed.ended) {
    events.clear();
    REQUIRE_OK(stream.Next(absl::InfinitePast(), events));
    REQUIRE(events.size() <= 300);
    for (Event& event : events) {
      REQUIRE_FALSE(feed.ended);
      if (auto* change = std::get_if<Change>(&event)) {
        feed.order.push_back(change->document_id);
        feed.changes.push_back(std::move(*change));
      } else if (auto* bad = std::get_if<BadChange>(&event)) {
        feed.order.push_back(bad->document_id);
        feed.bad.push_back(std::move(*bad));
      } else if (std::holds_alternative<SnapshotComplete>(event)) {
        feed.complete = true;
      } else if (const auto* incomplete = std::get_if<SnapshotIncomplete>(&event)) {
        feed.incomplete = incomplete->reason;
      } else {
        REQUIRE(std::holds_alternative<EndOfFeed>(event));
        feed.ended = true;
      }
    }
  }
  events.clear();
  REQUIRE_OK(stream.Next(absl::InfinitePast(), events));
  REQUIRE(events.empty());
  return feed;
}

inline Feed ReadFeed(Source& source, std::span<const PartitionCursor> since = {}) {
  auto stream = source.StreamChanges(since);
  REQUIRE_OK(stream);
  return ReadFeed(**stream);
}

inline void WriteFile(const std::string& path, std::string_view content, std::ios::openmode mode = std::ios::trunc) {
  std::ofstream file(path, std::ios::binary | std::ios::out | mode);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  REQUIRE(file.flush().good());
}

/// The machine's clock, some time ahead: what was written just now looks old.
class ClockAhead final : public Clock {
 public:
  explicit ClockAhead(absl::Duration by) : by_(by) {}
  absl::Time Now() override { return absl::Now() + by_; }
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override {
    SystemClock().WaitUntil(lock, wake, deadline - by_);
  }

 private:
  const absl::Duration by_;
};

}  // namespace ragpipe::fs
