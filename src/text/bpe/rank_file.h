#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::text::internal {

/// Tokens by rising rank.
struct RankedTokens {
  std::string bytes;
  std::vector<std::uint32_t> ends;   // of each token, in `bytes`
  std::vector<std::uint32_t> ranks;  // of each token

  std::vector<std::string_view> Views() const;
};

/// Reads a `.tiktoken` file. Every byte is a token, no token comes twice or is longer than 256 bytes, ranks rise.
/// Errors: kInvalidArgument names the line.
absl::StatusOr<RankedTokens> ParseRankFile(std::string_view file);

}  // namespace ragpipe::text::internal
