#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <utility>

#include "engine/task.h"

namespace ragpipe::internal {

/// Keeps the changes of one document in order: one is in work, at most one waits, the newest: what came last, unless it is
/// known to be older.
class DocumentOrder {
 public:
  bool IsBusy(const std::string& document_id) const { return waiting_.contains(document_id); }

  /// The document must not be busy.
  void Begin(const std::string& document_id) { waiting_.emplace(document_id, nullptr); }

  /// The document must be busy. Returns the superseded one of the change that waited before, if any, and the new one.
  TaskPtr Wait(TaskPtr task) {
    TaskPtr& waiting = waiting_.find(task->change.document_id)->second;
    if (waiting != nullptr && IsOlder(task->change.version.ordinal, waiting->change.version.ordinal)) return task;
    return std::exchange(waiting, std::move(task));
  }

  /// The change in work was committed. Returns the one that waited, which is now in work.
  TaskPtr End(const std::string& document_id) {
    auto lane = waiting_.find(document_id);
    TaskPtr next = std::move(lane->second);
    if (next == nullptr) {
      waiting_.erase(lane);
    } else {
      lane->second = nullptr;
    }
    return next;
  }

 private:
  absl::flat_hash_map<std::string, TaskPtr> waiting_;  // a key for each change in work
};

}  // namespace ragpipe::internal
