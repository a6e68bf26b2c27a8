// Any text through CodeChunker, in each of its languages.
#include "ragpipe/text/code_chunker.h"

#include <iterator>

#include "fuzz/chunker_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ragpipe::text::CodeLanguage;
  static constexpr CodeLanguage kLanguages[] = {
      CodeLanguage::kC,      CodeLanguage::kCpp,  CodeLanguage::kGo,    CodeLanguage::kJava, CodeLanguage::kJavaScript,
      CodeLanguage::kPython, CodeLanguage::kRust, CodeLanguage::kShell, CodeLanguage::kSql,  CodeLanguage::kTypeScript};
  Input input(data, size);
  const CodeLanguage language = kLanguages[input.Choose(std::size(kLanguages))];
  const ChunkerChoices choices(input);
  const auto chunker =
      MustCreate(ragpipe::text::CodeChunker::Create(choices.tokenizer, {.max_tokens = choices.max_tokens,
                                                                        .overlap_tokens = choices.overlap_tokens,
                                                                        .min_tokens = choices.min_tokens,
                                                                        .max_bytes = choices.max_bytes,
                                                                        .language = language}));
  RequireGuarantees(chunker, input.rest(), "", *choices.tokenizer, choices.max_tokens, choices.overlap_tokens,
                    choices.max_bytes);
  return 0;
}
