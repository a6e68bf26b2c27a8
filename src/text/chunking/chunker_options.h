#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "ragpipe/text/tokenizer.h"
#include "text/chunking/limits.h"

namespace ragpipe::text::internal {

/// What every chunker demands of its options. `chunker` is the name of the class, for the message.
absl::Status CheckLimits(std::string_view chunker, const Tokenizer* tokenizer, const Limits& limits);

/// Whether ICU's offsets reach over the text.
absl::Status CheckText(std::string_view chunker, std::string_view text);

/// The parts of a fingerprint that name the limits, and what boundaries and counts follow: ICU and Unicode versions, the
/// tokenizer.
std::string LimitsFingerprint(const Limits& limits);
std::string BoundaryFingerprint(const Tokenizer& tokenizer);

}  // namespace ragpipe::text::internal
