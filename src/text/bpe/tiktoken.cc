#include "ragpipe/text/tiktoken.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "text/bpe/piece_walk.h"
#include "text/bpe/range_counter.h"
#include "text/bpe/rank_file.h"
#include "text/bpe/scratch_pool.h"
#include "text/bpe/vocabulary.h"
#include "text/utf8_repair.h"

namespace ragpipe::text {
namespace {

using internal::BpeKernels;
using internal::BpeRules;
using internal::BpeVocabulary;
using internal::PieceGrammar;

struct SpecialToken {
  std::string_view text;
  std::uint32_t id;
};

// As tiktoken 0.14 has them, in tiktoken_ext/openai_public.py.
struct EncodingTraits {
  std::string_view name;
  PieceGrammar grammar;
  std::size_t tokens;  // in the rank file
  std::vector<SpecialToken> special_tokens;
};

const EncodingTraits& TraitsOf(TiktokenEncoding encoding) {
  static const auto& traits = *new std::vector<EncodingTraits>{
      {"cl100k_base",
       PieceGrammar::kCl100k,
       100256,
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k_base", PieceGrammar::kO200k, 199998, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"p50k_base", PieceGrammar::kGpt2, 50280, {{"<|endoftext|>", 50256}}},
      {"r50k_base", PieceGrammar::kGpt2, 50256, {{"<|endoftext|>", 50256}}},
  };
  return traits[static_cast<std::size_t>(encoding)];
}

}  // namespace

std::string_view ToString(TiktokenEncoding encoding) { return TraitsOf(encoding).name; }

std::optional<TiktokenEncoding> FindTiktokenEncoding(std::string_view name) {
  for (const TiktokenEncoding encoding : {TiktokenEncoding::kCl100kBase, TiktokenEncoding::kO200kBase,
                                          TiktokenEncoding::kP50kBase, TiktokenEncoding::kR50kBase}) {
    if (ToString(encoding) == name) return encoding;
  }
  return std::nullopt;
}

class Tiktoken::Impl {
 public:
  Impl(const EncodingTraits& traits, const internal::RankedTokens& tokens)
      : traits_(traits),
        vocabulary_(BpeVocabulary::FromRankedTokens(tokens.Views())),
        rules_{&internal::CharClasses::Unicode16(), traits.grammar, &vocabulary_} {
    const bool ranks_have_gaps = tokens.ranks.back() + 1 != tokens.ranks.size();
    if (ranks_have_gaps) ids_ = tokens.ranks;
    size_ = tokens.ranks.back() + std::size_t{1};
    for (const SpecialToken& special : traits.special_tokens) size_ = std::max(size_, special.id + std::size_t{1});
    ragpipe::internal::Fingerprint hash;
    hash.Add(tokens.ranks.size());
    std::size_t i = 0;
    for (const std::string_view token : tokens.Views()) hash.Add(token).Add(tokens.ranks[i++]);
    fingerprint_ = fmt::format("ragpipe.text.Tiktoken/1;encoding={};unicode=16;sha256={}", traits.name, hash.Hex());
  }

  const EncodingTraits& traits() const { return traits_; }
  const BpeVocabulary& vocabulary() const { return vocabulary_; }
  const BpeRules& rules() const { return rules_; }
  std::size_t size() const { return size_; }
  const std::string& fingerprint() const { return fingerprint_; }

  std::size_t Count(std::string_view text, std::size_t limit) const {
    const internal::ScratchPool::Lease scratch = scratches_.Take();
    return kernels_.count(rules_, *scratch, text, limit);
  }

  // Appends symbols, which are ids but for encodings whose ranks have gaps.
  void EncodeSymbols(std::string_view text, std::vector<std::uint32_t>& symbols) const {
    const internal::ScratchPool::Lease scratch = scratches_.Take();
    kernels_.encode(rules_, *scratch, text, symbols);
  }

  void SymbolsToIds(std::vector<std::uint32_t>& symbols, std::size_t from) const {
    if (ids_.empty()) return;
    for (std::size_t i = from; i < symbols.size(); ++i) symbols[i] = ids_[symbols[i]];
  }

  std::uint32_t IdOf(BpeVocabulary::Symbol symbol) const { return ids_.empty() ? symbol : ids_[symbol]; }

  // The bytes of an id; empty where it does not exist.
  std::string_view BytesOf(std::uint32_t id) const {
    for (const SpecialToken& special : traits_.special_tokens) {
      if (special.id == id) return special.text;
    }
    if (ids_.empty()) return id < vocabulary_.size() ? vocabulary_.BytesOf(id) : std::string_view();
    const auto it = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (it == ids_.end() || *it != id) return {};
    return vocabulary_.BytesOf(static_cast<BpeVocabulary::Symbol>(it - ids_.begin()));
  }

  std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const {
    internal::PieceMap map;
    map.starts.resize(text.size() / 64 + 2);
    {
      const internal::ScratchPool::Lease scratch = scratches_.Take();
      kernels_.map(rules_, *scratch, text, map);
    }
    return std::make_unique<internal::BpeRangeCounter>(rules_, scratches_, text, std::move(map));
  }

