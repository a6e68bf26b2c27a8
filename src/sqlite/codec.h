#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/document.h"
#include "ragpipe/ledger.h"
#include "ragpipe/metadata.h"

// Values as the columns hold them.
namespace ragpipe::sqlite {

/// Nanoseconds since 1970, null for InfinitePast. Times outside the years 1678 to 2261 become the nearest there.
std::optional<std::int64_t> EncodeTime(absl::Time time);
absl::Time DecodeTime(std::optional<std::int64_t> nanoseconds);

/// SQLite has no unsigned integer; the bits are kept.
std::optional<std::int64_t> EncodeOrdinal(std::optional<std::uint64_t> ordinal);
std::optional<std::uint64_t> DecodeOrdinal(std::optional<std::int64_t> bits);

/// JSON. Errors: kInvalidArgument for what JSON cannot hold: strings that are not UTF-8, numbers that are not finite.
absl::StatusOr<std::string> EncodeMetadata(const Metadata& metadata);
absl::StatusOr<std::string> EncodeStrings(const std::vector<std::string>& strings);

// Errors of these: kDataLoss.
absl::StatusOr<Metadata> DecodeMetadata(std::string_view json);
absl::StatusOr<std::vector<std::string>> DecodeStrings(std::string_view json);

/// Strings with their lengths before them: a tenth of the size and time of JSON.
std::string EncodeChunks(const std::vector<LedgerChunk>& chunks);
absl::StatusOr<std::vector<LedgerChunk>> DecodeChunks(std::string_view bytes);

/// CBOR, because a dead letter's document may be dead for bytes that JSON cannot hold.
std::string EncodeDocument(const Document& document);
absl::StatusOr<Document> DecodeDocument(std::string_view bytes);

}  // namespace ragpipe::sqlite
