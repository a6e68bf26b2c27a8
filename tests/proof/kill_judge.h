#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "proof/kill_child.h"
#include "proof/kill_model.h"

namespace ragpipe::proof {

/// What the files say.
struct KilledContents {
  std::map<std::string, int> documents;       ///< versions that the index holds, whole
  std::map<std::string, std::string> ledger;  ///< version tokens
  std::set<std::string> texts;                ///< the names of the chunks
};

/// Where the contents are read. A commit that died before it returned may be in a copy, whose log is recovered, and not in a
/// file that another process has open: both are right, and only in place is what the next run finds. But who reads in place
/// recovers the log that the next writer should recover.
enum class Where { kInPlace, kInCopy };

absl::StatusOr<KilledContents> ReadContents(const ChildTask& task, const KillModel& model, Where where);

/// Adds a step to the history and brings the folder of documents to its end.
KillModel Grow(ChildTask& task, char change);

/// What a run that did not end left: each document as before or after its last change, what was committed as after it.
absl::Status CheckLeft(const ChildTask& task, const absl::StatusOr<KilledContents>& left, const ChildJournal& journal,
                       const std::map<std::string, int>& before, const KillModel& model);

/// What a run that ended well left: the model.
absl::Status CheckDone(const ChildTask& task, const absl::StatusOr<KilledContents>& done, const KillModel& model);

}  // namespace ragpipe::proof
