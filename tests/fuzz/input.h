#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/utf8.h"

/// What libFuzzer gives: options from its first bytes, then a text.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  /// Takes a byte and makes it a number below `count`, at most 256; 0 when there is none.
  std::size_t Choose(std::size_t count) {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte % count;
  }

  /// Takes what stands before the next `divider`, or all, and the divider.
  std::string_view TakeBefore(char divider) {
    const std::string_view taken = rest_.substr(0, rest_.find(divider));
    rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
    return taken;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// With '?' for each byte that is not UTF-8.
inline std::string ValidUtf8(std::string_view text) {
  std::string valid(text);
  for (std::size_t at = 0; at < valid.size();) {
    const std::size_t length = ragpipe::internal::Utf8SequenceLength(std::string_view(valid).substr(at));
    if (length == 0) valid[at] = '?';
    at += std::max<std::size_t>(length, 1);
  }
  return valid;
}
