#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "text/wordpiece/added_token_search.h"
#include "text/wordpiece/vocabulary.h"
#include "text/wordpiece/word_cache.h"
#include "text/wordpiece/word_key.h"
#include "text/wordpiece/word_run.h"
#include "text/wordpiece/word_table.h"
#include "text/wordpiece/word_window.h"

namespace ragpipe::text::internal {

/// The tokens of one word.
struct WordTokens {
  std::size_t count = 0;
  const std::uint32_t* ids = nullptr;  ///< only for an output that asks for them; until the next word
};

/// Takes a text apart into words and gives their tokens to an output, in order.
///
/// Most words are letters and digits of ASCII, and one token. They are looked up 64 at a time, so that the memory they are
/// found in is on its way while others are read. The others come from a cache, or from the vocabulary's trie.
///
/// An Output has
///   static constexpr bool kTakesIds;       // false: punctuation bytes are counted by window, and words need not have ids
///   static constexpr bool kTakesRanges;    // of tokens
///   void AddWindow(const WordWindow&);     // before its words
///   void AddWhole(const WordWindow&, const WordTable&, std::size_t first, std::span<const std::uint32_t> slots);  // one
///   token each void AddWord(const WordWindow&, std::size_t piece, WordTokens); void BeginRun(ByteRange piece);        // a
///   piece of the window that is no word of ASCII; its words follow void AddRunWord(const WordRun::Word&, WordTokens); void
///   AddAdded(std::uint32_t id, ByteRange source); bool full() const;                     // no more is wanted
template <class Output>
class WordWalk {
 public:
  WordWalk(const WordPieceVocabulary& vocabulary, WordCachePool& caches, std::string_view text, Output& output)
      : vocabulary_(vocabulary), text_(text), output_(output), cache_(caches), run_(vocabulary.word_rules()) {}

  void Walk() {
    if (vocabulary_.added_tokens().empty()) return WalkBetween(0, text_.size());
    AddedTokenSearch search(vocabulary_.added_tokens(), text_);
    std::size_t begin = 0;
    while (true) {
      const AddedTokenSearch::Match match = search.Find(begin);
      WalkBetween(begin, match.position);
      if (match.token == nullptr || output_.full()) return;
      begin = match.position + match.token->content.size();
      output_.AddAdded(match.token->id, {match.position, begin});
    }
  }

 private:
  static constexpr std::size_t kBatch = 64;

