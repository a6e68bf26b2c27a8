#include "sqlite/codec.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe::sqlite {
namespace {

using nlohmann::json;

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(fmt::format("the index file is damaged: the {} of a row cannot be read", what));
}

bool IsUtf8(std::string_view text) { return internal::FindInvalidUtf8(text) == std::string_view::npos; }

bool FitsJson(const MetadataValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return std::isfinite(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return IsUtf8(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& item : *list) {
      if (!IsUtf8(item)) return false;
    }
  }
  return true;
}

json ToJson(const Metadata& metadata) {
  json object = json::object();
  for (const auto& [field, value] : metadata) {
    std::visit([&object, &name = field](const auto& v) { object[name] = v; }, value);
  }
  return object;
}

std::optional<std::vector<std::string>> ToStrings(const json& array) {
  if (!array.is_array()) return std::nullopt;
  std::vector<std::string> strings;
  strings.reserve(array.size());
  for (const json& item : array) {
    if (!item.is_string()) return std::nullopt;
    strings.push_back(item.get_ref<const std::string&>());
  }
  return strings;
}

std::optional<Metadata> ToMetadata(const json& object) {
  if (!object.is_object()) return std::nullopt;
  Metadata metadata;
  for (const auto& [field, value] : object.items()) {
    MetadataValue& stored = metadata[field];
    if (value.is_boolean()) {
      stored = value.get<bool>();
    } else if (value.is_number_integer()) {
      stored = value.get<std::int64_t>();
    } else if (value.is_number_float()) {
      stored = value.get<double>();
    } else if (value.is_string()) {
      stored = value.get_ref<const std::string&>();
    } else if (auto strings = ToStrings(value); strings.has_value()) {
      stored = *std::move(strings);
    } else {
      return std::nullopt;
    }
  }
  return metadata;
}

void AppendLength(std::string& out, std::size_t length) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(0x80 | (length & 0x7F));
  out += static_cast<char>(length);
}

void AppendString(std::string& out, std::string_view text) {
  AppendLength(out, text.size());
  out += text;
}

bool TakeLength(std::string_view& bytes, std::size_t& length) {
  length = 0;
  for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeString(std::string_view& bytes, std::string& text) {
  std::size_t length = 0;
  if (!TakeLength(bytes, length) || length > bytes.size()) return false;
  text = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

}  // namespace

std::optional<std::int64_t> EncodeTime(absl::Time time) {
  if (time == absl::InfinitePast()) return std::nullopt;
  return absl::ToUnixNanos(time);
}

absl::Time DecodeTime(std::optional<std::int64_t> nanoseconds) {
  return nanoseconds.has_value() ? absl::FromUnixNanos(*nanoseconds) : absl::InfinitePast();
}

std::optional<std::int64_t> EncodeOrdinal(std::optional<std::uint64_t> ordinal) {
  if (!ordinal.has_value()) return std::nullopt;
  return std::bit_cast<std::int64_t>(*ordinal);
}

std::optional<std::uint64_t> DecodeOrdinal(std::optional<std::int64_t> bits) {
  if (!bits.has_value()) return std::nullopt;
  return std::bit_cast<std::uint64_t>(*bits);
}

absl::StatusOr<std::string> EncodeMetadata(const Metadata& metadata) {
  for (const auto& [field, value] : metadata) {
    if (!IsUtf8(field)) return absl::InvalidArgumentError("the name of a metadata field is not UTF-8");
    if (!FitsJson(value)) {
      return absl::InvalidArgumentError(fmt::format("the metadata field '{}' is not UTF-8, or not a finite number", field));
    }
  }
  return ToJson(metadata).dump();
}

absl::StatusOr<std::string> EncodeStrings(const std::vector<std::string>& strings) {
  if (!FitsJson(strings)) return absl::InvalidArgumentError("a heading is not UTF-8");
  return json(strings).dump();
}

absl::StatusOr<Metadata> DecodeMetadata(std::string_view text) {
  std::optional<Metadata> metadata = ToMetadata(json::parse(text, nullptr, false));
  if (!metadata.has_value()) return Malformed("metadata");
  return *std::move(metadata);
}

absl::StatusOr<std::vector<std::string>> DecodeStrings(std::string_view text) {
  std::optional<std::vector<std::string>> strings = ToStrings(json::parse(text, nullptr, false));
  if (!strings.has_value()) return Malformed("headings");
  return *std::move(strings);
}

std::string EncodeChunks(const std::vector<LedgerChunk>& chunks) {
  std::string bytes;
  AppendLength(bytes, chunks.size());
  for (const LedgerChunk& chunk : chunks) {
    AppendString(bytes, chunk.record_id);
    AppendString(bytes, chunk.text_key);
    AppendString(bytes, chunk.payload_hash);
  }
  return bytes;
}

absl::StatusOr<std::vector<LedgerChunk>> DecodeChunks(std::string_view bytes) {
  std::size_t count = 0;
  if (!TakeLength(bytes, count) || count > bytes.size()) return Malformed("chunk list");
  std::vector<LedgerChunk> chunks(count);
  for (LedgerChunk& chunk : chunks) {
    if (!TakeString(bytes, chunk.record_id) || !TakeString(bytes, chunk.text_key) || !TakeString(bytes, chunk.payload_hash)) {
      return Malformed("chunk list");
    }
  }
  return chunks;
}

std::string EncodeDocument(const Document& document) {
  json object = {{"id", document.id},
                 {"text", document.text},
                 {"media_type", document.media_type},
                 {"metadata", ToJson(document.metadata)},
                 {"version", document.version.token}};
  if (document.version.ordinal.has_value()) object["ordinal"] = *document.version.ordinal;
  if (const auto time = EncodeTime(document.updated_at)) object["updated_at"] = *time;
  std::string bytes;
  json::to_cbor(object, bytes);
  return bytes;
}

absl::StatusOr<Document> DecodeDocument(std::string_view bytes) {
  json object;
  try {  // it throws for lists longer than there is memory, also where it was asked not to
    object = json::from_cbor(bytes.begin(), bytes.end(), true, false);
  } catch (const json::exception&) {
    return Malformed("dead letter");
  }
  auto text = [&object](const char* key) -> const std::string* {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
  };
  const std::string* id = text("id");
  const std::string* body = text("text");
  const std::string* media_type = text("media_type");
  const std::string* version = text("version");
  if (id == nullptr || body == nullptr || media_type == nullptr || version == nullptr || !object.contains("metadata")) {
    return Malformed("dead letter");
  }
  std::optional<Metadata> metadata = ToMetadata(object.at("metadata"));
  if (!metadata.has_value()) return Malformed("dead letter");
  Document document{
      .id = *id, .text = *body, .media_type = *media_type, .metadata = *std::move(metadata), .version = {*version, {}}};
  if (const auto ordinal = object.find("ordinal"); ordinal != object.end() && ordinal->is_number_integer()) {
    document.version.ordinal = ordinal->get<std::uint64_t>();
  }
  if (const auto time = object.find("updated_at"); time != object.end() && time->is_number_integer()) {
    document.updated_at = absl::FromUnixNanos(time->get<std::int64_t>());
  }
  return document;
}

}  // namespace ragpipe::sqlite
