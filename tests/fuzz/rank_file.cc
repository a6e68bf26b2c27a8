// Any bytes as a rank file: an error that names the line, or distinct tokens by rising rank with every byte among them.
#include "text/bpe/rank_file.h"

#include <absl/status/status.h>

#include <set>
#include <string>
#include <string_view>

#include "fuzz/input.h"
#include "fuzz/require.h"
#include "ragpipe/text/tiktoken.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input(data, size);
  const auto parsed = ragpipe::text::internal::ParseRankFile(input.rest());
  const auto made = ragpipe::text::Tiktoken::FromRanks(ragpipe::text::TiktokenEncoding::kR50kBase, input.rest());
  FUZZ_REQUIRE(made.status().code() == absl::StatusCode::kInvalidArgument);  // nothing so short has all tokens
  if (!parsed.ok()) {
    FUZZ_REQUIRE(parsed.status().code() == absl::StatusCode::kInvalidArgument);
    return 0;
  }
  const auto tokens = parsed->Views();
  const std::set<std::string_view> distinct(tokens.begin(), tokens.end());
  FUZZ_REQUIRE(distinct.size() == tokens.size());
  for (int byte = 0; byte < 256; ++byte) FUZZ_REQUIRE(distinct.count(std::string(1, static_cast<char>(byte))) == 1);
  for (std::size_t i = 1; i < parsed->ranks.size(); ++i) FUZZ_REQUIRE(parsed->ranks[i] > parsed->ranks[i - 1]);
  return 0;
}
