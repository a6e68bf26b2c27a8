#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ragpipe/export.h"

namespace ragpipe {

struct EmbedRequest {
  enum class Purpose { kDocument, kQuery };

  std::span<const std::string_view> texts;  ///< valid UTF-8, not empty; within limits()
  Purpose purpose = Purpose::kDocument;
  absl::Time deadline = absl::InfiniteFuture();  ///< give up with kDeadlineExceeded after this
};

/// Per call. The engine packs texts of many documents to the first limit reached; a single text above `bytes` or `tokens`
/// is sent alone.
struct EmbedLimits {
  std::size_t texts = 64;
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t tokens = SIZE_MAX;  ///< as counted by the chunker
  int calls = 2;                  ///< calls at once that still help
};

/// Turns texts into vectors.
/// Threading:  Embed() up to PipelineOptions::embed_calls times at once; the rest from any thread.
/// Ownership:  arguments are borrowed until the call returns.
/// Exceptions: must not escape; one that does becomes kInternal.
class RAGPIPE_EXPORT Embedder {
 public:
  virtual ~Embedder();

  /// Floats in a vector; > 0, constant for the life of the object.
  virtual std::size_t dimension() const = 0;

  virtual EmbedLimits limits() const { return {}; }

  /// Readable, and different whenever a vector may differ: provider, model, revision, prefixes, normalisation. It is part of
  /// the recipe: an index answers only queries embedded under the same fingerprint. Never a secret.
  virtual std::string Fingerprint() const = 0;

  /// Fills `out`: row-major, [texts.size()][dimension()], every float finite; under Metric::kCosine no row all zero.
  /// Errors: kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted are retried with the same texts, after the pause of
  /// SetRetryAfter() if there is one; after five in a row, or when retries are more than a tenth of the calls, the embedder is
  /// left alone for a growing pause and probed by one call at a time. kInvalidArgument, kOutOfRange, kDataLoss say that some
  /// text is refused: the engine halves the batch down to it; any other code ends the run. `out` is read only when the result
  /// is OK.
  virtual absl::Status Embed(const EmbedRequest& request, std::span<float> out) = 0;

 protected:
  Embedder() = default;
  Embedder(const Embedder&) = default;
  Embedder& operator=(const Embedder&) = default;
};

}  // namespace ragpipe
