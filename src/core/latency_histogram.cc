#include "ragpipe/latency_histogram.h"

#include <absl/time/time.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace ragpipe {
namespace {

/// The first bucket whose upper bound is not below `latency`.
std::size_t BucketOf(absl::Duration latency) {
  std::size_t begin = 0;
  std::size_t end = LatencyHistogram::kBuckets - 1;
  while (begin < end) {
    const std::size_t middle = (begin + end) / 2;
    if (LatencyHistogram::UpperBound(middle) < latency) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

/// How many of first, first + step, ... are not above `bound`, which `first` is not; at most `most`.
std::uint64_t CountUpTo(absl::Duration bound, absl::Duration first, absl::Duration step, std::uint64_t most) {
  const double steps = std::floor(absl::FDivDuration(bound - first, step));
  return steps + 1 >= static_cast<double>(most) ? most : static_cast<std::uint64_t>(steps) + 1;
}

}  // namespace

absl::Duration LatencyHistogram::UpperBound(std::size_t bucket) {
  if (bucket + 1 >= kBuckets) return absl::InfiniteDuration();
  if (bucket == 0) return absl::Milliseconds(1);
  const std::size_t doublings = (bucket - 1) / 4;
  const std::size_t quarters = (bucket - 1) % 4 + 1;
  return absl::Microseconds((std::int64_t{250} << doublings) * static_cast<std::int64_t>(4 + quarters));
}

void LatencyHistogram::AddSeries(absl::Duration first, absl::Duration step, std::uint64_t count) {
  while (count != 0) {  // at most once a bucket
    const bool is_negative = first < absl::ZeroDuration();
    const std::size_t bucket = is_negative ? 0 : BucketOf(first);
    const absl::Duration bound = is_negative ? -absl::Nanoseconds(1) : UpperBound(bucket);
    const std::uint64_t here =
        step == absl::ZeroDuration() || bound == absl::InfiniteDuration() ? count : CountUpTo(bound, first, step, count);
    const double steps = static_cast<double>(here);
    buckets_[bucket] += here;
    count_ += here;
    if (!is_negative) {
      const absl::Duration last = first + step * (steps - 1);
      sum_ += (first + last) * (steps / 2);
      max_ = std::max(max_, last);
    }
    first += step * steps;
    count -= here;
  }
}

absl::Duration LatencyHistogram::Quantile(double q) const {
  if (count_ == 0) return absl::ZeroDuration();
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets && (seen += buckets_[bucket], seen == 0 || static_cast<double>(seen) < wanted)) ++bucket;
  return std::min(UpperBound(bucket), max_);
}

}  // namespace ragpipe
