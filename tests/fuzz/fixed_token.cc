// Any text through FixedTokenChunker.
#include "ragpipe/text/fixed_token_chunker.h"

#include "fuzz/chunker_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const ChunkerChoices choices(input);
  // Without overlap: that of token windows may begin inside a word, which the guarantees of others forbid.
  const auto chunker =
      MustCreate(ragpipe::text::FixedTokenChunker::Create(choices.tokenizer, {choices.max_tokens, 0, choices.max_bytes}));
  RequireGuarantees(chunker, input.rest(), "text/plain", *choices.tokenizer, choices.max_tokens, 0, choices.max_bytes);
  return 0;
}
