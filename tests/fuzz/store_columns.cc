// Any bytes as a column of a damaged store: an error, or a value that comes back from what it is written as.
#include <absl/status/status.h>

#include <string_view>

#include "fuzz/input.h"
#include "fuzz/require.h"
#include "sqlite/codec.h"

using namespace ragpipe::sqlite;

namespace {

/// Columns are JSON, or made by this library: what cannot be written was not read.
template <class Decoded, class Encode, class Decode>
void CheckRoundTrip(const Decoded& value, Encode encode, Decode decode) {
  if (!value.ok()) {
    FUZZ_REQUIRE(value.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  const auto again = decode(encode(*value));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(encode(*again) == encode(*value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = Input(data, size).rest();
  CheckRoundTrip(DecodeChunks(bytes), EncodeChunks, DecodeChunks);
  CheckRoundTrip(DecodeDocument(bytes), EncodeDocument, DecodeDocument);
  CheckRoundTrip(
      DecodeMetadata(bytes), [](const auto& metadata) { return *EncodeMetadata(metadata); }, DecodeMetadata);
  CheckRoundTrip(
      DecodeStrings(bytes), [](const auto& strings) { return *EncodeStrings(strings); }, DecodeStrings);
  return 0;
}
