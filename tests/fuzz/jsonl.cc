// Any bytes as a line of JSON Lines: a change, or an error without text of the line.
#include "fs/jsonl_record.h"

#include <absl/status/status.h>

#include "core/utf8.h"
#include "fuzz/input.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ragpipe::fs::JsonlSourceOptions options;
  options.metadata_fields = {"m", "n"};
  options.deleted_field = "deleted";
  options.ordinal_field = "ordinal";
  options.updated_at_field = "updated_at";
  ragpipe::fs::JsonlRecordReader reader(options);
  const auto record = reader.Read(Input(data, size).rest());
  if (!record.status.ok()) {
    FUZZ_REQUIRE(record.status.code() == absl::StatusCode::kInvalidArgument);
    return 0;
  }
  FUZZ_REQUIRE(record.is_object);
  FUZZ_REQUIRE(!record.change.document_id.empty());
  return 0;
}
