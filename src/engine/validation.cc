#include "engine/validation.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kMaxDocumentIdBytes = 4096;

absl::Status CheckText(std::string_view text, std::string_view what) {
  if (const std::size_t offset = text.find('\0'); offset != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("{} contains a NUL byte at {}; is it binary?", what, offset));
  }
  if (const std::size_t offset = FindInvalidUtf8(text); offset != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("{} is not UTF-8 at byte {}; convert it first", what, offset));
  }
  return absl::OkStatus();
}

absl::Status CheckMetadata(const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    RAGPIPE_RETURN_IF_ERROR(CheckText(name, "the name of a metadata field"));
    if (name.empty()) return absl::InvalidArgumentError("the name of a metadata field is empty");
    if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) {
      return absl::InvalidArgumentError(fmt::format("the metadata field '{}' is not a finite number", name));
    }
    if (const auto* text = std::get_if<std::string>(&value)) {
      RAGPIPE_RETURN_IF_ERROR(CheckText(*text, fmt::format("the metadata field '{}'", name)));
    }
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& item : *list) {
        RAGPIPE_RETURN_IF_ERROR(CheckText(item, fmt::format("an item of the metadata field '{}'", name)));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDocumentId(std::string_view id) {
  if (id.empty()) return absl::InvalidArgumentError("the document id is empty; give every document an id");
  if (id.size() > kMaxDocumentIdBytes) {
    return absl::InvalidArgumentError(
        fmt::format("the document id has {} bytes; at most {} are allowed", id.size(), kMaxDocumentIdBytes));
  }
  return CheckText(id, "the document id");
}

absl::Status CheckDocument(const Document& document, std::string_view expected_id, std::size_t max_bytes) {
  if (document.id != expected_id) {
    return absl::InternalError(
        fmt::format("the source answered with document '{}' when '{}' was asked for", document.id, expected_id));
  }
  if (document.text.size() > max_bytes) {
    return absl::OutOfRangeError(fmt::format("the document has {} bytes; PipelineOptions::max_document_bytes allows {}",
                                             document.text.size(), max_bytes));
  }
  RAGPIPE_RETURN_IF_ERROR(CheckText(document.text, "the document"));
  RAGPIPE_RETURN_IF_ERROR(CheckText(document.media_type, "the media type"));
  return CheckMetadata(document.metadata);
}

absl::Status CheckChunks(const Document& document, const std::vector<Chunk>& chunks) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const Chunk& chunk = chunks[i];
    const ByteRange range = chunk.range;
    std::string_view fault;
    if (range.begin > range.end || range.end > document.text.size()) {
      fault = "lies outside the document";
    } else if (range.begin < end) {
      fault = "overlaps the chunk before it, or comes before it";
    } else if (chunk.overlap > range.begin) {
      fault = "has an overlap that begins before the document";
    } else if (!IsCodePointBoundary(document.text, range.begin) || !IsCodePointBoundary(document.text, range.end) ||
               !IsCodePointBoundary(document.text, range.begin - chunk.overlap)) {
      fault = "divides a code point";
    } else if (FindInvalidUtf8(chunk.context) != std::string_view::npos ||
               (chunk.text.has_value() && FindInvalidUtf8(*chunk.text) != std::string_view::npos) ||
               std::any_of(chunk.headings.begin(), chunk.headings.end(),
                           [](const std::string& heading) { return FindInvalidUtf8(heading) != std::string_view::npos; })) {
      fault = "has a context, text or heading that is not UTF-8";
    }
    if (!fault.empty()) {
      return absl::InternalError(fmt::format("the chunker's chunk {}, bytes [{}, {}), {}", i, range.begin, range.end, fault));
    }
    end = range.end;
  }
  return absl::OkStatus();
}

absl::Status CheckVector(std::span<const float> vector, bool may_be_zero) {
  // Magnitudes of floats are ordered as their bits are. An integer maximum is vectorised; a test of each float is not.
  constexpr std::int32_t kInfinity = 0x7F800000;
  auto magnitude = [](float x) { return std::bit_cast<std::int32_t>(x) & 0x7FFFFFFF; };
  std::int32_t largest = 0;
  for (const float x : vector) largest = std::max(largest, magnitude(x));
  if (largest >= kInfinity) {
    const auto bad = std::find_if(vector.begin(), vector.end(), [&](float x) { return magnitude(x) >= kInfinity; });
    return absl::InvalidArgumentError(
        fmt::format("the embedder returned a vector whose float {} is not finite", bad - vector.begin()));
  }
  if (largest == 0 && !may_be_zero) {
    return absl::InvalidArgumentError(
        "the embedder returned a zero vector, which has no direction under the cosine metric; it knows nothing of this text");
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::internal
