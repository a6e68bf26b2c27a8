#pragma once

#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ragpipe/export.h"

namespace ragpipe {

/// How often each latency was seen, in buckets that grow with them: up to 1 ms, then four to each doubling, up to two years,
/// then all longer ones. A value of some kilobyte, whatever it counts.
class RAGPIPE_EXPORT LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 2 + 4 * 36;

  /// A negative latency, of clocks that differ, counts as zero.
  void Add(absl::Duration latency) { AddSeries(latency, absl::ZeroDuration(), 1); }

  /// The same as `count` times Add(), of `first`, `first + step`, ... `step` must not be negative.
  void AddSeries(absl::Duration first, absl::Duration step, std::uint64_t count);

  std::uint64_t count() const { return count_; }
  absl::Duration sum() const { return sum_; }
  absl::Duration max() const { return max_; }

  /// A latency that the share `q` (0 to 1) of those counted does not exceed, at most a quarter too long; zero when there are
  /// none.
  absl::Duration Quantile(double q) const;

  /// Counts by bucket, for exporters and for the difference of two snapshots.
  std::span<const std::uint64_t> buckets() const { return buckets_; }

  /// The longest latency of a bucket; infinite for the last.
  static absl::Duration UpperBound(std::size_t bucket);

  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  absl::Duration sum_;
  absl::Duration max_;
};

}  // namespace ragpipe
