#include "text/tokenizer_json/charsmap.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

// A unit of the trie, as in darts-clone.
bool HasLeaf(std::uint32_t unit) { return ((unit >> 8U) & 1U) != 0; }
std::uint32_t Value(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t Label(std::uint32_t unit) { return unit & 0x800000FFU; }
std::size_t Offset(std::uint32_t unit) { return std::size_t{unit >> 10U} << ((unit & (1U << 9U)) >> 6U); }

absl::Status Invalid(const char* what) { return absl::InvalidArgumentError(what); }

}  // namespace

absl::StatusOr<Charsmap> Charsmap::Parse(std::string_view bytes) {
  auto read = [bytes](std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = (value << 8U) | static_cast<unsigned char>(bytes[offset + i]);
    return value;
  };
  if (bytes.size() < 4) return Invalid("it has no trie");
  const std::size_t unit_count = read(0) / 4;
  if (unit_count == 0 || unit_count > (bytes.size() - 4) / 4) return Invalid("its trie is larger than it is");
  Charsmap map;
  map.units_.reserve(unit_count);
  for (std::size_t i = 0; i < unit_count; ++i) map.units_.push_back(read(4 + 4 * i));
  map.replacements_ = bytes.substr(4 + 4 * unit_count);
  if (ragpipe::internal::FindInvalidUtf8(map.replacements_) != std::string_view::npos)
    return Invalid("its replacements are not UTF-8");
  RAGPIPE_RETURN_IF_ERROR(map.ReadRules());
  for (std::size_t c = 0; c < map.kept_.size(); ++c) {
    const char byte = static_cast<char>(c);
    map.kept_[c] = byte != '\r' && byte != '\n' && !map.Find({&byte, 1});
  }
  return map;
}

absl::Status Charsmap::ReadRules() {
  struct Step {
    std::size_t node;
    std::string key;
  };
  // Keys may share their ends, so that a unit is reached several times; but no real file comes near this.
  std::size_t budget = 64 * units_.size();
  std::vector<Step> steps = {{Offset(units_[0]), {}}};
  while (!steps.empty()) {
    const Step step = std::move(steps.back());
    steps.pop_back();
    for (std::uint32_t byte = 0xFF; byte > 0; --byte) {
      const std::size_t child = step.node ^ byte;
      if (child >= units_.size() || Label(units_[child]) != byte) continue;
      if (budget-- == 0) return Invalid("its trie is not a tree");
      const std::size_t next = child ^ Offset(units_[child]);
      std::string key = step.key + static_cast<char>(byte);
      if (HasLeaf(units_[child])) {
        if (next >= units_.size() || Value(units_[next]) > replacements_.size() ||
            !ragpipe::internal::IsCodePointBoundary(replacements_, Value(units_[next]))) {
          return Invalid("its trie names a replacement that is not there");
        }
        rules_.push_back({std::move(key), std::string(Replacement(Value(units_[next])))});
      } else if (key.size() < kMaxKeyBytes) {
        steps.push_back({next, std::move(key)});
      }
    }
  }
  return absl::OkStatus();
}

std::string_view Charsmap::Replacement(std::size_t offset) const {
  const std::string_view rest = std::string_view(replacements_).substr(offset);
  return rest.substr(0, rest.find('\0'));
}

std::optional<std::string_view> Charsmap::Find(std::string_view text) const {
  std::size_t node = Offset(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || Label(units_[node]) != byte) return std::nullopt;
    const std::uint32_t unit = units_[node];
    node ^= Offset(unit);
    if (HasLeaf(unit)) return Replacement(Value(units_[node]));
  }
  return std::nullopt;
}

void Charsmap::Apply(const AlignedText& in, AlignedText& out) const {
  const std::string_view text = in.bytes;
  std::size_t dropped_from = 0;  // what is dropped at the very beginning counts with the character after it
  auto append = [&](std::size_t begin, std::size_t end, std::string_view replacement) {
    if (replacement.empty()) return;
    ByteRange source = in.Source(begin, end);
    if (out.bytes.empty() && in.tracks_sources) source.begin = in.sources[dropped_from].begin;
    out.Append(replacement, source);
  };

  for (std::size_t begin = 0; begin < text.size();) {
    // ASCII with ASCII behind it is a grapheme, but for CR LF.
    std::size_t end = begin;
    while (end < text.size() && Keeps(static_cast<unsigned char>(text[end])) &&
           (end + 1 == text.size() || static_cast<unsigned char>(text[end + 1]) < 0x80)) {
      ++end;
    }
    if (end > begin && !out.bytes.empty()) {
      out.AppendFrom(in, begin, end);
      begin = end;
      continue;
    }

    GraphemeBreaker breaker;
    end = begin;
    while (end < text.size()) {
      const DecodedCharacter decoded = DecodeUtf8(text, end);
      if (breaker.IsBreakBefore(decoded.character) && end > begin) break;
      end += decoded.length;
    }
    if (end - begin <= kMaxKeyBytes) {
      if (const std::optional<std::string_view> replacement = Find(text.substr(begin, end - begin))) {
        append(begin, end, *replacement);
        begin = end;
        continue;
      }
    }
    while (begin < end) {
      const std::size_t next = begin + DecodeUtf8(text, begin).length;
      const std::string_view character = text.substr(begin, next - begin);
      append(begin, next, Find(character).value_or(character));
      begin = next;
    }
  }
}

}  // namespace ragpipe::text::internal
