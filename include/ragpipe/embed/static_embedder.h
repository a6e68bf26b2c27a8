#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::embed {

/// The three files of a model in model2vec's format, as bytes.
struct StaticModelFiles {
  std::string_view safetensors;  ///< `embeddings` F32, F16 or I8 [vocabulary][dimension]; optional `weights`, `mapping`
  std::string_view tokenizer_json;
  std::string_view config_json;
};

/// Static embeddings (M. Tulkens, T. van Dongen, "Model2Vec", 2024): the mean of the tokens' table rows, each times its
/// weight, divided by its L2 norm where the model's config says so. Runs in-process, without a network or a runtime. A text
/// without any known token has the zero vector. No text is truncated, whatever the config's `max_length`; documents and queries
/// are embedded alike. A value: copies share the table.
/// Threading: from several threads at once.
class RAGPIPE_EXPORT StaticEmbedder final : public Embedder {
 public:
  /// Reads model.safetensors, tokenizer.json and config.json of a folder.
  /// Errors: kNotFound, kInvalidArgument, kUnimplemented, each with the file and what is wrong with it.
  static absl::StatusOr<StaticEmbedder> Open(const std::string& folder);

  /// Borrows `files` for the life of the embedder and its copies.
  static absl::StatusOr<StaticEmbedder> FromMemory(const StaticModelFiles& files);

  std::size_t dimension() const override;
  EmbedLimits limits() const override;
  std::string Fingerprint() const override;
  /// Errors: kDeadlineExceeded; kOutOfRange when a text's vector is too large for floats; kInternal when `out` has not
  /// dimension() floats for each text.
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override;

  /// The model's own; chunkers that count with it agree with the embedder.
  std::shared_ptr<const text::Tokenizer> tokenizer() const;

 private:
  class Model;
  explicit StaticEmbedder(std::shared_ptr<const Model> model);

  std::shared_ptr<const Model> model_;
};

}  // namespace ragpipe::embed
