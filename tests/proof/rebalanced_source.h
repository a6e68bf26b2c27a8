#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ragpipe/checkpoint.h"
#include "ragpipe/source.h"

namespace ragpipe::proof {

struct RebalanceOptions {
  std::uint64_t seed = 1;
  bool loses = true;  ///< some partitions without asking first
};

/// Takes partitions of another source away at random and gives them back, as a consumer group does: what comes of one meanwhile
/// is held back, and once it is back everything after its committed cursor is sent again. Looks into the checkpoint whether the
/// engine keeps what it owes to the partition's next owner:
/// after a revocation, everything that was sent is committed when Next() is called again;
/// until the partition is back nothing of it is committed, but that documents are in doubt.
/// Source and checkpoint are borrowed.
class RebalancedSource final : public Source {
 public:
  /// `violate` is told of each broken promise, on the thread that calls the stream.
  RebalancedSource(Source& source, Checkpoint& checkpoint, RebalanceOptions options, std::function<void(std::string)> violate);
  ~RebalancedSource() override;

  std::string_view name() const override { return source_.name(); }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

  std::uint64_t checks() const { return checks_; }  ///< of partitions that were taken away

 private:
  class Stream;

  Source& source_;
  Checkpoint& checkpoint_;
  const RebalanceOptions options_;
  const std::function<void(std::string)> violate_;
  std::uint64_t checks_ = 0;
};

}  // namespace ragpipe::proof