 private:
  const EncodingTraits& traits_;
  BpeVocabulary vocabulary_;
  BpeRules rules_;
  const BpeKernels& kernels_ = internal::GetBpeKernels();
  std::vector<std::uint32_t> ids_;  // of each symbol; empty where they are the same
  std::size_t size_;
  std::string fingerprint_;
  mutable internal::ScratchPool scratches_;
};

absl::StatusOr<std::shared_ptr<const Tiktoken>> Tiktoken::FromRanks(TiktokenEncoding encoding, std::string_view rank_file) {
  RAGPIPE_ASSIGN_OR_RETURN(const internal::RankedTokens tokens, internal::ParseRankFile(rank_file));
  const EncodingTraits& traits = TraitsOf(encoding);
  if (tokens.ranks.size() != traits.tokens) {
    return absl::InvalidArgumentError(
        fmt::format("rank file: {} tokens, but {} has {}; is it the file of another encoding, or cut off?", tokens.ranks.size(),
                    traits.name, traits.tokens));
  }
  auto impl = std::make_unique<const Impl>(traits, tokens);
  const BpeVocabulary::Symbol out_of_order = impl->vocabulary().FindOutOfOrder();
  if (out_of_order != BpeVocabulary::kNone) {
    return absl::InvalidArgumentError(
        fmt::format("rank file: the token of rank {} is made of tokens that come after it; the order is not that of {}; fetch "
                    "the file again",
                    impl->IdOf(out_of_order), traits.name));
  }
  return std::shared_ptr<const Tiktoken>(new Tiktoken(std::move(impl)));
}

absl::StatusOr<std::shared_ptr<const Tiktoken>> Tiktoken::Open(TiktokenEncoding encoding, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(
        fmt::format("cannot open the rank file {}; ragpipe's tests/text/fetch_rank_files.sh DIR fetches {}.tiktoken", path,
                    ToString(encoding)));
  }
  const std::string ranks{std::istreambuf_iterator<char>(file), {}};
  return FromRanks(encoding, ranks);
}

Tiktoken::Tiktoken(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tiktoken::~Tiktoken() = default;

void Tiktoken::Encode(std::string_view text, std::vector<Token>& out) const {
  std::optional<internal::RepairedText> repaired;
  if (ragpipe::internal::FindInvalidUtf8(text) != std::string_view::npos) repaired.emplace(text);
  std::vector<std::uint32_t> symbols;
  impl_->EncodeSymbols(repaired ? repaired->text() : text, symbols);
  std::size_t begin = 0;
  for (const std::uint32_t symbol : symbols) {
    const std::size_t end = begin + impl_->vocabulary().BytesOf(symbol).size();
    const ByteRange range =
        repaired ? ByteRange{repaired->SourceBegin(begin), repaired->SourceEnd(end)} : ByteRange{begin, end};
    out.push_back({impl_->IdOf(symbol), range});
    begin = end;
  }
}

void Tiktoken::EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const {
  const std::size_t size_before = ids.size();
  if (ragpipe::internal::FindInvalidUtf8(text) == std::string_view::npos) {
    impl_->EncodeSymbols(text, ids);
  } else {
    impl_->EncodeSymbols(internal::RepairedText(text).text(), ids);
  }
  impl_->SymbolsToIds(ids, size_before);
}

std::size_t Tiktoken::Count(std::string_view text) const { return CountUpTo(text, std::string_view::npos - 1); }

std::size_t Tiktoken::CountUpTo(std::string_view text, std::size_t limit) const {
  if (ragpipe::internal::FindInvalidUtf8(text) != std::string_view::npos) {
    return std::min(impl_->Count(internal::RepairedText(text).text(), limit), limit + 1);
  }
  return std::min(impl_->Count(text, limit), limit + 1);
}

std::unique_ptr<RangeCounter> Tiktoken::CountRanges(std::string_view text) const {
  if (ragpipe::internal::FindInvalidUtf8(text) != std::string_view::npos) return Tokenizer::CountRanges(text);
  return impl_->CountRanges(text);
}

absl::Status Tiktoken::EncodeWithSpecialTokens(std::string_view text, std::span<const std::string_view> allowed,
                                               std::vector<std::uint32_t>& ids) const {
  const std::vector<SpecialToken>& all = impl_->traits().special_tokens;
  std::vector<SpecialToken> wanted;
  for (const std::string_view name : allowed) {
    const auto it = std::find_if(all.begin(), all.end(), [name](const SpecialToken& token) { return token.text == name; });
    if (it == all.end()) {
      return absl::InvalidArgumentError(
          fmt::format("{} has no special token '{}'; name one of its own", impl_->traits().name, name));
    }
    wanted.push_back(*it);
  }
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find("<|", at)) != std::string_view::npos;) {
    const auto is_here = [&](const SpecialToken& token) { return text.substr(at).starts_with(token.text); };
    const auto it = std::find_if(wanted.begin(), wanted.end(), is_here);
    if (it == wanted.end()) {
      ++at;
      continue;
    }
    EncodeIds(text.substr(begin, at - begin), ids);
    ids.push_back(it->id);
    begin = at += it->text.size();
  }
  EncodeIds(text.substr(begin), ids);
  return absl::OkStatus();
}

std::string Tiktoken::Decode(const std::vector<std::uint32_t>& ids) const {
  std::string text;
  for (const std::uint32_t id : ids) text += impl_->BytesOf(id);
  return text;
}

std::size_t Tiktoken::vocabulary_size() const { return impl_->size(); }

std::string Tiktoken::Fingerprint() const { return impl_->fingerprint(); }

}  // namespace ragpipe::text
