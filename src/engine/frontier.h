#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/task.h"
#include "ragpipe/cursor.h"

namespace ragpipe::internal {

/// Per partition, how far everything is finished without a gap. Changes finish in any order; a cursor may move only past a
/// contiguous prefix of finished ones.
/// The watermark is the least of the partitions', each the newest event time in its finished prefix. A partition counts from
/// its first change with an event time on. One with nothing unfinished would hold the others back when it falls silent: it is
/// lifted by heartbeats, which speak for every partition, and does not count once a minute has passed without a change.
class Frontier {
 public:
  /// A change was received.
  FrontierPosition Add(const Partition& partition, Cursor resume_after, absl::Time event_time, absl::Time now) {
    Lane& lane = lanes_[partition];
    lane.entries.push_back({std::move(resume_after), event_time, false});
    lane.last_received = now;
    if (IsTime(event_time)) {
      lane.has_time = true;
      newest_received_ = std::max(newest_received_, event_time);
    }
    return {lane.epoch, lane.first + lane.entries.size() - 1};
  }

  /// Everything with an event time up to `time` was received.
  void Heartbeat(absl::Time time) {
    if (!IsTime(time)) return;
    if (lanes_.empty()) lanes_[""];
    for (auto& [partition, lane] : lanes_) {
      lane.has_time = true;
      lane.entries.push_back({"", time, true});
      TakeFinished(lane);
    }
  }

  /// Everything there is was received.
  void EndOfFeed() { Heartbeat(newest_received_); }

  void Finish(const Partition& partition, FrontierPosition position) {
    Lane& lane = lanes_[partition];
    if (position.epoch != lane.epoch) return;
    lane.entries[static_cast<std::size_t>(position.sequence - lane.first)].finished = true;
    TakeFinished(lane);
  }

  /// Whether somebody else may own the partition since the change was received.
  bool IsLost(const Partition& partition, FrontierPosition position) const {
    if (!has_forgotten_) return false;  // as nearly always
    const auto lane = lanes_.find(partition);
    return lane == lanes_.end() || lane->second.epoch != position.epoch;
  }

  /// Forgets what was received of the partition; its cursor stays where it was committed.
  void Forget(const Partition& partition) {
    has_forgotten_ = true;
    Lane& lane = lanes_[partition];
    ++lane.epoch;
    lane.first = 0;
    lane.entries.clear();
    lane.moved = false;
    lane.has_time = false;
    lane.watermark = absl::InfinitePast();
  }

  bool HasMoved() const {
    return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane.second.moved; });
  }

  /// The cursors that moved since the last call.
  std::vector<PartitionCursor> TakeMoved() {
    std::vector<PartitionCursor> moved;
    for (auto& [partition, lane] : lanes_) {
      if (!lane.moved) continue;
      moved.push_back({partition, lane.cursor});
      lane.moved = false;
    }
    return moved;
  }

  absl::Time watermark(absl::Time now) const {
    return LeastOf(now, [](const Lane& lane) { return lane.watermark; });
  }

  /// The watermark, where a partition of which nothing is finished yet counts with its first event.
  absl::Time finished_until(absl::Time now) const {
    return LeastOf(now, [](const Lane& lane) {
      if (IsTime(lane.watermark)) return lane.watermark;
      const auto first =
          std::find_if(lane.entries.begin(), lane.entries.end(), [](const Entry& entry) { return IsTime(entry.event_time); });
      return first == lane.entries.end() ? absl::InfinitePast() : first->event_time;
    });
  }

 private:
  static constexpr absl::Duration kIdleAfter = absl::Minutes(1);

  struct Entry {
    Cursor cursor;
    absl::Time event_time;
    bool finished;
  };
  struct Lane {
    std::uint64_t epoch = 0;
    std::uint64_t first = 0;  // sequence of entries.front()
    std::deque<Entry> entries;
    Cursor cursor;
    bool moved = false;
    bool has_time = false;
    absl::Time watermark = absl::InfinitePast();
    absl::Time last_received = absl::InfinitePast();
  };

  static bool IsTime(absl::Time time) { return time > absl::InfinitePast() && time < absl::InfiniteFuture(); }

  template <class F>
  absl::Time LeastOf(absl::Time now, const F& time_of) const {
    absl::Time least = absl::InfiniteFuture();
    absl::Time newest = absl::InfinitePast();
    for (const auto& [partition, lane] : lanes_) {
      if (!lane.has_time) continue;
      const absl::Time time = time_of(lane);
      newest = std::max(newest, time);
      const bool is_idle = lane.entries.empty() && now - lane.last_received >= kIdleAfter;
      if (!is_idle) least = std::min(least, time);
    }
    return least < absl::InfiniteFuture() ? least : newest;
  }

  static void TakeFinished(Lane& lane) {
    while (!lane.entries.empty() && lane.entries.front().finished) {
      Entry& entry = lane.entries.front();
      if (!entry.cursor.empty()) {
        lane.cursor = std::move(entry.cursor);
        lane.moved = true;
      }
      if (IsTime(entry.event_time)) lane.watermark = std::max(lane.watermark, entry.event_time);
      lane.entries.pop_front();
      ++lane.first;
    }
  }

  absl::flat_hash_map<Partition, Lane> lanes_;
  absl::Time newest_received_ = absl::InfinitePast();
  bool has_forgotten_ = false;
};

}  // namespace ragpipe::internal
