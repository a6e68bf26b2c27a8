#include "ragpipe/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

using namespace ragpipe;

TEST_CASE("the buckets of a histogram rise by a quarter at most") {
  CHECK(LatencyHistogram::UpperBound(0) == absl::Milliseconds(1));
  CHECK(LatencyHistogram::UpperBound(4) == absl::Milliseconds(2));
  CHECK(LatencyHistogram::UpperBound(5) == absl::Microseconds(2500));
  for (std::size_t i = 1; i + 1 < LatencyHistogram::kBuckets; ++i) {
    CHECK(LatencyHistogram::UpperBound(i) > LatencyHistogram::UpperBound(i - 1));
    CHECK(absl::FDivDuration(LatencyHistogram::UpperBound(i), LatencyHistogram::UpperBound(i - 1)) <= 1.25);
  }
  CHECK(LatencyHistogram::UpperBound(LatencyHistogram::kBuckets - 2) > absl::Hours(2 * 365 * 24));
  CHECK(LatencyHistogram::UpperBound(LatencyHistogram::kBuckets - 1) == absl::InfiniteDuration());
}

TEST_CASE("an empty histogram, one value, and values out of range") {
  LatencyHistogram histogram;
  CHECK(histogram.Quantile(0.5) == absl::ZeroDuration());
  CHECK(histogram.count() == 0);
  histogram.Add(absl::Seconds(3));
  for (const double q : {0.0, 0.5, 1.0}) CHECK(histogram.Quantile(q) == absl::Seconds(3));
  histogram.Add(-absl::Hours(1));
  CHECK(histogram.Quantile(0.5) == absl::Milliseconds(1));
  CHECK(histogram.sum() == absl::Seconds(3));
  histogram.Add(absl::Hours(24 * 365 * 100));
  CHECK(histogram.Quantile(1) == absl::Hours(24 * 365 * 100));
  CHECK(histogram.buckets().back() == 1);
  CHECK(histogram.count() == 3);
}

TEST_CASE("quantiles are those of the values, at most a quarter too long") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 50; ++round) {
    LatencyHistogram histogram;
    std::vector<absl::Duration> values(1 + random() % 300);
    for (absl::Duration& value : values) {
      value = absl::Milliseconds(1) * std::exp(static_cast<double>(random() % 20'000) / 1000);
      histogram.Add(value);
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(values.size()))));
      CHECK(histogram.Quantile(q) >= values[rank - 1]);
      CHECK(histogram.Quantile(q) <= values[rank - 1] * 1.25);
    }
    CHECK(histogram.max() == values.back());
    const absl::Duration sum = std::accumulate(values.begin(), values.end(), absl::ZeroDuration());
    CHECK(absl::FDivDuration(histogram.sum(), sum) == Approx(1));
  }
}

TEST_CASE("a series is the same as its values one by one") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 300; ++round) {
    const absl::Duration first = absl::Milliseconds(static_cast<int>(random() % 20'000) - 5000);
    const absl::Duration step = absl::Milliseconds(random() % 3000);
    const std::uint64_t count = random() % 2000;
    LatencyHistogram series;
    series.AddSeries(first, step, count);
    LatencyHistogram one_by_one;
    for (std::uint64_t i = 0; i < count; ++i) one_by_one.Add(first + step * static_cast<std::int64_t>(i));
    CHECK(std::equal(series.buckets().begin(), series.buckets().end(), one_by_one.buckets().begin()));
    CHECK(series.count() == count);
    CHECK(series.max() == one_by_one.max());
    CHECK(absl::ToDoubleSeconds(series.sum()) == Approx(absl::ToDoubleSeconds(one_by_one.sum())));
  }
  LatencyHistogram century;  // in no time
  century.AddSeries(absl::ZeroDuration(), absl::Milliseconds(1), std::uint64_t{100} * 365 * 86'400'000);
  CHECK(century.count() == std::uint64_t{100} * 365 * 86'400'000);
}
