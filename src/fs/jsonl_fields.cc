#include "fs/jsonl_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "core/utf8.h"

namespace ragpipe::fs {
namespace {

/// Receives the parser's events. A false answer ends the parse.
class FieldCollector {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  FieldCollector(std::span<const std::string> names, std::vector<FieldValue>& values)
      : names_(names), values_(values), seen_(names.size(), false) {
    values_.assign(names.size(), std::monostate());
  }

  // NOLINTBEGIN(readability-identifier-naming): the parser's names
  bool null() { return Take(std::monostate()); }
  bool boolean(bool value) { return Take(value); }
  bool number_integer(number_integer_t value) { return Take(value); }
  bool number_unsigned(number_unsigned_t value) { return Take(value); }
  bool number_float(number_float_t value, const string_t& text) {
    if (text.find_first_of(".eE") == std::string::npos) return Take(JsonHugeInteger());
    return Take(value);
  }
  bool string(string_t& value) { return Take(std::move(value)); }
  bool binary(binary_t& /*value*/) { return false; }

  bool start_object(std::size_t /*size*/) {
    if (depth_ > 0 && !Take(JsonObject())) return false;
    ++depth_;
    return true;
  }
  bool end_object() {
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) {
    if (!Take(std::vector<std::string>())) return false;
    ++depth_;
    return true;
  }
  bool end_array() {
    --depth_;
    return true;
  }

  bool key(string_t& name) {
    if (depth_ != 1) return true;
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      wanted_ = nullptr;
      return true;
    }
    const auto i = static_cast<std::size_t>(found - names_.begin());
    if (seen_[i]) values_[i] = JsonRepeated();
    wanted_ = seen_[i] ? nullptr : &values_[i];
    seen_[i] = true;
    return true;
  }

  // The parser's own message quotes the line, so it is not used.
  bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::json::exception& /*error*/) {
    problem_ = fmt::format("not valid JSON at byte {}", position);
    return false;
  }
  // NOLINTEND(readability-identifier-naming)

  const std::string& problem() const { return problem_; }

 private:
  template <class T>
  bool Take(T value) {
    if (depth_ == 0) {
      problem_ = "not a JSON object";
      return false;
    }
    if (wanted_ == nullptr) return true;
    if (depth_ == 1) {
      *wanted_ = std::move(value);
    } else if (auto* list = std::get_if<std::vector<std::string>>(wanted_); list != nullptr && depth_ == 2) {
      if constexpr (std::is_same_v<T, std::string>) {
        list->push_back(std::move(value));
      } else {
        *wanted_ = JsonMixedArray();
      }
    }
    return true;
  }

  const std::span<const std::string> names_;
  std::vector<FieldValue>& values_;
  std::vector<bool> seen_;
  FieldValue* wanted_ = nullptr;  // where the value of the last key of the outermost object goes
  std::size_t depth_ = 0;
  std::string problem_;
};

}  // namespace

std::string_view KindOf(const FieldValue& value) {
  struct Kind {
    std::string_view operator()(std::monostate) const { return "null or absent"; }
    std::string_view operator()(bool) const { return "a boolean"; }
    std::string_view operator()(std::int64_t) const { return "an integer"; }
    std::string_view operator()(std::uint64_t) const { return "an integer"; }
    std::string_view operator()(double) const { return "a number with a fraction or exponent"; }
    std::string_view operator()(const std::string&) const { return "a string"; }
    std::string_view operator()(const std::vector<std::string>&) const { return "a list of strings"; }
    std::string_view operator()(JsonObject) const { return "an object"; }
    std::string_view operator()(JsonMixedArray) const { return "a list with something else than strings"; }
    std::string_view operator()(JsonHugeInteger) const { return "an integer of more than 64 bits"; }
    std::string_view operator()(JsonRepeated) const { return "there more than once"; }
  };
  return std::visit(Kind(), value);
}

absl::Status ParseFields(std::string_view line, std::span<const std::string> names, std::vector<FieldValue>& values) {
  // The parser takes a NUL for the end of the text, whatever follows.
  if (const std::size_t offset = line.find('\0'); offset != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("a NUL byte at byte {}", offset + 1));
  }
  FieldCollector collector(names, values);
  if (nlohmann::json::sax_parse(line, &collector)) return absl::OkStatus();
  if (const std::size_t offset = internal::FindInvalidUtf8(line); offset != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("not UTF-8 at byte {}", offset + 1));
  }
  return absl::InvalidArgumentError(collector.problem());
}

}  // namespace ragpipe::fs
