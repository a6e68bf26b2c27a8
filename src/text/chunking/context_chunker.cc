#include "ragpipe/text/context_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"

namespace ragpipe::text {
namespace {

struct ToText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<std::string>& items) const {
    std::string text;
    for (const std::string& item : items) text += text.empty() ? item : ", " + item;
    return text;
  }
};

std::string OnOneLine(std::string_view text) {
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = internal::NextCodePoint(text, at);
    if (!internal::IsSpaceAt(text, at)) {
      line += text.substr(at, end - at);
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
    at = end;
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string_view EmbeddedText(const Document& document, const Chunk& chunk) {
  if (chunk.text.has_value()) return *chunk.text;
  return std::string_view(document.text).substr(chunk.range.begin - chunk.overlap, chunk.overlap + chunk.range.size());
}

}  // namespace

absl::StatusOr<ContextChunker> ContextChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                      std::shared_ptr<const Chunker> chunker, ContextChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("ContextChunker", tokenizer.get(), {.max_tokens = options.max_tokens}));
  if (chunker == nullptr) return absl::InvalidArgumentError("ContextChunker: the chunker is null; give one to Create()");
  if (options.max_context_tokens == 0 || options.max_context_tokens >= options.max_tokens) {
    return absl::InvalidArgumentError(
        fmt::format("ContextChunker: ContextChunkerOptions::max_context_tokens is {}; it must be at least 1 and below "
                    "max_tokens, which is {}",
                    options.max_context_tokens, options.max_tokens));
  }
  if (options.fields.empty()) {
    return absl::InvalidArgumentError(
        "ContextChunker: ContextChunkerOptions::fields is empty; it must name a metadata field, or use the chunker itself");
  }
  for (const ContextField& field : options.fields) {
    if (field.name.empty()) {
      return absl::InvalidArgumentError("ContextChunker: ContextChunkerOptions::fields has a field without a name");
    }
    if (ragpipe::internal::FindInvalidUtf8(field.label) != std::string::npos || field.label.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "ContextChunker: ContextChunkerOptions::fields: the label of '{}' must be UTF-8 without NUL", field.name));
    }
  }
  return ContextChunker(std::move(tokenizer), std::move(chunker), std::move(options));
}

ContextChunker::ContextChunker(std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<const Chunker> chunker,
                               ContextChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), chunker_(std::move(chunker)), options_(std::move(options)) {}

// Contexts of one line, two lines, and so on.
std::vector<std::string> ContextChunker::LinesOf(const Metadata& metadata) const {
  std::vector<std::string> contexts;
  for (const ContextField& field : options_.fields) {
    const auto found = metadata.find(field.name);
    if (found == metadata.end()) continue;
    const std::string value = OnOneLine(std::visit(ToText(), found->second));
    if (value.empty()) continue;
    std::string context = (contexts.empty() ? "" : contexts.back()) + field.label + value + "\n";
    if (tokenizer_->Count(context) <= options_.max_context_tokens) contexts.push_back(std::move(context));
  }
  return contexts;
}

absl::StatusOr<std::vector<Chunk>> ContextChunker::Split(const Document& document) const {
  RAGPIPE_ASSIGN_OR_RETURN(std::vector<Chunk> chunks, chunker_->Split(document));
  const std::vector<std::string> contexts = LinesOf(document.metadata);
  for (Chunk& chunk : chunks) {
    const std::string unchanged = chunk.context + std::string(EmbeddedText(document, chunk));
    std::string lines;
    std::size_t tokens = 0;
    for (std::size_t n = contexts.size() + 1; n-- > 0;) {
      lines = n == 0 ? "" : contexts[n - 1];
      tokens = tokenizer_->Count(lines + unchanged);
      if (tokens <= options_.max_tokens) break;
      const std::size_t own_tokens = tokenizer_->Count(unchanged);
      const std::size_t room = options_.max_tokens - options_.max_context_tokens;
      if (own_tokens <= room) continue;
      return absl::FailedPreconditionError(fmt::format(
          "ContextChunker: the chunk at byte {} has {} tokens before its context is added, which leaves no room; let "
          "the chunker {} make chunks of at most {} tokens",
          chunk.range.begin, own_tokens, chunker_->Fingerprint(), room));
    }
    chunk.context.insert(0, lines);
    chunk.tokens = tokens;
    chunk.tokens_are_estimated = !tokenizer_->is_exact();
  }
  return chunks;
}

std::string ContextChunker::Fingerprint() const {
  std::string fields;
  for (const ContextField& field : options_.fields) {
    const nlohmann::json names = {field.label, field.name};
    fields += names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return fmt::format("ragpipe.context/1(max_tokens={},max_context_tokens={},fields={},tokenizer={},{})", options_.max_tokens,
                     options_.max_context_tokens, fields, tokenizer_->Fingerprint(), chunker_->Fingerprint());
}

}  // namespace ragpipe::text
