// Any bytes as the cursor of a JSON Lines file: nothing, or one that is written as it was read.
#include "fs/jsonl_cursor.h"

#include <string>

#include "fuzz/input.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ragpipe::Cursor cursor(Input(data, size).rest());
  const auto read = ragpipe::fs::DecodeCursor(cursor);
  if (!read.has_value()) return 0;
  const auto again = ragpipe::fs::DecodeCursor(ragpipe::fs::EncodeCursor(*read));
  FUZZ_REQUIRE(again.has_value());
  FUZZ_REQUIRE(again->offset == read->offset && again->lines == read->lines && again->head_hash == read->head_hash);
  return 0;
}
