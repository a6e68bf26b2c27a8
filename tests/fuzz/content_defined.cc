// Any text through ContentDefinedChunker.
#include "ragpipe/text/content_defined_chunker.h"

#include "fuzz/chunker_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const ChunkerChoices choices(input);
  const auto chunker = MustCreate(ragpipe::text::ContentDefinedChunker::Create(
      choices.tokenizer, {choices.max_tokens, choices.overlap_tokens, choices.max_bytes}));
  RequireGuarantees(chunker, input.rest(), "text/plain", *choices.tokenizer, choices.max_tokens, choices.overlap_tokens,
                    choices.max_bytes);
  return 0;
}
