#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proof/connection.h"
#include "ragpipe/embedder.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::proof {

/// Speaks to a service: keeps connections alive, gives up in time, and repeats nothing, which is the engine's business. Numbers
/// its requests; those of a host's next process would have to go on from there.
/// Threading: from any thread.
class HttpClient final {
 public:
  using Resolver = std::function<absl::StatusOr<int>()>;  ///< the port that the service's name stands for

  /// `tls`: null = without.
  HttpClient(Resolver resolve, std::shared_ptr<SSL_CTX> tls) : resolve_(std::move(resolve)), tls_(std::move(tls)) {}

  /// The body of a 200 that answers this very request. Errors: as embedder.h and vector_sink.h ask of their stages.
  absl::StatusOr<nlohmann::json> Post(std::string_view path, const nlohmann::json& body,
                                      absl::Time deadline = absl::InfiniteFuture());

  void SetTimeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }  ///< of a request, with connecting
  std::uint64_t reused() const { return reused_; }                            ///< requests on a connection that had one before
  std::uint64_t misplaced() const { return misplaced_; }                      ///< answers to another request, thrown away

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Take(Deadline deadline);

  const Resolver resolve_;
  const std::shared_ptr<SSL_CTX> tls_;
  std::atomic<std::chrono::milliseconds> timeout_{std::chrono::seconds(30)};
  std::atomic<std::uint64_t> last_number_{0};
  std::atomic<std::uint64_t> reused_{0};
  std::atomic<std::uint64_t> misplaced_{0};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

/// A host's embedder.
class HttpEmbedder final : public Embedder {
 public:
  HttpEmbedder(HttpClient& client, std::size_t dimension, std::string model, EmbedLimits limits)
      : client_(client), dimension_(dimension), model_(std::move(model)), limits_(limits) {}

  std::size_t dimension() const override { return dimension_; }
  EmbedLimits limits() const override { return limits_; }
  std::string Fingerprint() const override { return model_; }
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override;

 private:
  HttpClient& client_;
  const std::size_t dimension_;
  const std::string model_;
  const EmbedLimits limits_;
};

struct HttpSinkOptions {
  bool patches_payload = true;
  bool finds_vectors = true;
};

/// A host's sink.
class HttpSink final : public VectorSink {
 public:
  HttpSink(HttpClient& client, HttpSinkOptions options) : client_(client), options_(options) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override;
  absl::Status Write(std::span<const DocumentWrite> writes) override;
  absl::Status Flush() override;
  bool patches_payload() const override { return options_.patches_payload; }
  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override;
  bool lists_records() const override { return true; }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override;
  absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<StoredRecord>& out) override;

 private:
  HttpClient& client_;
  const HttpSinkOptions options_;
};

}  // namespace ragpipe::proof
