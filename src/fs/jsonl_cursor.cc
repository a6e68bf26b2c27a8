#include "fs/jsonl_cursor.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "core/fingerprint.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kHashDigits = 32;

bool TakeNumber(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

std::string HeadHash(std::string_view head) {
  return internal::Fingerprint().Add(head).Hex();
}

Cursor EncodeCursor(const JsonlCursor& cursor) {
  return fmt::format("1:{}:{}:{}", cursor.offset, cursor.lines, cursor.head_hash);
}

std::optional<JsonlCursor> DecodeCursor(const Cursor& cursor) {
  std::string_view text = cursor;
  std::uint64_t format = 0;
  JsonlCursor decoded;
  if (!TakeNumber(text, format) || format != 1) return std::nullopt;
  if (!TakeNumber(text, decoded.offset) || !TakeNumber(text, decoded.lines)) return std::nullopt;
  if (text.size() != kHashDigits) return std::nullopt;
  decoded.head_hash = text;
  return decoded;
}

}  // namespace ragpipe::fs
