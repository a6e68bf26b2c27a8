#include "text/tokenizer_json/pipeline.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "text/tokenizer_json/json_reader.h"
#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

/// The segment as valid UTF-8.
void ReadText(std::string_view segment, std::size_t offset, bool tracks_sources, AlignedText& text) {
  text.Clear(tracks_sources);
  if (ragpipe::internal::FindInvalidUtf8(segment) == std::string_view::npos) {
    text.bytes.assign(segment);
    if (!tracks_sources) return;
    for (std::size_t i = 0; i < segment.size(); ++i) text.sources.push_back({offset + i, offset + i + 1});
    return;
  }
  for (std::size_t i = 0; i < segment.size();) {
    const DecodedCharacter decoded = DecodeUtf8(segment, i);
    const std::size_t end = i + decoded.length;
    if (ragpipe::internal::Utf8SequenceLength(segment.substr(i, decoded.length)) == decoded.length) {
      for (std::size_t k = i; k < end; ++k) text.Append(segment.substr(k, 1), {offset + k, offset + k + 1});
    } else {
      text.Append(ToUtf8(decoded.character), {offset + i, offset + end});
    }
    i = end;
  }
}

absl::StatusOr<std::optional<TextTokenFinder>> MakeFinder(const std::vector<TextToken>& tokens, bool normalized) {
  std::vector<const TextToken*> wanted;
  for (const TextToken& token : tokens) {
    if (token.normalized == normalized) wanted.push_back(&token);
  }
  std::sort(wanted.begin(), wanted.end(), [](const TextToken* a, const TextToken* b) { return a->pattern < b->pattern; });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]->pattern.empty())
      return absl::InvalidArgumentError(
          fmt::format("tokenizer.json: the added token {} is nothing once it is normalised", Shown(wanted[i]->content)));
    if (i > 0 && wanted[i]->pattern == wanted[i - 1]->pattern) {
      return absl::InvalidArgumentError(
          fmt::format("tokenizer.json: the added tokens {} and {} are looked for as the same text",
                      Shown(wanted[i - 1]->content), Shown(wanted[i]->content)));
    }
  }
  if (wanted.empty()) return std::optional<TextTokenFinder>();
  return std::optional<TextTokenFinder>(TextTokenFinder(wanted));
}

/// Makes `part` the bytes [range.begin, range.end) of `whole`, which may be left without them.
void TakePart(AlignedText& whole, ByteRange range, AlignedText& part) {
  if (range.begin == 0 && range.end == whole.bytes.size()) {
    std::swap(whole, part);
    return;
  }
  part.Clear(whole.tracks_sources);
  part.AppendFrom(whole, range.begin, range.end);
}

}  // namespace

Pipeline::Pipeline(TokenizerConfig config)
    : config_(std::move(config)), normalizer_(config_.normalizer), pre_tokenizer_(config_.pre_tokenizer) {
  for (const PreTokenizerStep& step : config_.pre_tokenizer) {
    const auto* metaspace = std::get_if<Metaspace>(&step);
    if (metaspace != nullptr && metaspace->prepend_scheme == Metaspace::PrependScheme::kFirst) needs_first_source_ = true;
  }
  if (const auto* unigram = std::get_if<UnigramConfig>(&config_.model)) {
    model_.emplace<UnigramModel>(*unigram);
  } else {
    model_.emplace<MergeModel>(std::get<MergeConfig>(config_.model));
  }
  AlignedText spare;
  for (TextToken& token : config_.added_tokens) {
    AlignedText content;
    content.bytes = token.content;
    if (token.normalized) normalizer_.Apply(content, {}, spare);
    token.pattern = content.bytes;
  }
}

absl::StatusOr<std::unique_ptr<const Pipeline>> Pipeline::Make(TokenizerConfig config) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(config)));
  RAGPIPE_ASSIGN_OR_RETURN(pipeline->raw_tokens_, MakeFinder(pipeline->config_.added_tokens, /*normalized=*/false));
  RAGPIPE_ASSIGN_OR_RETURN(pipeline->normalized_tokens_, MakeFinder(pipeline->config_.added_tokens, /*normalized=*/true));
  return std::unique_ptr<const Pipeline>(std::move(pipeline));
}

void Pipeline::Tokenize(std::string_view segment, std::size_t offset, TextEnds ends, bool ranges, Scratch& scratch,
                        std::vector<Token>& out) const {
  const bool tracks_sources = ranges || (needs_first_source_ && ends.begin);
  if (!raw_tokens_) {
    ReadText(segment, offset, tracks_sources, scratch.text);
    TokenizeText(ends, scratch, out);
    return;
  }
  ReadText(segment, offset, tracks_sources, scratch.raw);
  scratch.raw_parts.clear();
  raw_tokens_->Split(scratch.raw.bytes, scratch.raw_parts);
  for (std::size_t i = 0; i < scratch.raw_parts.size(); ++i) {
    const TextPart& part = scratch.raw_parts[i];
    if (part.token != nullptr) {
      const bool any = part.range.begin < part.range.end;
      out.push_back({part.token->id, any ? scratch.raw.Source(part.range.begin, part.range.end) : ByteRange{}});
      continue;
    }
    TakePart(scratch.raw, part.range, scratch.text);
    TokenizeText({ends.begin || i > 0, ends.end || i + 1 < scratch.raw_parts.size()}, scratch, out);
  }
}

void Pipeline::TokenizeText(TextEnds ends, Scratch& scratch, std::vector<Token>& out) const {
  normalizer_.Apply(scratch.text, ends, scratch.spare);
  if (!normalized_tokens_) {
    TokenizeNormalized(scratch, out);
    return;
  }
  std::swap(scratch.text, scratch.normalized);
  scratch.parts.clear();
  normalized_tokens_->Split(scratch.normalized.bytes, scratch.parts);
  for (const TextPart& part : scratch.parts) {
    if (part.token != nullptr) {
      const bool any = part.range.begin < part.range.end;
      out.push_back({part.token->id, any ? scratch.normalized.Source(part.range.begin, part.range.end) : ByteRange{}});
      continue;
    }
    TakePart(scratch.normalized, part.range, scratch.text);
    TokenizeNormalized(scratch, out);
  }
}

void Pipeline::TokenizeNormalized(Scratch& scratch, std::vector<Token>& out) const {
  if (scratch.text.bytes.empty()) return;
  pre_tokenizer_.Apply(scratch.text, scratch.pieces, scratch.pre_tokenizer);
  for (const ByteRange& piece : scratch.pieces) {
    const std::string_view bytes = std::string_view(scratch.text.bytes).substr(piece.begin, piece.size());
    scratch.tokens.clear();
    if (const auto* unigram = std::get_if<UnigramModel>(&model_)) {
      unigram->Tokenize(bytes, scratch.unigram, scratch.tokens);
    } else {
      std::get<MergeModel>(model_).Tokenize(bytes, scratch.merges, scratch.tokens);
    }
    for (const PieceToken& token : scratch.tokens)
      out.push_back({token.id, scratch.text.Source(piece.begin + token.begin, piece.begin + token.end)});
  }
}

bool Pipeline::NeverFollows(char32_t second) const {
  const auto* merges = std::get_if<MergeModel>(&model_);
  return merges != nullptr && merges->NeverFollows(second);
}

}  // namespace ragpipe::text::internal
