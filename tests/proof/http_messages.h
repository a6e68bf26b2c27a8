#pragma once

// What travels between the host's stages and the services: nlohmann::json values as CBOR, which has bytes and exact floats.

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ragpipe/recipe.h"
#include "ragpipe/stored_record.h"

template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& to, const std::optional<T>& from) { from.has_value() ? to = *from : to = nullptr; }
  static void from_json(const json& from, std::optional<T>& to) {
    if (!from.is_null()) to = from.get<T>();
  }
};

template <>
struct nlohmann::adl_serializer<absl::Time> {
  static void to_json(json& to, absl::Time from) { to = absl::FormatTime(from); }
  static void from_json(const json& from, absl::Time& to) {
    absl::ParseTime(absl::RFC3339_full, from.get<std::string>(), &to, nullptr);
  }
};

template <>
struct nlohmann::adl_serializer<ragpipe::MetadataValue> {
  static void to_json(json& to, const ragpipe::MetadataValue& from) {
    std::visit([&to](const auto& value) { to = value; }, from);
  }
  static void from_json(const json& from, ragpipe::MetadataValue& to) {
    if (from.is_boolean()) {
      to = from.get<bool>();
    } else if (from.is_number_integer()) {
      to = from.get<std::int64_t>();
    } else if (from.is_number()) {
      to = from.get<double>();
    } else if (from.is_string()) {
      to = from.get<std::string>();
    } else {
      to = from.get<std::vector<std::string>>();
    }
  }
};

namespace ragpipe {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ByteRange, begin, end)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Chunk, range, overlap, context, headings, tokens, tokens_are_estimated)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Version, token, ordinal)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StoredRecord, id, source, document_id, text_key, vector, text, position, chunk, media_type,
                                   metadata, version, updated_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Recipe, chunker, embedder, dimension, metric, schema)

namespace proof {

/// A DocumentWrite on its way.
struct HttpWrite {
  std::string source;
  std::string document_id;
  std::vector<StoredRecord> upserts = {};
  std::vector<StoredRecord> patches = {};  ///< without vectors
  std::vector<std::string> deletes = {};
  bool replace_all = false;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HttpWrite, source, document_id, upserts, patches, deletes, replace_all)

struct VectorsAnswer {
  std::vector<std::vector<float>> vectors;
  std::vector<std::size_t> errors;  ///< places of texts that are refused
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VectorsAnswer, vectors, errors)

inline std::string ToBody(const nlohmann::json& json) {
  std::string body;
  nlohmann::json::to_cbor(json, body);
  return body;
}

/// Discarded when it is cut or something else.
inline nlohmann::json FromBody(const std::string& body) { return nlohmann::json::from_cbor(body, true, false); }

}  // namespace proof
}  // namespace ragpipe
