#include "core/json.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "core/utf8.h"

namespace ragpipe::internal {

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text.front();
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void AppendJsonStrings(std::string& out, std::span<const std::string> texts) {
  out += '[';
  std::string_view separator;
  for (const std::string& text : texts) {
    out += separator;
    AppendJsonString(out, text);
    separator = ",";
  }
  out += ']';
}

}  // namespace ragpipe::internal