  static bool IsAscii(std::string_view bytes) {
    return std::none_of(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) != 0; });
  }

  struct Batch {
    std::size_t first = 0;
    std::size_t size = 0;
    std::size_t missed = 0;
    std::array<WordKey, kBatch> keys;
    std::array<std::uint32_t, kBatch> slots;
    std::array<std::uint8_t, kBatch> misses;  // in `missed`: those that are not whole words
    std::array<std::uint64_t, kBatch> hashes;
  };

  /// No added token is between `begin` and `end`.
  void WalkBetween(std::size_t begin, std::size_t end) {
    WordWindow window(text_, begin, end, {vocabulary_.lowercase(), Output::kTakesIds});
    while (!output_.full() && window.Next()) {
      output_.AddWindow(window);
      for (std::size_t first = 0; first < window.size() && !output_.full(); first += kBatch) {
        LookUp(window, first);
        Emit(window);
      }
      if (window.has_long_piece()) window.Skip(WalkLongPiece(window.next(), end));
    }
  }

  void LookUp(const WordWindow& window, std::size_t first) {
    const WordTable& table = vocabulary_.whole_ascii_words();
    batch_.first = first;
    batch_.size = std::min(kBatch, window.size() - first);
    for (std::size_t i = 0; i < batch_.size; ++i) {
      batch_.keys[i] = MakeWordKey(window.folded(first + i), window.length(first + i));
      batch_.slots[i] = table.FindSlot(batch_.keys[i]);
      table.Prefetch(batch_.slots[i]);
    }
    batch_.missed = 0;
    for (std::size_t i = 0; i < batch_.size; ++i) {
      batch_.misses[batch_.missed] = static_cast<std::uint8_t>(i);
      batch_.missed += table.Holds(batch_.slots[i], batch_.keys[i]) ? 0U : 1U;
    }
    for (std::size_t m = 0; m < batch_.missed; ++m) {
      const std::size_t i = first + batch_.misses[m];
      if (window.length(i) > LongWordKey::kMaxBytes) continue;
      batch_.hashes[m] = cache_.cache().Hash(MakeLongWordKey(window.folded(i), window.length(i)));
      cache_.cache().Prefetch(batch_.hashes[m]);
    }
  }

  void Emit(const WordWindow& window) {
    std::size_t done = 0;
    auto add_whole_before = [&](std::size_t end) {
      output_.AddWhole(window, vocabulary_.whole_ascii_words(), batch_.first + done, {batch_.slots.data() + done, end - done});
    };
    for (std::size_t m = 0; m < batch_.missed; ++m) {
      add_whole_before(batch_.misses[m]);
      done = batch_.misses[m] + std::size_t{1};
      EmitMissed(window, m);
    }
    add_whole_before(batch_.size);
  }

  void EmitMissed(const WordWindow& window, std::size_t m) {
    const std::size_t piece = batch_.first + batch_.misses[m];
    const std::string_view folded{window.folded(piece), window.length(piece)};
    if (folded.size() > LongWordKey::kMaxBytes) {
      if (!IsAscii(folded)) return EmitRun(window, piece);
      return output_.AddWord(window, piece, EncodeWord(folded));
    }
    const LongWordKey key = MakeLongWordKey(folded.data(), folded.size());
    const std::uint64_t hash = batch_.hashes[m];
    const WordCache::Entry* entry = cache_.cache().Find(key, hash);
    if (entry != nullptr && IsEnough(*entry)) return output_.AddWord(window, piece, {entry->count, entry->ids.data()});
    if (!IsAscii(folded)) {
      const bool known = entry != nullptr || std::memchr(folded.data(), kControl, folded.size()) != nullptr;
      return known ? EmitRun(window, piece) : EmitRun(window, piece, &key, hash);
    }
    const WordTokens tokens = EncodeWord(folded);
    if (entry == nullptr) Insert(key, hash, tokens, true);
    output_.AddWord(window, piece, tokens);
  }

  /// The words of a piece that is not of ASCII. Where it is one word, that is kept under `key`, if there is one.
  void EmitRun(const WordWindow& window, std::size_t piece, const LongWordKey* key = nullptr, std::uint64_t hash = 0) {
    const ByteRange range{window.begin(piece), window.end(piece)};
    output_.BeginRun(range);
    run_.Start(text_, range.begin, range.end);
    for (WordRun::Word word; run_.Next(word);) {
      if (key == nullptr || word.source != range) {
        EmitRunWord(word);
        continue;
      }
      WordTokens tokens = FindWhole(word.bytes);
      if (tokens.count == 0) tokens = EncodeWord(word.bytes);
      Insert(*key, hash, tokens, word.in_place);
      output_.AddRunWord(word, tokens);
    }
  }

  static bool IsEnough(const WordCache::Entry& entry) {
    if (!Output::kTakesIds) return true;
    return entry.count <= entry.ids.size() && (entry.in_place || entry.count == 1 || !Output::kTakesRanges);
  }

  /// Of a piece that no window holds: some of its words. Returns where the rest begins.
  std::size_t WalkLongPiece(std::size_t begin, std::size_t end) {
    constexpr std::size_t kStep = 2048;
    run_.Start(text_, begin, end);
    for (WordRun::Word word; run_.position() < begin + kStep && !output_.full() && run_.Next(word);) EmitRunWord(word);
    return run_.position();
  }

  void EmitRunWord(const WordRun::Word& word) {
    if (!Output::kTakesIds && word.alone) return output_.AddRunWord(word, {1});
    WordTokens tokens = FindWhole(word.bytes);
    if (tokens.count == 0) tokens = FindNormalised(word.bytes);
    output_.AddRunWord(word, tokens);
  }

  /// None if the word is not of the tables.
  WordTokens FindWhole(std::string_view word) {
    if (word.size() > WordKey::kMaxBytes) return {};
    const WordKey key = MakeWordKey(word.data(), word.size());
    const WordTable& table = IsAscii(word) ? vocabulary_.whole_ascii_words() : vocabulary_.whole_other_words();
    const std::uint32_t slot = table.FindSlot(key);
    if (!table.Holds(slot, key)) return {};
    ids_.assign(1, table.id(slot));
    return {1, ids_.data()};
  }

  /// `word` has 32 readable bytes.
  WordTokens FindNormalised(std::string_view word) {
    if (word.size() > LongWordKey::kMaxBytes) return EncodeWord(word);
    LongWordKey key = MakeLongWordKey(word.data(), word.size());
    key.words[3] |= std::uint64_t{1} << 63U;  // the same bytes in a text may normalise to others
    const std::uint64_t hash = cache_.cache().Hash(key);
    const WordCache::Entry* entry = cache_.cache().Find(key, hash);
    if (entry != nullptr && (!Output::kTakesIds || entry->count <= entry->ids.size())) return {entry->count, entry->ids.data()};
    const WordTokens tokens = EncodeWord(word);
    if (entry == nullptr) Insert(key, hash, tokens, false);
    return tokens;
  }

  void Insert(const LongWordKey& key, std::uint64_t hash, WordTokens tokens, bool in_place) {
    WordCache::Entry& entry = cache_.cache().Insert(key, hash);
    entry.count = static_cast<std::uint8_t>(tokens.count);
    entry.in_place = in_place;
    std::copy_n(tokens.ids, std::min(tokens.count, entry.ids.size()), entry.ids.begin());
  }

  WordTokens EncodeWord(std::string_view word) {
    ids_.clear();
    vocabulary_.Encode(word, ids_);
    return {ids_.size(), ids_.data()};
  }

  const WordPieceVocabulary& vocabulary_;
  std::string_view text_;
  Output& output_;
  WordCachePool::Lease cache_;
  WordRun run_;
  std::vector<std::uint32_t> ids_;
  Batch batch_;
};

template <class Output>
void WalkWords(const WordPieceVocabulary& vocabulary, WordCachePool& caches, std::string_view text, Output& output) {
  WordWalk<Output>(vocabulary, caches, text, output).Walk();
}

}  // namespace ragpipe::text::internal
