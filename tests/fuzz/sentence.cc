// Any text through SentenceChunker.
#include "ragpipe/text/sentence_chunker.h"

#include "fuzz/chunker_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const ChunkerChoices choices(input);
  const auto chunker = MustCreate(ragpipe::text::SentenceChunker::Create(
      choices.tokenizer, {choices.max_tokens, choices.overlap_tokens, choices.min_tokens, choices.max_bytes}));
  RequireGuarantees(chunker, input.rest(), "text/plain", *choices.tokenizer, choices.max_tokens, choices.overlap_tokens,
                    choices.max_bytes);
  return 0;
}
