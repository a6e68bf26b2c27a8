#include "stages.h"

#include <absl/status/status.h>

#include <string_view>
#include <utility>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/embed/static_embedder.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/semantic_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "ragpipe/text/tiktoken.h"
#include "ragpipe/text/tokenizer_json.h"

namespace {

using ragpipe::Chunker;

template <class T>
absl::StatusOr<std::shared_ptr<const Chunker>> Shared(absl::StatusOr<T> chunker) {
  if (!chunker.ok()) return chunker.status();
  return std::make_shared<const T>(*std::move(chunker));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ragpipe::text::Tokenizer>> MakeTokenizer(const std::string& name,
                                                                              const std::string& ranks) {
  if (name == "default") {
    const auto model = ragpipe::embed::DefaultModel();
    if (!model.ok()) return model.status();
    return model->tokenizer();
  }
  if (const auto encoding = ragpipe::text::FindTiktokenEncoding(name)) {
    return ragpipe::text::Tiktoken::Open(*encoding, ranks + "/" + name + ".tiktoken");
  }
  const std::string file = name.substr(name.rfind('/') + 1);
  if (const std::size_t ending = file.rfind(".tiktoken"); ending != std::string::npos) {
    if (const auto encoding = ragpipe::text::FindTiktokenEncoding(file.substr(0, ending))) {
      return ragpipe::text::Tiktoken::Open(*encoding, name);
    }
    return absl::InvalidArgumentError("--tokenizer '" + name + "': no encoding has the name of this rank file");
  }
  return ragpipe::text::LoadTokenizerJson(name);
}

absl::StatusOr<std::shared_ptr<const Chunker>> MakeChunker(const std::string& name,
                                                           std::shared_ptr<const ragpipe::text::Tokenizer> tokenizer,
                                                           const ChunkerSettings& settings) {
  using namespace ragpipe::text;
  const std::size_t max_tokens = settings.max_tokens;
  const std::size_t overlap_tokens = settings.overlap_tokens;
  if (name == "recursive") {
    return Shared(RecursiveChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "sentence") {
    return Shared(SentenceChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "fixed") {
    return Shared(
        FixedTokenChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "markdown") {
    return Shared(MarkdownChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "html") {
    return Shared(HtmlChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "code") {
    return Shared(CodeChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "content_defined") {
    return Shared(
        ContentDefinedChunker::Create(std::move(tokenizer), {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  if (name == "semantic") {
    auto model = ragpipe::embed::DefaultModel();
    if (!model.ok()) return model.status();
    return Shared(SemanticChunker::Create(std::move(tokenizer),
                                          std::make_shared<ragpipe::embed::StaticEmbedder>(*std::move(model)),
                                          {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
  }
  return absl::InvalidArgumentError("--chunker '" + name +
                                    "' is none of recursive, sentence, fixed, markdown, html, code, content_defined, semantic");
}

std::string MediaTypeFor(const std::string& chunker, const std::string& path) {
  if (chunker == "markdown") return "text/markdown";
  if (chunker == "html") return "text/html";
  if (chunker != "code") return "text/plain";
  constexpr std::pair<std::string_view, const char*> kEndings[] = {
      {"c", "text/x-csrc"},      {"cc", "text/x-c++src"},      {"cpp", "text/x-c++src"},   {"cxx", "text/x-c++src"},
      {"go", "text/x-go"},       {"h", "text/x-chdr"},         {"hpp", "text/x-c++hdr"},   {"java", "text/x-java"},
      {"js", "text/javascript"}, {"jsx", "text/jsx"},          {"mjs", "text/javascript"}, {"py", "text/x-python"},
      {"rs", "text/rust"},       {"sh", "text/x-shellscript"}, {"sql", "application/sql"}, {"ts", "text/x-typescript"},
      {"tsx", "text/tsx"},
  };
  const std::string_view ending = std::string_view(path).substr(path.rfind('.') + 1);
  for (const auto& [name, media_type] : kEndings) {
    if (ending == name) return media_type;
  }
  return "text/plain";
}
