#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <span>
#include <string>

#include "ragpipe/embedder.h"

/// Costs next to nothing, so that what is measured is everything else. Thread-safe.
class NullEmbedder final : public ragpipe::Embedder {
 public:
  explicit NullEmbedder(std::size_t dimension) : dimension_(dimension) {}

  std::size_t dimension() const override { return dimension_; }
  std::string Fingerprint() const override { return "null"; }
  absl::Status Embed(const ragpipe::EmbedRequest& request, std::span<float> out) override {
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      out[i * dimension_] = 1.0F;
      out[i * dimension_ + 1] = static_cast<float>(request.texts[i].size() % 97);
    }
    return absl::OkStatus();
  }

 private:
  std::size_t dimension_;
};
