// Any text with any title through ContextChunker, around RecursiveChunker.
#include "ragpipe/text/context_chunker.h"

#include <memory>

#include "fuzz/chunker_laws.h"
#include "ragpipe/text/recursive_chunker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ragpipe::text;
  Input input(data, size);
  const ChunkerChoices choices(input);
  const std::size_t max_context_tokens = 1 + input.Choose(20);
  const std::size_t max_tokens = choices.max_tokens + max_context_tokens;
  const auto recursive = std::make_shared<const RecursiveChunker>(MustCreate(RecursiveChunker::Create(
      choices.tokenizer, {choices.max_tokens, choices.overlap_tokens, choices.min_tokens, choices.max_bytes})));
  const auto chunker = MustCreate(ContextChunker::Create(
      choices.tokenizer, recursive,
      {.fields = {{"title", ""}, {"title", "Again: "}}, .max_tokens = max_tokens, .max_context_tokens = max_context_tokens}));
  ragpipe::Document document;
  document.media_type = "text/plain";
  document.metadata["title"] = CleanText(input.TakeBefore('\0'));
  document.text = CleanText(input.rest());
  const auto plain = recursive->Split(document);
  const auto chunks = chunker.Split(document);
  FUZZ_REQUIRE(chunks.status() == plain.status());
  if (!chunks.ok()) return 0;
  const std::string fault =
      FindContextFault(document.text, *plain, *chunks, *choices.tokenizer, max_tokens, max_context_tokens);
  if (!fault.empty()) std::fprintf(stderr, "%s\n", fault.c_str());
  FUZZ_REQUIRE(fault.empty());
  return 0;
}
