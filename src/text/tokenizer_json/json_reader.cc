#include "text/tokenizer_json/json_reader.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status_macros.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {

std::string Shown(std::string_view name) {
  constexpr std::size_t kMaxShown = 40;
  if (name.size() <= kMaxShown) return fmt::format("'{}'", name);
  std::size_t size = kMaxShown;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
  return fmt::format("'{}...'", name.substr(0, size));
}

bool JsonReader::Has(const char* name) const {
  const auto it = value_->find(name);
  return it != value_->end() && !it->is_null();
}

std::string JsonReader::PathOf(const char* name) const { return path_.empty() ? name : fmt::format("{}.{}", path_, name); }

absl::Status JsonReader::Invalid(std::string_view what) const {
  return absl::InvalidArgumentError(fmt::format("tokenizer.json: {} {}", path_.empty() ? "the text" : path_, what));
}

absl::Status JsonReader::Unsupported(std::string_view what) const {
  return absl::UnimplementedError(fmt::format("tokenizer.json: {} {}", path_.empty() ? "the text" : path_, what));
}

absl::StatusOr<JsonReader> JsonReader::Member(const char* name, const char* type,
                                              bool (Json::*is_type)() const noexcept) const {
  const auto it = value_->find(name);
  if (it == value_->end() || !((*it).*is_type)()) {
    return absl::InvalidArgumentError(fmt::format("tokenizer.json: {} is missing or not {}", PathOf(name), type));
  }
  return JsonReader(*it, PathOf(name));
}

absl::StatusOr<JsonReader> JsonReader::Object(const char* name) const { return Member(name, "an object", &Json::is_object); }

absl::StatusOr<JsonReader> JsonReader::Array(const char* name) const { return Member(name, "an array", &Json::is_array); }

absl::StatusOr<std::string> JsonReader::String(const char* name) const {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader member, Member(name, "a string", &Json::is_string));
  return member.value().get_ref<const std::string&>();
}

absl::StatusOr<bool> JsonReader::Bool(const char* name) const {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader member, Member(name, "true or false", &Json::is_boolean));
  return member.value().get<bool>();
}

absl::StatusOr<bool> JsonReader::BoolOr(const char* name, bool otherwise) const {
  if (!Has(name)) return otherwise;
  return Bool(name);
}

absl::StatusOr<std::uint64_t> JsonReader::Unsigned(const char* name) const {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader member, Member(name, "a whole number from 0 on", &Json::is_number_unsigned));
  return member.value().get<std::uint64_t>();
}

absl::StatusOr<char32_t> JsonReader::Character(const char* name) const {
  RAGPIPE_ASSIGN_OR_RETURN(const std::string text, String(name));
  const DecodedCharacter decoded = text.empty() ? DecodedCharacter{} : DecodeUtf8(text, 0);
  if (decoded.length == 0 || decoded.length != text.size())
    return absl::InvalidArgumentError(fmt::format("tokenizer.json: {} is not one character", PathOf(name)));
  return decoded.character;
}

JsonReader JsonReader::operator[](std::size_t index) const { return {(*value_)[index], fmt::format("{}[{}]", path_, index)}; }

absl::StatusOr<JsonReader> JsonReader::ObjectAt(std::size_t index) const {
  JsonReader element = (*this)[index];
  if (!element.value().is_object()) return element.Invalid("is not an object");
  return element;
}

}  // namespace ragpipe::text::internal
