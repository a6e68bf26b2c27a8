#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text::internal {

/// What every chunker demands of its options. `chunker` is the name of the class, for the message.
absl::Status CheckSize(std::string_view chunker, const Tokenizer* tokenizer, std::size_t max_tokens);
absl::Status CheckOverlap(std::string_view chunker, std::size_t overlap_tokens, std::size_t max_tokens);

/// Whether ICU's offsets reach over the text.
absl::Status CheckText(std::string_view chunker, std::string_view text);

/// The part of a fingerprint that names what boundaries and counts follow: ICU and Unicode versions, the tokenizer.
std::string BoundaryFingerprint(const Tokenizer& tokenizer);

}  // namespace ragpipe::text::internal
