#include <absl/time/time.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/json.h"
#include "ragpipe/query.h"

namespace ragpipe {
namespace {

using internal::AppendJsonString;
using internal::AppendJsonStrings;

/// JSON has no infinities; an index of a host may still answer one.
void AppendNumber(std::string& out, double number) {
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  } else {
    out += "null";
  }
}

void AppendValue(std::string& out, const MetadataValue& value) {
  std::visit(
      [&out](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          AppendJsonString(out, held);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          AppendJsonStrings(out, held);
        } else if constexpr (std::is_same_v<T, double>) {
          AppendNumber(out, held);
        } else {
          fmt::format_to(std::back_inserter(out), "{}", held);
        }
      },
      value);
}

void AppendMetadata(std::string& out, const Metadata& metadata) {
  out += '{';
  std::string_view separator;
  for (const auto& [field, value] : metadata) {
    out += separator;
    AppendJsonString(out, field);
    out += ':';
    AppendValue(out, value);
    separator = ",";
  }
  out += '}';
}

void AppendVersion(std::string& out, const Version& version) {
  out += R"({"token":)";
  if (version.token.empty()) {
    out += "null";
  } else {
    AppendJsonString(out, version.token);
  }
  out += R"(,"ordinal":)";
  out += version.ordinal ? std::to_string(*version.ordinal) : "null";
  out += '}';
}

void AppendTime(std::string& out, absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) {
    out += "null";
  } else {
    AppendJsonString(out, absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()));
  }
}

}  // namespace

std::string ToJson(const Hit& hit) {
  std::string json = R"({"score":)";
  AppendNumber(json, hit.score);
  json += R"(,"vector_score":)";
  AppendNumber(json, hit.vector_score);
  json += R"(,"text_score":)";
  AppendNumber(json, hit.text_score);
  json += R"(,"source":)";
  AppendJsonString(json, hit.source);
  json += R"(,"document_id":)";
  AppendJsonString(json, hit.document_id);
  json += R"(,"record_id":)";
  AppendJsonString(json, hit.record_id);
  fmt::format_to(std::back_inserter(json), R"(,"position":{},"range":{{"begin":{},"end":{}}},"headings":)", hit.position,
                 hit.chunk.range.begin, hit.chunk.range.end);
  AppendJsonStrings(json, hit.chunk.headings);
  fmt::format_to(std::back_inserter(json), R"(,"tokens":{},"tokens_are_estimated":{},"text":)", hit.chunk.tokens,
                 hit.chunk.tokens_are_estimated);
  AppendJsonString(json, hit.text);
  json += R"(,"media_type":)";
  AppendJsonString(json, hit.media_type);
  json += R"(,"metadata":)";
  AppendMetadata(json, hit.metadata);
  json += R"(,"version":)";
  AppendVersion(json, hit.version);
  json += R"(,"updated_at":)";
  AppendTime(json, hit.updated_at);
  json += '}';
  return json;
}

}  // namespace ragpipe
