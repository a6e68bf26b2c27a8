#include "text/bpe/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <utility>

#include "text/bpe/piece_walk.h"

namespace ragpipe::text::internal {
namespace {

bool IsLong(std::string_view token) { return token.size() > TokenKey::kMaxBytes; }

}  // namespace

BpeVocabulary::BpeVocabulary(const std::vector<std::string_view>& tokens)
    : lengths_by_2_(std::size_t{1} << 16),
      lengths_by_3_(std::size_t{1} << kPrefixHashBits),
      table_(tokens.size()),
      long_prefixes_(static_cast<std::size_t>(std::count_if(tokens.begin(), tokens.end(), IsLong))),
      pairs_(tokens.size()) {
  offsets_.reserve(tokens.size() + 1);
  offsets_.push_back(0);
  for (const std::string_view token : tokens) {
    bytes_ += token;
    offsets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
  bytes_.append(16, '\0');  // so that keys of 16 bytes can be read anywhere
  std::vector<Symbol> long_symbols;
  parts_.resize(tokens.size());
  std::fill_n(byte_pairs_.data(), byte_pairs_.size(), kNone);
  for (Symbol symbol = 0; symbol < tokens.size(); ++symbol) {
    const std::string_view token = BytesOf(symbol);
    if (token.size() == 1) byte_symbols_[static_cast<unsigned char>(token[0])] = symbol;
    if (token.size() <= TokenKey::kMaxBytes) {
      table_.Insert(LoadKey(token.data(), token.size()), symbol);
    } else {
      long_symbols.push_back(symbol);
    }
  }
  AddLongTokens(std::move(long_symbols));
}

void BpeVocabulary::AddLongTokens(std::vector<Symbol> symbols) {
  auto prefix_of = [this](Symbol symbol) { return BytesOf(symbol).substr(0, TokenKey::kMaxBytes); };
  std::sort(symbols.begin(), symbols.end(), [&](Symbol a, Symbol b) {
    const int order = prefix_of(a).compare(prefix_of(b));
    return order != 0 ? order < 0 : LengthOf(a) > LengthOf(b);
  });
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const std::string_view prefix = prefix_of(symbols[i]);
    if (i == 0 || prefix != prefix_of(symbols[i - 1])) {
      if (i != 0) long_tokens_.push_back({});
      long_prefixes_.Insert(LoadKey(prefix.data(), prefix.size()), static_cast<std::uint32_t>(long_tokens_.size()));
    }
    long_tokens_.push_back({static_cast<std::uint32_t>(LengthOf(symbols[i])), symbols[i]});
  }
  long_tokens_.push_back({});
}

// Those that begin with the TokenKey::kMaxBytes bytes at `p`, from where 16 can be read.
const BpeVocabulary::LongToken* BpeVocabulary::LongTokensFrom(const char* p) const {
  const std::uint32_t first = long_prefixes_.Find(LoadKey(p, TokenKey::kMaxBytes));
  return first == TokenTable::kAbsent ? &long_tokens_.back() : &long_tokens_[first];
}

BpeVocabulary BpeVocabulary::FromRankedTokens(const std::vector<std::string_view>& tokens) {
  BpeVocabulary vocabulary(tokens);
  vocabulary.FindParts();
  vocabulary.FindLengths();
  return vocabulary;
}

// The last merge of a token joins two parts whose pair was not merged into anything of a lower rank on the way. Of all ways to
// divide the token at most one is such: merging is deterministic.
void BpeVocabulary::FindParts() {
  const BpeKernels& kernels = GetBpeKernels();
  Symbol merged[BpeKernels::kMaxMergeBytes];
  for (Symbol symbol = 0; symbol < size(); ++symbol) {
    const std::string_view token = BytesOf(symbol);
    if (token.size() < 2) continue;
    const bool is_short = token.size() <= BpeKernels::kMaxMergeBytes;
    const std::size_t count = is_short ? kernels.merge(*this, token, merged) : MergeLong(token, merged);
    if (count != 2) continue;  // unreachable
    parts_[symbol] = {merged[0], merged[1]};
    InsertPair(merged[0], merged[1], symbol);
  }
}

// As BpeKernels::merge() for a long token; of its symbols only the first two are written.
std::size_t BpeVocabulary::MergeLong(std::string_view token, Symbol* symbols) const {
  std::vector<Symbol> work;
  std::vector<Symbol> pairs;  // what each symbol and the next are merged into
  for (const char c : token) work.push_back(byte_symbols_[static_cast<unsigned char>(c)]);
  for (std::size_t i = 0; i + 1 < work.size(); ++i) pairs.push_back(PairOf(work[i], work[i + 1]));
  while (!pairs.empty()) {
    const auto lowest = std::min_element(pairs.begin(), pairs.end());
    if (*lowest == kNone) break;
    const auto at = static_cast<std::size_t>(lowest - pairs.begin());
    work[at] = *lowest;
    work.erase(work.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    pairs.erase(lowest);
    if (at > 0) pairs[at - 1] = PairOf(work[at - 1], work[at]);
    if (at + 1 < work.size()) pairs[at] = PairOf(work[at], work[at + 1]);
  }
  std::copy_n(work.begin(), std::min<std::size_t>(work.size(), 2), symbols);
  return work.size();
}

// A pair that merging leaves as it is, because their join was not known when it would have been made, is joined later.
BpeVocabulary::Symbol BpeVocabulary::FindOutOfOrder() const {
  for (Symbol symbol = 0; symbol < size(); ++symbol) {
    if (IsReachable(symbol)) continue;
    const std::string_view token = BytesOf(symbol);
    for (std::size_t seam = 1; seam < token.size(); ++seam) {
      const Symbol left = Find(token.substr(0, seam));
      const Symbol right = Find(token.substr(seam));
      if (left == kNone || right == kNone || !IsReachable(left) || !IsReachable(right)) continue;
      if (EncodesAsPair(left, right)) return symbol;
    }
  }
  return kNone;
}

std::size_t BpeVocabulary::HashOf3(const char* p) {
  std::uint32_t three = 0;
  std::memcpy(&three, p, 3);
  return three * 0x9E3779B1U >> (32 - kPrefixHashBits);
}

void BpeVocabulary::FindLengths() {
  for (Symbol symbol = 0; symbol < size(); ++symbol) {
    const std::string_view token = BytesOf(symbol);
    if (token.size() < 2 || !IsReachable(symbol)) continue;
    const auto bit = static_cast<std::uint16_t>(token.size() <= TokenKey::kMaxBytes ? 1U << token.size() : 1U);
    std::uint16_t two;
    std::memcpy(&two, token.data(), 2);
    lengths_by_2_[two] |= bit;
    if (token.size() >= 3) lengths_by_3_[HashOf3(token.data())] |= bit;
  }
}

void BpeVocabulary::InsertPair(Symbol left, Symbol right, Symbol merged) {
  pairs_.Insert(PairTable::KeyOf(left, right), merged);
  if (LengthOf(merged) == 2) {
    std::uint16_t index;
    std::memcpy(&index, BytesOf(merged).data(), 2);
    byte_pairs_[index] = merged;
  }
}

// Takes the two symbols apart in the reverse order of merging. At every step the parts that touch the seam exist until one of
// them is merged away, into the symbol taken apart last: `limit`. If the pair at the seam has a lower rank, merging would have
// joined it before.
bool BpeVocabulary::EncodesAsPair(Symbol left, Symbol right) const {
  Symbol limit = kNone;
  while (true) {
    const Symbol joined = PairOf(left, right);
    if (joined < limit) return false;
    // Of equal ranks the left merge comes first: the pair at the seam would win over its equal on the right, not on the left.
    const Parts& left_parts = parts_[left];
    const Parts& right_parts = parts_[right];
    const bool can_left = left_parts.left != kNone;
    const bool can_right = right_parts.left != kNone;
    if (!can_left && !can_right) return true;
    if (can_left && (!can_right || left > right)) {
      limit = left;
      left = left_parts.right;
    } else {
      limit = right + 1;
      right = right_parts.left;
    }
  }
}

BpeVocabulary::Symbol BpeVocabulary::LongestAt(const char* begin, const char* end) const {
  const auto available = static_cast<std::size_t>(end - begin);
  if (available >= 2) {
    std::uint16_t two;
    std::memcpy(&two, begin, 2);
    unsigned lengths = lengths_by_2_[two];
    if (available >= 3) lengths &= lengths_by_3_[HashOf3(begin)] | 1U << 2;
    if (available <= TokenKey::kMaxBytes) lengths &= ((2U << available) - 1) & ~1U;
    lengths &= ~2U;
    if (lengths != 0) {
      char padded[16];
      const char* p = begin;
      if (available < 16) {
        std::memset(padded, 0, sizeof(padded));
        std::memcpy(padded, begin, available);
        p = padded;
      }
      if ((lengths & 1) != 0) {
        for (const LongToken* token = LongTokensFrom(p); token->length != 0; ++token) {
          if (token->length > available || std::memcmp(BytesOf(token->symbol).data(), begin, token->length) != 0) continue;
          if (IsReachable(token->symbol)) return token->symbol;
        }
        lengths &= ~1U;
        if (lengths == 0) return byte_symbols_[static_cast<unsigned char>(*begin)];
      }
      const TokenKey whole = LoadKey(p, std::min<std::size_t>(available, TokenKey::kMaxBytes));
      do {
        const auto length = static_cast<std::size_t>(std::bit_width(lengths)) - 1;
        const Symbol symbol = table_.Find(Shorten(whole, length));
        if (symbol != kNone && IsReachable(symbol)) return symbol;
        lengths &= (1U << length) - 1;
      } while (lengths != 0);
    }
  }
  return byte_symbols_[static_cast<unsigned char>(*begin)];
}

// The longest other reachable token that it begins with, or kNone.
BpeVocabulary::Symbol BpeVocabulary::LongestPrefixOf(Symbol symbol) const {
  const std::string_view token = BytesOf(symbol);
  return token.size() < 2 ? kNone : LongestAt(token.data(), token.data() + token.size() - 1);
}

BpeVocabulary::Symbol BpeVocabulary::Find(std::string_view piece) const {
  if (piece.size() > TokenKey::kMaxBytes) {
    char start[16] = {};
    std::memcpy(start, piece.data(), std::min(piece.size(), sizeof(start)));
    for (const LongToken* token = LongTokensFrom(start); token->length >= piece.size(); ++token) {
      if (token->length == piece.size() && BytesOf(token->symbol) == piece) return token->symbol;
    }
    return kNone;
  }
  char padded[16] = {};
  std::memcpy(padded, piece.data(), piece.size());
  return table_.Find(LoadKey(padded, piece.size()));
}

void BpeVocabulary::Encode(std::string_view piece, Workspace& workspace) const {
  std::vector<Symbol>& symbols = workspace.symbols;
  std::vector<std::uint64_t>& dead_ends = workspace.dead_ends;
  symbols.clear();
  dead_ends.assign(piece.size() / 64 + 1, 0);
  const char* const end = piece.data() + piece.size();
  const char* at = piece.data();
  Symbol next = LongestAt(at, end);
  while (true) {
    const char* const after = at + LengthOf(next);
    const auto position = static_cast<std::size_t>(after - piece.data());
    const bool dead = (dead_ends[position / 64] >> position % 64 & 1) != 0;
    if (!dead && (symbols.empty() || EncodesAsPair(symbols.back(), next))) {
      symbols.push_back(next);
      at = after;
      if (at == end) return;
      next = LongestAt(at, end);
      continue;
    }
    next = LongestPrefixOf(next);
    while (next == kNone) {  // nothing goes on from here
      const auto dead_end = static_cast<std::size_t>(at - piece.data());
      dead_ends[dead_end / 64] |= std::uint64_t{1} << dead_end % 64;
      const Symbol last = symbols.back();
      symbols.pop_back();
      at -= LengthOf(last);
      next = LongestPrefixOf(last);
    }
  }
}

}  // namespace ragpipe::text::internal
