#include "ragpipe/text/router_chunker.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace ragpipe::text {
namespace {

// In lower case, without parameters.
std::string Essence(std::string_view media_type) {
  std::string essence(media_type.substr(0, media_type.find(';')));
  absl::StripAsciiWhitespace(&essence);
  absl::AsciiStrToLower(&essence);
  return essence;
}

bool Matches(std::string_view pattern, std::string_view essence) {
  if (!pattern.ends_with("/*")) return pattern == essence;
  return essence.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

absl::StatusOr<RouterChunker> RouterChunker::Create(std::vector<Route> routes, std::shared_ptr<const Chunker> otherwise) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].chunker == nullptr) {
      return absl::InvalidArgumentError(fmt::format("RouterChunker: the chunker of route {} is null", i));
    }
    std::string& type = routes[i].media_type;
    const std::size_t slash = type.find('/');
    if (slash == 0 || slash == std::string::npos || slash + 1 == type.size() || type.find(';') != std::string::npos) {
      return absl::InvalidArgumentError(
          fmt::format("RouterChunker: the media type of route {} is '{}'; it must be TYPE/SUBTYPE or TYPE/*", i, type));
    }
    type = Essence(type);
  }
  if (otherwise == nullptr) return absl::InvalidArgumentError("RouterChunker: the default chunker is null");
  return RouterChunker(std::move(routes), std::move(otherwise));
}

RouterChunker::RouterChunker(std::vector<Route> routes, std::shared_ptr<const Chunker> otherwise)
    : routes_(std::move(routes)), otherwise_(std::move(otherwise)) {}

const Chunker& RouterChunker::ChunkerFor(const Document& document) const {
  const std::string essence = Essence(document.media_type);
  for (const Route& route : routes_) {
    if (Matches(route.media_type, essence)) return *route.chunker;
  }
  return *otherwise_;
}

absl::StatusOr<std::vector<Chunk>> RouterChunker::Split(const Document& document) const {
  return ChunkerFor(document).Split(document);
}

absl::Status RouterChunker::SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const {
  return ChunkerFor(document).SplitStream(document, read, take);
}

std::string RouterChunker::Fingerprint() const {
  std::string routes;
  for (const Route& route : routes_) routes += fmt::format("{}={},", route.media_type, route.chunker->Fingerprint());
  return fmt::format("ragpipe.router/1({}otherwise={})", routes, otherwise_->Fingerprint());
}

}  // namespace ragpipe::text
