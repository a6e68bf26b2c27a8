// Any bytes as a tokenizer.json, and what follows its first NUL as a text for it.
#include "ragpipe/text/tokenizer_json.h"

#include "fuzz/input.h"
#include "fuzz/tokenizer_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto tokenizer = ragpipe::text::TokenizerFromJson(input.TakeBefore('\0'));
  if (tokenizer.ok()) RequireLaws(**tokenizer, input.rest());
  return 0;
}
