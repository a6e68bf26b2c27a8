#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"

namespace ragpipe::testing {

struct HashEmbedderOptions {
  std::size_t dimension = 16;
  std::string fingerprint = "hash";  ///< another fingerprint gives other vectors, as another model would
  EmbedLimits limits = {};
  absl::Duration latency = {};  ///< of every call, really slept

  /// Called first, with the call's request; an error is the call's result.
  std::function<absl::Status(const EmbedRequest&)> on_call = {};
};

/// Unit vectors from a hash of the text: the same text has the same vector everywhere, other texts have unrelated ones, none is
/// zero. A request that EmbedRequest or limits() forbids is kInternal, so that a test sees its caller's mistake.
/// Threading: Embed() any number of times at once.
class RAGPIPE_EXPORT HashEmbedder final : public Embedder {
 public:
  /// Of all calls so far, those that failed too.
  struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t texts = 0;
    std::uint64_t bytes = 0;
    int most_at_once = 0;  ///< calls in flight
  };

  explicit HashEmbedder(HashEmbedderOptions options = {});

  std::size_t dimension() const override { return options_.dimension; }
  EmbedLimits limits() const override { return options_.limits; }
  std::string Fingerprint() const override;
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override;

  Counts counts() const;

 private:
  const HashEmbedderOptions options_;
  mutable std::mutex mutex_;
  Counts counts_;
  int in_flight_ = 0;
};

}  // namespace ragpipe::testing
