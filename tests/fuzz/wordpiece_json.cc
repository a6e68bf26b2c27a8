// Any bytes as the tokenizer.json of a WordPiece, and what follows its first NUL as a text for it.
#include "fuzz/input.h"
#include "fuzz/tokenizer_laws.h"
#include "ragpipe/text/wordpiece.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto tokenizer = ragpipe::text::WordPiece::FromJson(input.TakeBefore('\0'));
  if (tokenizer.ok()) RequireLaws(**tokenizer, input.rest());
  return 0;
}
