#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text::internal {

/// What both chunkers demand before they split. `chunker` is the name of the class, for the message.
absl::Status CheckChunker(std::string_view chunker, const Tokenizer* tokenizer, std::size_t max_tokens, std::string_view text);

/// The part of a fingerprint that names what boundaries and counts follow: ICU and Unicode versions, the tokenizer.
std::string BoundaryFingerprint(const Tokenizer* tokenizer);

}  // namespace ragpipe::text::internal
