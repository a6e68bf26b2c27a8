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
class Frontier {
 public:
  /// A change was received.
  FrontierPosition Add(const Partition& partition, Cursor resume_after, absl::Time event_time) {
    Lane& lane = lanes_[partition];
    lane.entries.push_back({std::move(resume_after), event_time, false});
    return {lane.epoch, lane.first + lane.entries.size() - 1};
  }

  void Finish(const Partition& partition, FrontierPosition position) {
    Lane& lane = lanes_[partition];
    if (position.epoch != lane.epoch) return;
    lane.entries[static_cast<std::size_t>(position.sequence - lane.first)].finished = true;
    while (!lane.entries.empty() && lane.entries.front().finished) {
      Entry& entry = lane.entries.front();
      if (!entry.cursor.empty()) {
        lane.cursor = std::move(entry.cursor);
        lane.moved = true;
      }
      if (entry.event_time < absl::InfiniteFuture()) watermark_ = std::max(watermark_, entry.event_time);
      lane.entries.pop_front();
      ++lane.first;
    }
  }

  /// Whether somebody else may own the partition since the change was received.
  bool IsLost(const Partition& partition, FrontierPosition position) const {
    const auto lane = lanes_.find(partition);
    return lane == lanes_.end() || lane->second.epoch != position.epoch;
  }

  /// Forgets what was received of the partition; its cursor stays where it was committed.
  void Lose(const Partition& partition) {
    Lane& lane = lanes_[partition];
    ++lane.epoch;
    lane.first = 0;
    lane.entries.clear();
    lane.moved = false;
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

  /// The newest event time among the changes before which nothing is unfinished.
  absl::Time watermark() const { return watermark_; }

 private:
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
  };

  absl::flat_hash_map<Partition, Lane> lanes_;
  absl::Time watermark_ = absl::InfinitePast();
};

}  // namespace ragpipe::internal
