#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/wordpiece/vocabulary.h"
#include "text/wordpiece/word_run.h"
#include "text/wordpiece/word_table.h"
#include "text/wordpiece/word_walk.h"
#include "text/wordpiece/word_window.h"

namespace ragpipe::text::internal {

/// Appends to a vector in big steps.
template <class T>
class BufferedAppender {
 public:
  explicit BufferedAppender(std::vector<T>& out) : out_(out) {}
  ~BufferedAppender() { Flush(); }
  BufferedAppender(const BufferedAppender&) = delete;
  BufferedAppender& operator=(const BufferedAppender&) = delete;

  /// Room for `count` more, to be filled at once.
  T* Extend(std::size_t count) {
    if (count > buffer_.size() - size_) Flush();
    T* begin = buffer_.data() + size_;
    size_ += count;
    return begin;
  }
  static constexpr std::size_t kMaxExtension = 512;

 private:
  void Flush() {
    out_.insert(out_.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ = 0;
  }

  std::vector<T>& out_;
  std::size_t size_ = 0;
  std::array<T, kMaxExtension> buffer_;
};

/// A first guess for English, so that the vector seldom moves; twice as large as it was, so that many small texts do not
/// move it each time.
template <class T>
void ReserveForTokens(std::size_t text_bytes, std::vector<T>& out) {
  const std::size_t wanted = out.size() + text_bytes / 5;
  if (wanted > out.capacity()) out.reserve(std::max(wanted, 2 * out.capacity()));
}

class IdOutput {
 public:
  static constexpr bool kTakesIds = true;
  static constexpr bool kTakesRanges = false;

  explicit IdOutput(std::vector<std::uint32_t>& ids) : ids_(ids) {}

  bool full() const { return false; }

  void AddWindow(const WordWindow& /*window*/) {}
  void AddWhole(const WordWindow& /*window*/, const WordTable& table, std::size_t /*first*/,
                std::span<const std::uint32_t> slots) {
    std::uint32_t* out = ids_.Extend(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) out[i] = table.id(slots[i]);
  }
  void AddWord(const WordWindow& /*window*/, std::size_t /*piece*/, WordTokens tokens) { Add(tokens); }
  void BeginRun(ByteRange /*piece*/) {}
  void AddRunWord(const WordRun::Word& /*word*/, WordTokens tokens) { Add(tokens); }
  void AddAdded(std::uint32_t id, ByteRange /*source*/) { *ids_.Extend(1) = id; }

 private:
  void Add(WordTokens tokens) {
    for (std::size_t i = 0; i < tokens.count; ++i) *ids_.Extend(1) = tokens.ids[i];
  }

  BufferedAppender<std::uint32_t> ids_;
};

/// Ids, and where in the text they come from.
class TokenOutput {
 public:
  static constexpr bool kTakesIds = true;
  static constexpr bool kTakesRanges = true;

  TokenOutput(const WordPieceVocabulary& vocabulary, std::string_view text, std::vector<Token>& tokens)
      : vocabulary_(vocabulary), text_(text), tokens_(tokens) {}

  bool full() const { return false; }

  void AddWindow(const WordWindow& /*window*/) {}
  void AddWhole(const WordWindow& window, const WordTable& table, std::size_t first, std::span<const std::uint32_t> slots) {
    Token* out = tokens_.Extend(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      out[i] = {table.id(slots[i]), {window.begin(first + i), window.end(first + i)}};
    }
  }
  void AddWord(const WordWindow& window, std::size_t piece, WordTokens tokens) {
    AddInPlace({window.begin(piece), window.end(piece)}, tokens);
  }
  void BeginRun(ByteRange /*piece*/) {}
  void AddRunWord(const WordRun::Word& word, WordTokens tokens) {
    if (tokens.count == 1 || word.in_place) {
      AddInPlace(word.source, tokens);
    } else {
      AddMoved(word.source, tokens);
    }
  }
  void AddAdded(std::uint32_t id, ByteRange source) { *tokens_.Extend(1) = {id, source}; }

 private:
  void AddInPlace(ByteRange source, WordTokens tokens) {
    if (tokens.count == 1) {  // which may stand for a word that cannot be spelled
      *tokens_.Extend(1) = {tokens.ids[0], source};
      return;
    }
    std::size_t begin = source.begin;
    for (std::size_t i = 0; i < tokens.count; ++i) {
      const std::uint32_t id = tokens.ids[i];
      const std::size_t end = begin + (i == 0 ? vocabulary_.BytesOfFirst(id) : vocabulary_.BytesOfNext(id));
      *tokens_.Extend(1) = {id, {begin, end}};
      begin = end;
    }
  }

  /// Normalising moved the characters: the slow reader knows whence.
  void AddMoved(ByteRange source, WordTokens tokens) {
    WordReader reader(vocabulary_.word_rules(), text_.substr(source.begin, source.size()));
    Word word;
    reader.Next(word);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < tokens.count; ++i) {
      const std::uint32_t id = tokens.ids[i];
      const std::size_t end = begin + (i == 0 ? vocabulary_.BytesOfFirst(id) : vocabulary_.BytesOfNext(id));
      const ByteRange range = reader.Source(begin, end);
      *tokens_.Extend(1) = {id, {source.begin + range.begin, source.begin + range.end}};
      begin = end;
    }
  }

  const WordPieceVocabulary& vocabulary_;
  std::string_view text_;
  BufferedAppender<Token> tokens_;
};

}  // namespace ragpipe::text::internal
