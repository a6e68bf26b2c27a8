#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/query.h"

namespace ragpipe::proof {

/// The documents of a kill run. They are a function of a seed and a history, so that the process that dies, the one that reads
/// and the one that judges agree without talking.
class KillModel {
 public:
  /// A document changed: to this version, or it went.
  struct Change {
    std::string id;
    std::optional<int> version;
  };

  /// `history` has a letter a step: 'c' the first documents come, 's' some documents change, come or go, 'm' most do.
  KillModel(std::uint64_t seed, std::string_view history);

  const std::vector<std::vector<Change>>& steps() const { return steps_; }
  const std::map<std::string, int>& versions() const { return versions_; }  ///< of the documents at the end of the history

  /// Paragraphs; the first names the version, each other one the version that changed it last.
  std::string TextOf(std::string_view id, int version) const;

  /// The versions of the documents that `hits` make up, or which of them is not whole: its chunks, in their order, must be the
  /// text of one version.
  absl::StatusOr<std::map<std::string, int>> VersionsIn(const std::vector<Hit>& hits) const;

 private:
  std::uint64_t seed_;
  std::vector<std::vector<Change>> steps_;
  std::map<std::string, int> versions_;
};

}  // namespace ragpipe::proof
