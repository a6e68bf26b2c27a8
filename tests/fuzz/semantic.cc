// Any text through SemanticChunker, with vectors that are hashes of what is embedded.
#include "ragpipe/text/semantic_chunker.h"

#include <memory>

#include "fuzz/chunker_laws.h"
#include "ragpipe/testing/hash_embedder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const ChunkerChoices choices(input);
  // Calls over its limits are errors, which RequireGuarantees() does not forgive.
  const auto embedder = std::make_shared<ragpipe::testing::HashEmbedder>(
      ragpipe::testing::HashEmbedderOptions{.dimension = 4, .limits = {.texts = 1 + input.Choose(16)}});
  const std::size_t window_sentences = 1 + input.Choose(4);
  const std::size_t neighbourhood_sentences = 1 + input.Choose(8);
  const double threshold = static_cast<double>(input.Choose(4)) / 2;
  const auto chunker = MustCreate(ragpipe::text::SemanticChunker::Create(choices.tokenizer, embedder,
                                                                         {.max_tokens = choices.max_tokens,
                                                                          .overlap_tokens = choices.overlap_tokens,
                                                                          .min_tokens = choices.min_tokens,
                                                                          .max_bytes = choices.max_bytes,
                                                                          .window_sentences = window_sentences,
                                                                          .neighbourhood_sentences = neighbourhood_sentences,
                                                                          .threshold = threshold}));
  RequireGuarantees(chunker, input.rest(), "text/plain", *choices.tokenizer, choices.max_tokens, choices.overlap_tokens,
                    choices.max_bytes);
  return 0;
}
