#include "ragpipe/testing/hash_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <thread>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "testing/hash.h"

namespace ragpipe::testing {
namespace {

absl::Status CheckRequest(const EmbedRequest& request, const EmbedLimits& limits, std::size_t dimension, std::size_t floats) {
  std::size_t bytes = 0;
  for (const std::string_view text : request.texts) {
    if (text.empty()) return absl::InternalError("Embed() got an empty text");
    if (internal::FindInvalidUtf8(text) != std::string_view::npos)
      return absl::InternalError("Embed() got a text that is not UTF-8");
    bytes += text.size();
  }
  if (request.texts.empty()) return absl::InternalError("Embed() got no texts");
  if (request.texts.size() > limits.texts) {
    return absl::InternalError(fmt::format("Embed() got {} texts; limits().texts is {}", request.texts.size(), limits.texts));
  }
  if (bytes > limits.bytes && request.texts.size() > 1) {
    return absl::InternalError(
        fmt::format("Embed() got {} bytes in {} texts; limits().bytes is {}", bytes, request.texts.size(), limits.bytes));
  }
  if (floats != request.texts.size() * dimension) {
    return absl::InternalError(
        fmt::format("Embed() got room for {} floats; {} texts of {} need others", floats, request.texts.size(), dimension));
  }
  return absl::OkStatus();
}

void FillUnitVector(std::uint64_t state, std::span<float> row) {
  double squares = 0;
  for (float& value : row) {
    value = static_cast<float>(2 * NextUniform(state) - 1);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  if (squares == 0) {
    row[0] = 1;
    return;
  }
  const double scale = 1 / std::sqrt(squares);
  for (float& value : row) value = static_cast<float>(value * scale);
}

}  // namespace

HashEmbedder::HashEmbedder(HashEmbedderOptions options) : options_(std::move(options)) {}

std::string HashEmbedder::Fingerprint() const { return fmt::format("{}/{}", options_.fingerprint, options_.dimension); }

absl::Status HashEmbedder::Embed(const EmbedRequest& request, std::span<float> out) {
  {
    const std::lock_guard guard(mutex_);
    counts_.calls += 1;
    counts_.texts += request.texts.size();
    for (const std::string_view text : request.texts) counts_.bytes += text.size();
    counts_.most_at_once = std::max(counts_.most_at_once, ++in_flight_);
  }
  struct InFlight {  // the hook may throw, as a host's embedder may
    HashEmbedder& embedder;
    ~InFlight() {
      const std::lock_guard guard(embedder.mutex_);
      --embedder.in_flight_;
    }
  } in_flight{*this};

  if (options_.latency > absl::ZeroDuration()) std::this_thread::sleep_for(absl::ToChronoNanoseconds(options_.latency));
  if (options_.on_call) RAGPIPE_RETURN_IF_ERROR(options_.on_call(request));
  RAGPIPE_RETURN_IF_ERROR(CheckRequest(request, options_.limits, options_.dimension, out.size()));
  const std::uint64_t salt = HashBytes(options_.fingerprint);
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    FillUnitVector(HashBytes(request.texts[i], salt), out.subspan(i * options_.dimension, options_.dimension));
  }
  return absl::OkStatus();
}

HashEmbedder::Counts HashEmbedder::counts() const {
  const std::lock_guard guard(mutex_);
  return counts_;
}

}  // namespace ragpipe::testing
