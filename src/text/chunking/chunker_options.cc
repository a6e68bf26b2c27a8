#include "text/chunking/chunker_options.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uversion.h>

#include <cstdint>
#include <limits>

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxBytes = std::numeric_limits<std::int32_t>::max();  // ICU's offsets are int32_t

}  // namespace

absl::Status CheckSize(std::string_view chunker, const Tokenizer* tokenizer, std::size_t max_tokens) {
  if (tokenizer == nullptr) {
    return absl::InvalidArgumentError(fmt::format("{}: the tokenizer is null; give one to Create()", chunker));
  }
  if (max_tokens == 0) {
    return absl::InvalidArgumentError(fmt::format("{0}: {0}Options::max_tokens is 0; it must be at least 1", chunker));
  }
  return absl::OkStatus();
}

absl::Status CheckOverlap(std::string_view chunker, std::size_t overlap_tokens, std::size_t max_tokens) {
  if (overlap_tokens < max_tokens) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{0}: {0}Options::overlap_tokens is {1}; it must be below max_tokens, which is {2}", chunker, overlap_tokens,
                  max_tokens));
}

absl::Status CheckText(std::string_view chunker, std::string_view text) {
  if (text.size() > kMaxBytes) {
    return absl::OutOfRangeError(fmt::format(
        "{}: the text has {} bytes, more than the {} that can be split; divide the document", chunker, text.size(), kMaxBytes));
  }
  return absl::OkStatus();
}

std::string BoundaryFingerprint(const Tokenizer& tokenizer) {
  UVersionInfo icu;
  UVersionInfo unicode;
  u_getVersion(icu);
  u_getUnicodeVersion(unicode);
  return fmt::format("icu={}.{},unicode={}.{},tokenizer={}", icu[0], icu[1], unicode[0], unicode[1], tokenizer.Fingerprint());
}

}  // namespace ragpipe::text::internal
