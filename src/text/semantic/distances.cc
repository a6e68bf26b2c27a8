#include "text/semantic/distances.h"
#include "text/chunking/limits.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kBoundariesAtOnce = 1024;  // whose vectors are held
constexpr double kMillion = 1e6;

bool IsBefore(ByteRange a, ByteRange b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); }

// The text before a boundary and that after it.
struct Sides {
  ByteRange left;
  ByteRange right;
};

class Windows {
 public:
  Windows(std::string_view text, std::span<const ByteRange> sentences, const RangeCounter& counter, std::size_t max_tokens,
          std::size_t window_sentences)
      : text_(text), sentences_(sentences), counter_(counter), max_tokens_(max_tokens), window_sentences_(window_sentences) {}

  // Around the end of sentence `i`. A side on which nothing fits is empty.
  Sides Around(std::size_t i) const {
    const std::size_t boundary = sentences_[i].end;
    Sides sides{{boundary, boundary}, {boundary, boundary}};
    const std::size_t before = std::min(window_sentences_, i + 1);
    for (std::size_t n = 1; n <= before && Fits({sentences_[i + 1 - n].begin, boundary}); ++n) {
      sides.left.begin = sentences_[i + 1 - n].begin;
    }
    const std::size_t after = std::min(window_sentences_, sentences_.size() - i - 1);
    for (std::size_t n = 1; n <= after && Fits({boundary, sentences_[i + n].end}); ++n) sides.right.end = sentences_[i + n].end;
    return sides;
  }

  // Row-major vectors of `ranges`.
  absl::StatusOr<std::vector<float>> Embed(std::span<const ByteRange> ranges, Embedder& embedder) const;

 private:
  bool Fits(ByteRange range) const { return internal::Fits(counter_, range, max_tokens_); }

  std::string_view text_;
  std::span<const ByteRange> sentences_;
  const RangeCounter& counter_;
  const std::size_t max_tokens_;
  const std::size_t window_sentences_;
};

absl::StatusOr<std::vector<float>> Windows::Embed(std::span<const ByteRange> ranges, Embedder& embedder) const {
  const std::size_t dimension = embedder.dimension();
  const EmbedLimits limits = embedder.limits();
  std::vector<float> vectors(ranges.size() * dimension);
  std::vector<std::string_view> batch;
  std::size_t bytes = 0;
  std::size_t tokens = 0;
  std::size_t embedded = 0;
  auto flush = [&]() -> absl::Status {
    if (batch.empty()) return absl::OkStatus();
    const std::span<float> out = std::span(vectors).subspan(embedded * dimension, batch.size() * dimension);
    if (absl::Status status = embedder.Embed({.texts = batch}, out); !status.ok()) {
      return absl::Status(status.code(),
                          fmt::format("SemanticChunker: the embedder failed on {} windows of sentences, from byte {} on: {}",
                                      batch.size(), ranges[embedded].begin, std::string(status.message())));
    }
    embedded += batch.size();
    batch.clear();
    bytes = tokens = 0;
    return absl::OkStatus();
  };
  for (const ByteRange range : ranges) {
    const std::size_t range_tokens = counter_.Count(range);
    const bool full = batch.size() >= limits.texts || bytes + range.size() > limits.bytes ||
                      range_tokens > limits.tokens - std::min(tokens, limits.tokens);
    if (full) RAGPIPE_RETURN_IF_ERROR(flush());
    batch.push_back(text_.substr(range.begin, range.size()));
    bytes += range.size();
    tokens += range_tokens;
  }
  RAGPIPE_RETURN_IF_ERROR(flush());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (std::isfinite(vectors[i])) continue;
    return absl::InternalError(
        fmt::format("SemanticChunker: the embedder gave a number that is not finite for the sentences from byte {} on",
                    ranges[i / dimension].begin));
  }
  return vectors;
}

Distance DistanceOf(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    dot += x * y;
    squares_a += x * x;
    squares_b += y * y;
  }
  if (squares_a == 0 || squares_b == 0) return 0;
  const double cosine = std::clamp(dot / (std::sqrt(squares_a) * std::sqrt(squares_b)), -1.0, 1.0);
  return std::llround((1 - cosine) * kMillion);
}

}  // namespace

absl::StatusOr<std::vector<Distance>> MeasureDistances(std::string_view text, std::span<const ByteRange> sentences,
                                                       const RangeCounter& counter, std::size_t max_tokens,
                                                       std::size_t window_sentences, Embedder& embedder) {
  const Windows windows(text, sentences, counter, max_tokens, window_sentences);
  const std::size_t boundaries = sentences.size() - 1;
  const std::size_t dimension = embedder.dimension();
  std::vector<Distance> distances;
  distances.reserve(boundaries);
  while (distances.size() < boundaries) {
    std::vector<Sides> around;
    std::vector<ByteRange> ranges;
    for (std::size_t i = distances.size(); i < boundaries && around.size() < kBoundariesAtOnce; ++i) {
      around.push_back(windows.Around(i));
      if (around.back().left.size() == 0 || around.back().right.size() == 0) continue;
      ranges.push_back(around.back().left);
      ranges.push_back(around.back().right);
    }
    // What stands after one boundary stands before another.
    std::sort(ranges.begin(), ranges.end(), IsBefore);
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<float> vectors, windows.Embed(ranges, embedder));
    auto vector_of = [&](ByteRange range) {
      const auto row = std::lower_bound(ranges.begin(), ranges.end(), range, IsBefore) - ranges.begin();
      return std::span(vectors).subspan(static_cast<std::size_t>(row) * dimension, dimension);
    };
    for (const Sides& sides : around) {
      const bool judged = sides.left.size() > 0 && sides.right.size() > 0;
      distances.push_back(judged ? DistanceOf(vector_of(sides.left), vector_of(sides.right)) : 0);
    }
  }
  return distances;
}

bool IsPeak(std::span<const Distance> distances, std::size_t boundary, std::size_t radius, double threshold) {
  const std::size_t first = boundary - std::min(boundary, radius);
  const std::size_t last = std::min(boundary + radius, distances.size() - 1);
  const Distance own = distances[boundary];
  double sum = 0;
  for (std::size_t i = first; i <= last; ++i) {
    if (distances[i] > own || (distances[i] == own && i < boundary)) return false;
    sum += static_cast<double>(distances[i]);
  }
  const double mean = sum / static_cast<double>(last - first + 1);
  double squares = 0;
  for (std::size_t i = first; i <= last; ++i) squares += std::pow(static_cast<double>(distances[i]) - mean, 2);
  const double deviation = std::sqrt(squares / static_cast<double>(last - first + 1));
  return static_cast<double>(own) - mean > threshold * deviation;
}

}  // namespace ragpipe::text::internal
