// Any bytes as text for the default model's WordPiece.
#include "fuzz/input.h"
#include "fuzz/tokenizer_laws.h"
#include "ragpipe/text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto& tokenizer = *new auto(ragpipe::text::LoadTokenizerJson(RAGPIPE_DEFAULT_MODEL_DATA "/tokenizer.json"));
  FUZZ_REQUIRE(tokenizer.ok());
  RequireLaws(**tokenizer, Input(data, size).rest());
  return 0;
}
