#include "ragpipe/embed/static_embedder.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "embed/static_table.h"
#include "ragpipe/text/wordpiece.h"

namespace ragpipe::embed {
namespace {

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(fmt::format("there is no file '{}'", path.string()));
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return absl::NotFoundError(fmt::format("'{}' cannot be opened", path.string()));
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return absl::InvalidArgumentError(fmt::format("'{}' cannot be read to its end", path.string()));
  }
  return bytes;
}

/// config.json's `normalize`; false where it is not said, as in model2vec.
absl::StatusOr<bool> ParseNormalize(std::string_view config_json) {
  const nlohmann::json config = nlohmann::json::parse(config_json, nullptr, false);
  if (!config.is_object()) return absl::InvalidArgumentError("config.json: it is not a JSON object");
  if (const auto pooling = config.find("pooling"); pooling != config.end() && *pooling != "mean") {
    return absl::UnimplementedError("config.json: 'pooling' is not \"mean\", which is the only one supported");
  }
  const auto normalize = config.find("normalize");
  if (normalize == config.end() || normalize->is_null()) return false;
  if (!normalize->is_boolean()) return absl::InvalidArgumentError("config.json: 'normalize' is not true or false");
  return normalize->get<bool>();
}

}  // namespace

class StaticEmbedder::Model {
 public:
  static absl::StatusOr<std::shared_ptr<Model>> Parse(const StaticModelFiles& files) {
    auto model = std::make_shared<Model>();
    RAGPIPE_ASSIGN_OR_RETURN(model->normalize_, ParseNormalize(files.config_json));
    RAGPIPE_ASSIGN_OR_RETURN(model->tokenizer_, text::WordPiece::FromJson(files.tokenizer_json));
    RAGPIPE_ASSIGN_OR_RETURN(model->table_,
                             internal::StaticTable::Parse(files.safetensors, model->tokenizer_->vocabulary_size()));
    const std::string hash =
        ragpipe::internal::Fingerprint().Add(files.safetensors).Add(files.tokenizer_json).Add(files.config_json).Hex();
    model->fingerprint_ = fmt::format("ragpipe.embed.StaticEmbedder/1;sha256={};dimension={};normalize={}", hash,
                                      model->table_.dimension(), model->normalize_);
    return model;
  }

  /// Keeps the bytes that the table borrows.
  void Own(std::unique_ptr<const std::string> safetensors) { safetensors_ = std::move(safetensors); }

  std::size_t dimension() const { return table_.dimension(); }
  const std::string& fingerprint() const { return fingerprint_; }
  const std::shared_ptr<const text::WordPiece>& tokenizer() const { return tokenizer_; }

  /// Reused from text to text.
  struct WorkingSpace {
    std::vector<text::Token> tokens;
    std::vector<std::uint32_t> known;
  };

  /// False when a number is too large for a float.
  bool Embed(std::string_view text, WorkingSpace& space, std::span<float> out) const {
    space.tokens.clear();
    space.known.clear();
    tokenizer_->Encode(text, space.tokens);
    for (const text::Token& token : space.tokens) {
      if (token.id != tokenizer_->unknown_id()) space.known.push_back(token.id);
    }
    table_.Sum(space.known, out);
    if (space.known.empty()) return true;
    const auto count = static_cast<float>(space.known.size());
    float square_sum = 0.0F;
    for (float& value : out) {
      value /= count;
      square_sum += value * value;
    }
    if (!std::isfinite(square_sum)) return false;
    if (normalize_) {
      const float norm = std::sqrt(square_sum) + 1e-32F;
      for (float& value : out) value /= norm;
    }
    return true;
  }

 private:
  std::unique_ptr<const std::string> safetensors_;
  internal::StaticTable table_;
  std::shared_ptr<const text::WordPiece> tokenizer_;
  std::string fingerprint_;
  bool normalize_ = false;
};

absl::StatusOr<StaticEmbedder> StaticEmbedder::Open(const std::string& folder) {
  const std::filesystem::path path = folder;
  RAGPIPE_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path / "model.safetensors"));
  auto safetensors = std::make_unique<const std::string>(std::move(bytes));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string tokenizer_json, ReadFile(path / "tokenizer.json"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string config_json, ReadFile(path / "config.json"));
  const StaticModelFiles files{*safetensors, tokenizer_json, config_json};
  auto model = Model::Parse(files);
  if (!model.ok()) {
    return absl::Status(model.status().code(), fmt::format("'{}': {}", folder, std::string(model.status().message())));
  }
  (*model)->Own(std::move(safetensors));
  return StaticEmbedder(*std::move(model));
}

absl::StatusOr<StaticEmbedder> StaticEmbedder::FromMemory(const StaticModelFiles& files) {
  RAGPIPE_ASSIGN_OR_RETURN(std::shared_ptr<Model> model, Model::Parse(files));
  return StaticEmbedder(std::move(model));
}

StaticEmbedder::StaticEmbedder(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

std::size_t StaticEmbedder::dimension() const { return model_->dimension(); }

EmbedLimits StaticEmbedder::limits() const {
  EmbedLimits limits;
  limits.texts = 256;
  limits.calls = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return limits;
}

std::string StaticEmbedder::Fingerprint() const { return model_->fingerprint(); }

absl::Status StaticEmbedder::Embed(const EmbedRequest& request, std::span<float> out) {
  const std::size_t dimension = model_->dimension();
  if (out.size() != request.texts.size() * dimension) {
    return absl::InternalError(
        fmt::format("{} texts of {} floats do not fill {} floats", request.texts.size(), dimension, out.size()));
  }
  Model::WorkingSpace space;
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    if (request.deadline != absl::InfiniteFuture() && absl::Now() > request.deadline) {
      return absl::DeadlineExceededError(fmt::format("the deadline passed after {} of {} texts", i, request.texts.size()));
    }
    if (!model_->Embed(request.texts[i], space, out.subspan(i * dimension, dimension))) {
      return absl::OutOfRangeError(fmt::format("the vector of text {} is too large for floats", i));
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<const text::Tokenizer> StaticEmbedder::tokenizer() const { return model_->tokenizer(); }

}  // namespace ragpipe::embed
