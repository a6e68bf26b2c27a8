#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe {

// Stages from lambdas: the short form beside each interface. The callables obey the threading rules of the interface they
// stand for.

/// A bounded source that lists everything each time: absent documents are deleted.
class RAGPIPE_EXPORT FunctionSource final : public Source {
 public:
  using List = std::function<absl::StatusOr<std::vector<Document>>()>;

  FunctionSource(std::string name, List list);

  std::string_view name() const override { return name_; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  std::string name_;
  List list_;
};

class RAGPIPE_EXPORT FunctionChunker final : public Chunker {
 public:
  using SplitFunction = std::function<absl::StatusOr<std::vector<Chunk>>(const Document&)>;

  /// Change `fingerprint` whenever `split` may give other chunks.
  FunctionChunker(std::string fingerprint, SplitFunction split);

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override { return split_(document); }
  std::string Fingerprint() const override { return fingerprint_; }

 private:
  std::string fingerprint_;
  SplitFunction split_;
};

class RAGPIPE_EXPORT FunctionEmbedder final : public Embedder {
 public:
  /// One vector of `dimension` floats a text, in order. Any other count or length is kInternal.
  using EmbedFunction = std::function<absl::StatusOr<std::vector<std::vector<float>>>(const EmbedRequest&)>;

  /// Change `fingerprint` whenever `embed` may give other vectors.
  FunctionEmbedder(std::string fingerprint, std::size_t dimension, EmbedFunction embed, EmbedLimits limits = {});

  std::size_t dimension() const override { return dimension_; }
  EmbedLimits limits() const override { return limits_; }
  std::string Fingerprint() const override { return fingerprint_; }
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override;

 private:
  std::string fingerprint_;
  std::size_t dimension_;
  EmbedFunction embed_;
  EmbedLimits limits_;
};

/// A sink whose writes are durable when the function returns. It keeps no recipe: the checkpoint's is the guard.
class RAGPIPE_EXPORT FunctionSink final : public VectorSink {
 public:
  using WriteFunction = std::function<absl::Status(std::span<const DocumentWrite>)>;

  explicit FunctionSink(WriteFunction write);

  absl::Status EnsureCollection(const CollectionSpec& spec) override;
  absl::Status Write(std::span<const DocumentWrite> writes) override { return write_(writes); }
  absl::Status Flush() override;

 private:
  WriteFunction write_;
};

/// Cursors only, kept by the host.
class RAGPIPE_EXPORT FunctionCheckpoint final : public Checkpoint {
 public:
  using LoadFunction = std::function<absl::StatusOr<std::vector<PartitionCursor>>(std::string_view source)>;
  using CommitFunction = std::function<absl::Status(const CommitRequest&)>;

  FunctionCheckpoint(LoadFunction load, CommitFunction commit);

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override { return load_(source); }
  absl::Status Commit(const CommitRequest& request) override { return commit_(request); }

 private:
  LoadFunction load_;
  CommitFunction commit_;
};

}  // namespace ragpipe
