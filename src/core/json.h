#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ragpipe::internal {

/// Appends `text` as a JSON string. It may quote what a host's stage said, so it is not trusted to be UTF-8: each bad byte
/// becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

/// Appends them as a JSON array.
void AppendJsonStrings(std::string& out, std::span<const std::string> texts);

}  // namespace ragpipe::internal
