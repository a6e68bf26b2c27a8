#include "json.h"

#include <cstddef>
#include <cstdio>

namespace {

/// The length of the UTF-8 sequence at the front, or 0.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF && tail(1)) return 2;
  const bool three = lead >= 0xE0 && lead <= 0xEF && tail(1) && tail(2);
  if (three && !(lead == 0xE0 && byte(1) < 0xA0) && !(lead == 0xED && byte(1) > 0x9F)) return 3;
  const bool four = lead >= 0xF0 && lead <= 0xF4 && tail(1) && tail(2) && tail(3);
  return four && !(lead == 0xF0 && byte(1) < 0x90) && !(lead == 0xF4 && byte(1) > 0x8F) ? 4 : 0;
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      json += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (c == '\n') {
      json += "\\n";
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == 0x7F)) {  // also safe inside <script>
      char escape[7];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      json += escape;
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json + '"';
}

std::string EmbeddedText(std::string_view document, const ragpipe::Chunk& chunk) {
  if (chunk.text.has_value()) return *chunk.text;
  return std::string(document.substr(chunk.range.begin - chunk.overlap, chunk.overlap + chunk.range.size()));
}

std::string ToJsonLine(std::string_view document, const ragpipe::Chunk& chunk) {
  std::string headings;
  for (const std::string& heading : chunk.headings) headings += (headings.empty() ? "" : ",") + JsonString(heading);
  return "{\"begin\":" + std::to_string(chunk.range.begin) + ",\"end\":" + std::to_string(chunk.range.end) +
         ",\"tokens\":" + std::to_string(chunk.tokens) + ",\"overlap\":" + std::to_string(chunk.overlap) +
         ",\"context\":" + JsonString(chunk.context) + ",\"headings\":[" + headings +
         "],\"text\":" + JsonString(EmbeddedText(document, chunk)) + "}";
}
