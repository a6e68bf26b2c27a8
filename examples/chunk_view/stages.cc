#include "stages.h"

#include <absl/status/status.h>

#include <string_view>
#include <utility>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
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
  return ragpipe::text::LoadTokenizerJson(name);
}

absl::StatusOr<std::shared_ptr<const Chunker>> MakeChunker(const std::string& name,
                                                           std::shared_ptr<const ragpipe::text::Tokenizer> tokenizer,
                                                           const ChunkerSettings& settings) {
  if (name == "recursive") {
    return Shared(ragpipe::text::RecursiveChunker::Create(
        std::move(tokenizer), {.max_tokens = settings.max_tokens, .overlap_tokens = settings.overlap_tokens}));
  }
  if (name == "markdown") {
    return Shared(ragpipe::text::MarkdownChunker::Create(
        std::move(tokenizer), {.max_tokens = settings.max_tokens, .overlap_tokens = settings.overlap_tokens}));
  }
  if (name != "code" && name != "html") {
    return absl::InvalidArgumentError("--chunker '" + name + "' is none of recursive, markdown, html, code");
  }
  if (settings.overlap_tokens > 0) return absl::InvalidArgumentError("--chunker " + name + " has no --overlap");
  if (name == "html")
    return Shared(ragpipe::text::HtmlChunker::Create(std::move(tokenizer), {.max_tokens = settings.max_tokens}));
  return Shared(ragpipe::text::CodeChunker::Create(std::move(tokenizer), {.max_tokens = settings.max_tokens}));
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
