#include "text/tokenizer_json/json_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {
namespace {

using Json = nlohmann::json;

const std::array<double, 309>& PowersOfTen() {
  static const auto powers = [] {
    std::array<double, 309> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string text = fmt::format("1e{}", i);
      std::from_chars(text.data(), text.data() + text.size(), all[i]);
    }
    return all;
  }();
  return powers;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// As serde_json 1.0 in src/de.rs without the feature float_roundtrip: as many digits as 64 bits hold, times or divided by a
// power of ten. Infinite where serde_json refuses the number.
double NumberOf(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  constexpr int kFar = 100000;  // beyond any exponent that matters
  const bool is_negative = text.starts_with('-');
  std::size_t i = is_negative ? 1 : 0;
  std::uint64_t significand = 0;
  int exponent = 0;
  auto add = [&significand](char c) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (significand > (kMax - digit) / 10) return false;
    significand = significand * 10 + digit;
    return true;
  };
  while (i < text.size() && IsDigit(text[i]) && add(text[i])) ++i;
  for (; i < text.size() && IsDigit(text[i]); ++i) exponent = std::min(exponent + 1, kFar);
  if (i < text.size() && text[i] == '.') {
    ++i;
    for (; i < text.size() && IsDigit(text[i]) && add(text[i]); ++i) exponent = std::max(exponent - 1, -kFar);
    while (i < text.size() && IsDigit(text[i])) ++i;
  }
  if (i < text.size()) {  // e
    ++i;
    const bool is_below = text[i] == '-';
    if (!IsDigit(text[i])) ++i;
    int given = 0;
    for (; i < text.size(); ++i) given = std::min(given * 10 + (text[i] - '0'), kFar);
    exponent += is_below ? -given : given;
  }
  auto value = static_cast<double>(significand);
  const auto& powers = PowersOfTen();
  constexpr int kLast = 308;
  for (; exponent < -kLast && value != 0; exponent += kLast) value /= powers[kLast];
  if (value != 0) {
    if (exponent > kLast) return HUGE_VAL;
    const double power = powers[static_cast<std::size_t>(std::abs(exponent))];
    value = exponent < 0 ? value / power : value * power;
  }
  return is_negative ? -value : value;
}

class Builder final : public nlohmann::json_sax<Json> {
 public:
  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    const double value = NumberOf(text);
    return std::isfinite(value) && Add(value);
  }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return Open(Json::object()); }
  bool key(string_t& name) override {
    member_ = &(*open_.back())[std::move(name)];
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t /*size*/) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const Json::exception& /*error*/) override {
    return false;
  }

 private:
  Json* Place(Json value) {
    Json* place = &root_;
    if (!open_.empty() && open_.back()->is_array()) {
      open_.back()->push_back(nullptr);
      place = &open_.back()->back();
    } else if (!open_.empty()) {
      place = member_;
    }
    *place = std::move(value);
    return place;
  }
  bool Add(Json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(Json value) {
    open_.push_back(Place(std::move(value)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // of the innermost object: what the next value is
};

}  // namespace

nlohmann::json ParseJson(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text, &builder)) return Json(Json::value_t::discarded);
  return builder.Take();
}

}  // namespace ragpipe::text::internal
