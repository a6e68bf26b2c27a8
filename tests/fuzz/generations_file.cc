// Any bytes as the file that says which generation is live: nothing, or a state that is written as it was read.
#include "fuzz/input.h"
#include "fuzz/require.h"
#include "sqlite/current.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = Input(data, size).rest();
  const auto current = ragpipe::sqlite::ParseCurrent(text);
  if (!current.has_value()) return 0;
  FUZZ_REQUIRE(current->live != 0);
  FUZZ_REQUIRE(ragpipe::sqlite::FormatCurrent(*current) == text);
  return 0;
}
