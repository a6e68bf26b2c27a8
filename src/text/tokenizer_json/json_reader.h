#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ragpipe::text::internal {

/// A value in a JSON text and the path to it, which every error names.
class JsonReader {
 public:
  using Json = nlohmann::json;

  JsonReader(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const Json& value() const { return *value_; }
  const std::string& path() const { return path_; }

  /// Whether the member is there and not null.
  bool Has(const char* name) const;

  absl::StatusOr<JsonReader> Object(const char* name) const;
  absl::StatusOr<JsonReader> Array(const char* name) const;
  absl::StatusOr<std::string> String(const char* name) const;
  absl::StatusOr<bool> Bool(const char* name) const;
  absl::StatusOr<std::uint64_t> Unsigned(const char* name) const;
  absl::StatusOr<char32_t> Character(const char* name) const;

  /// `otherwise` where the member is absent or null.
  absl::StatusOr<bool> BoolOr(const char* name, bool otherwise) const;

  /// Of an array.
  std::size_t size() const { return value_->size(); }
  JsonReader operator[](std::size_t index) const;
  absl::StatusOr<JsonReader> ObjectAt(std::size_t index) const;

  /// kInvalidArgument and kUnimplemented, with the path of this value.
  absl::Status Invalid(std::string_view what) const;
  absl::Status Unsupported(std::string_view what) const;

 private:
  absl::StatusOr<JsonReader> Member(const char* name, const char* type, bool (Json::*is_type)() const noexcept) const;
  std::string PathOf(const char* name) const;

  const Json* value_;
  std::string path_;  // empty: the whole text
};

/// Names from the file are shown, but not at any length.
std::string Shown(std::string_view name);

}  // namespace ragpipe::text::internal
