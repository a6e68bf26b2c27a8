#include "ragpipe/adapters.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ragpipe {
namespace {

constexpr std::size_t kEventsPerCall = 256;

class ListStream final : public ChangeStream {
 public:
  explicit ListStream(std::vector<Document> documents) : documents_(std::move(documents)) {}

  absl::Status Next(absl::Time /*deadline*/, std::vector<Event>& out) override {
    if (next_ == documents_.size()) {
      out.emplace_back(SnapshotComplete{});
      out.emplace_back(EndOfFeed{});
      return absl::OkStatus();
    }
    const std::size_t end = std::min(next_ + kEventsPerCall, documents_.size());
    for (; next_ < end; ++next_) {
      Change change;
      Document& document = documents_[next_];
      change.document_id = document.id;
      change.version = document.version;
      change.updated_at = document.updated_at;
      change.size_hint = document.text.size();
      change.document = std::move(document);
      out.emplace_back(std::move(change));
    }
    return absl::OkStatus();
  }

 private:
  std::vector<Document> documents_;
  std::size_t next_ = 0;
};

}  // namespace

FunctionSource::FunctionSource(std::string name, List list) : name_(std::move(name)), list_(std::move(list)) {}

absl::StatusOr<std::unique_ptr<ChangeStream>> FunctionSource::StreamChanges(std::span<const PartitionCursor> /*since*/) {
  absl::StatusOr<std::vector<Document>> documents = list_();
  if (!documents.ok()) return documents.status();
  return std::make_unique<ListStream>(*std::move(documents));
}

FunctionChunker::FunctionChunker(std::string fingerprint, SplitFunction split)
    : fingerprint_(std::move(fingerprint)), split_(std::move(split)) {}

FunctionEmbedder::FunctionEmbedder(std::string fingerprint, std::size_t dimension, EmbedFunction embed, EmbedLimits limits)
    : fingerprint_(std::move(fingerprint)), dimension_(dimension), embed_(std::move(embed)), limits_(limits) {}

absl::Status FunctionEmbedder::Embed(const EmbedRequest& request, std::span<float> out) {
  absl::StatusOr<std::vector<std::vector<float>>> vectors = embed_(request);
  if (!vectors.ok()) return vectors.status();
  if (vectors->size() != request.texts.size()) {
    return absl::InternalError(
        fmt::format("the embedder '{}' returned {} vectors for {} texts", fingerprint_, vectors->size(), request.texts.size()));
  }
  auto row = out.begin();
  for (const std::vector<float>& vector : *vectors) {
    if (vector.size() != dimension_) {
      return absl::InternalError(
          fmt::format("the embedder '{}' returned {} floats where it promised {}", fingerprint_, vector.size(), dimension_));
    }
    row = std::copy(vector.begin(), vector.end(), row);
  }
  return absl::OkStatus();
}

FunctionSink::FunctionSink(WriteFunction write) : write_(std::move(write)) {}
absl::Status FunctionSink::EnsureCollection(const CollectionSpec& /*spec*/) { return absl::OkStatus(); }
absl::Status FunctionSink::Flush() { return absl::OkStatus(); }

FunctionCheckpoint::FunctionCheckpoint(LoadFunction load, CommitFunction commit)
    : load_(std::move(load)), commit_(std::move(commit)) {}

}  // namespace ragpipe
