#include "text/chunking/chunker_options.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uversion.h>

#include <cstdint>
#include <limits>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxBytes = std::numeric_limits<std::int32_t>::max();  // ICU's offsets are int32_t
constexpr std::size_t kMaxCharacterBytes = 4;                                // of a code point, and more than CRLF

}  // namespace

absl::Status CheckLimits(std::string_view chunker, const Tokenizer* tokenizer, const Limits& limits) {
  auto refused = [chunker](std::string_view option, std::size_t value, const std::string& allowed) {
    return absl::InvalidArgumentError(
        fmt::format("{0}: {0}Options::{1} is {2}; it must be {3}", chunker, option, value, allowed));
  };
  const std::size_t max_tokens = limits.max_tokens;
  if (tokenizer == nullptr) {
    return absl::InvalidArgumentError(fmt::format("{}: the tokenizer is null; give one to Create()", chunker));
  }
  if (max_tokens == 0) return refused("max_tokens", 0, "at least 1");
  if (limits.max_bytes < kMaxCharacterBytes) {
    return refused("max_bytes", limits.max_bytes, fmt::format("at least {}, the bytes of one character", kMaxCharacterBytes));
  }
  if (limits.min_tokens > max_tokens) {
    return refused("min_tokens", limits.min_tokens, fmt::format("at most max_tokens, which is {}", max_tokens));
  }
  if (limits.overlap_tokens >= max_tokens) {
    return refused("overlap_tokens", limits.overlap_tokens, fmt::format("below max_tokens, which is {}", max_tokens));
  }
  return absl::OkStatus();
}

absl::Status CheckText(std::string_view chunker, std::string_view text) {
  if (text.size() > kMaxBytes) {
    return absl::OutOfRangeError(fmt::format(
        "{}: the text has {} bytes, more than the {} that can be split; divide the document", chunker, text.size(), kMaxBytes));
  }
  return absl::OkStatus();
}

std::string LimitsFingerprint(const Limits& limits) {
  std::string text =
      fmt::format("max_tokens={},overlap_tokens={},min_tokens={}", limits.max_tokens, limits.overlap_tokens, limits.min_tokens);
  if (limits.max_bytes != SIZE_MAX) text += fmt::format(",max_bytes={}", limits.max_bytes);
  return text + (limits.fill == Fill::kGreedy ? ",fill=greedy" : ",fill=balanced");
}

std::string BoundaryFingerprint(const Tokenizer& tokenizer) {
  UVersionInfo icu;
  UVersionInfo unicode;
  u_getVersion(icu);
  u_getUnicodeVersion(unicode);
  return fmt::format("icu={}.{},unicode={}.{},tokenizer={}", icu[0], icu[1], unicode[0], unicode[1], tokenizer.Fingerprint());
}

}  // namespace ragpipe::text::internal
