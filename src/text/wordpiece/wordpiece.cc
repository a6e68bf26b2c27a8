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
#include "text/wordpiece/json.h"
#include "text/wordpiece/model.h"
#include "text/wordpiece/normalizer.h"
#include "text/wordpiece/ranges.h"

namespace ragpipe::text {
namespace {

using internal::AddedToken;
using internal::BertCharacters;
using internal::Word;
using internal::WordPieceConfig;
using internal::WordPieceModel;
using internal::WordReader;
using internal::WordRules;

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
      : config_(std::move(config)),
        characters_(config_.rules),
        model_(config_.pieces, config_.continuing_prefix),
        fingerprint_(MakeFingerprint(config_)) {}

  const WordPieceConfig& config() const { return config_; }
  const std::string& fingerprint() const { return fingerprint_; }

  WordRules word_rules() const { return {&characters_, &config_.added_tokens, config_.max_characters}; }

  std::size_t CountTokens(const Word& word) const {
    if (word.added != nullptr || word.characters > config_.max_characters) return 1;
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < word.bytes.size(); ++count) {
      const WordPieceModel::Match match = model_.FindLongest(word.bytes, begin);
      if (match.end == begin) return 1;
      begin = match.end;
    }
    return count;
  }

  void AppendTokens(const WordReader& reader, const Word& word, std::vector<Token>& out) const {
    if (word.added != nullptr) {
      out.push_back({word.added->id, word.source});
      return;
    }
    const std::size_t size_before = out.size();
    if (word.characters <= config_.max_characters) {
      std::size_t begin = 0;
      while (begin < word.bytes.size()) {
        const WordPieceModel::Match match = model_.FindLongest(word.bytes, begin);
        if (match.end == begin) break;
        out.push_back({match.id, reader.Source(begin, match.end)});
        begin = match.end;
      }
      if (begin == word.bytes.size()) return;
    }
    out.resize(size_before);
    out.push_back({config_.unknown_id, word.source});
  }

 private:
  WordPieceConfig config_;
  BertCharacters characters_;
  WordPieceModel model_;
  std::string fingerprint_;
};

absl::StatusOr<std::shared_ptr<const WordPiece>> WordPiece::FromJson(std::string_view tokenizer_json) {
  RAGPIPE_ASSIGN_OR_RETURN(WordPieceConfig config, internal::ParseWordPieceJson(tokenizer_json));
  return std::shared_ptr<const WordPiece>(new WordPiece(std::make_unique<const Impl>(std::move(config))));
}

WordPiece::WordPiece(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}

WordPiece::~WordPiece() = default;

void WordPiece::Encode(std::string_view text, std::vector<Token>& out) const {
  WordReader reader(impl_->word_rules(), text);
  for (Word word; reader.Next(word);) impl_->AppendTokens(reader, word, out);
}

std::size_t WordPiece::Count(std::string_view text) const {
  std::size_t count = 0;
  WordReader reader(impl_->word_rules(), text);
  for (Word word; reader.Next(word);) count += impl_->CountTokens(word);
  return count;
}

std::size_t WordPiece::CountUpTo(std::string_view text, std::size_t limit) const {
  std::size_t count = 0;
  WordReader reader(impl_->word_rules(), text);
  for (Word word; reader.Next(word);) {
    count += impl_->CountTokens(word);
    if (count > limit) return limit + 1;
  }
  return count;
}

std::unique_ptr<RangeCounter> WordPiece::CountRanges(std::string_view text) const {
  if (text.size() > internal::WordPieceRangeCounter::kMaxTextBytes) return Tokenizer::CountRanges(text);
  auto counter = std::make_unique<internal::WordPieceRangeCounter>(*this, impl_->word_rules(), text);
  WordReader reader(impl_->word_rules(), text);
  for (Word word; reader.Next(word);) counter->Add(word.source, impl_->CountTokens(word));
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
