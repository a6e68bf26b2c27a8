#include "ragpipe/text/wordpiece.h"

#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "text/wordpiece/count_output.h"
#include "text/wordpiece/json.h"
#include "text/wordpiece/normalizer.h"
#include "text/wordpiece/ranges.h"
#include "text/wordpiece/token_outputs.h"
#include "text/wordpiece/vocabulary.h"
#include "text/wordpiece/word_cache.h"
#include "text/wordpiece/word_walk.h"

namespace ragpipe::text {
namespace {

using internal::AddedToken;
using internal::WordPieceConfig;

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(from, begin)) != std::string_view::npos; begin = at + from.size()) {
    replaced.append(text.substr(begin, at - begin)).append(to);
  }
  return replaced.append(text.substr(begin));
}

/// The decoder's "cleanup", which sees one token at a time.
std::string CleanUp(std::string token) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kReplacements) token = ReplaceAll(token, from, to);
  return token;
}

std::string MakeFingerprint(const WordPieceConfig& config) {
  ragpipe::internal::Fingerprint hash;
  const internal::BertRules& rules = config.rules;
  for (const bool rule : {rules.clean_text, rules.separate_cjk, rules.strip_accents, rules.lowercase})
    hash.Add(std::uint64_t{rule});
  hash.Add(config.continuing_prefix).Add(config.max_characters).Add(config.unknown_id);
  hash.Add(config.pieces.size());
  for (const std::string& piece : config.pieces) hash.Add(std::string_view(piece));
  hash.Add(config.added_tokens.size());
  for (const AddedToken& added : config.added_tokens) hash.Add(added.id);
  hash.Add(std::uint64_t{config.decoder.has_value()});
  if (config.decoder) hash.Add(std::string_view(config.decoder->prefix)).Add(std::uint64_t{config.decoder->cleanup});
  return fmt::format("ragpipe.text.WordPiece/1;vocabulary={};sha256={}", config.pieces.size(), hash.Hex());
}

}  // namespace

class WordPiece::Impl {
 public:
  explicit Impl(WordPieceConfig config)
      : config_(std::move(config)), vocabulary_(config_), fingerprint_(MakeFingerprint(config_)) {}

  const WordPieceConfig& config() const { return config_; }
  const internal::WordPieceVocabulary& vocabulary() const { return vocabulary_; }
  const std::string& fingerprint() const { return fingerprint_; }

  template <class Output>
  void Walk(std::string_view text, Output& output) const {
    internal::WalkWords(vocabulary_, caches_, text, output);
  }

 private:
  WordPieceConfig config_;
  internal::WordPieceVocabulary vocabulary_;
  std::string fingerprint_;
  mutable internal::WordCachePool caches_;
};

absl::StatusOr<std::shared_ptr<const WordPiece>> WordPiece::FromJson(std::string_view tokenizer_json) {
  RAGPIPE_ASSIGN_OR_RETURN(WordPieceConfig config, internal::ParseWordPieceJson(tokenizer_json));
  return std::shared_ptr<const WordPiece>(new WordPiece(std::make_unique<const Impl>(std::move(config))));
}

WordPiece::WordPiece(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}

WordPiece::~WordPiece() = default;

void WordPiece::Encode(std::string_view text, std::vector<Token>& out) const {
  internal::ReserveForTokens(text.size(), out);
  internal::TokenOutput output(impl_->vocabulary(), text, out);
  impl_->Walk(text, output);
}

void WordPiece::EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const {
  internal::ReserveForTokens(text.size(), ids);
  internal::IdOutput output(ids);
  impl_->Walk(text, output);
}

std::size_t WordPiece::Count(std::string_view text) const {
  internal::CountOutput output(SIZE_MAX);
  impl_->Walk(text, output);
  return output.count();
}

std::size_t WordPiece::CountUpTo(std::string_view text, std::size_t limit) const {
  internal::CountOutput output(limit);
  impl_->Walk(text, output);
  return output.full() ? limit + 1 : output.count();
}

std::unique_ptr<RangeCounter> WordPiece::CountRanges(std::string_view text) const {
  if (text.size() > internal::WordPieceRangeCounter::kMaxTextBytes) return Tokenizer::CountRanges(text);
  auto counter = std::make_unique<internal::WordPieceRangeCounter>(*this, impl_->vocabulary().word_rules(), text);
  impl_->Walk(text, *counter);
  counter->Finish();
  return counter;
}

std::string WordPiece::Decode(const std::vector<std::uint32_t>& ids) const {
  const WordPieceConfig& config = impl_->config();
  std::string text;
  bool first = true;
  for (const std::uint32_t id : ids) {
    auto is_it = [id](const AddedToken& added) { return added.id == id; };
    if (id >= config.pieces.size() || std::any_of(config.added_tokens.begin(), config.added_tokens.end(), is_it)) continue;
    const std::string_view piece = config.pieces[id];
    std::string part;
    if (first) {
      part = piece;
    } else if (config.decoder && piece.starts_with(config.decoder->prefix)) {
      part = piece.substr(config.decoder->prefix.size());
    } else {
      part = fmt::format(" {}", piece);
    }
    text += config.decoder && config.decoder->cleanup ? CleanUp(std::move(part)) : part;
    first = false;
  }
  return text;
}

std::size_t WordPiece::vocabulary_size() const { return impl_->config().pieces.size(); }

std::string WordPiece::Fingerprint() const { return impl_->fingerprint(); }

std::uint32_t WordPiece::unknown_id() const { return impl_->config().unknown_id; }

}  // namespace ragpipe::text
