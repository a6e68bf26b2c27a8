#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "text/wordpiece/json.h"
#include "text/wordpiece/model.h"
#include "text/wordpiece/normalizer.h"
#include "text/wordpiece/word_table.h"

namespace ragpipe::text::internal {

/// What a configuration means for words, ready to be used by many threads at once.
class WordPieceVocabulary {
 public:
  /// Keeps a reference to `config`.
  explicit WordPieceVocabulary(const WordPieceConfig& config);

  WordRules word_rules() const { return {&characters_, &config_.added_tokens, config_.max_characters}; }
  bool lowercase() const { return config_.rules.lowercase; }
  const std::vector<AddedToken>& added_tokens() const { return config_.added_tokens; }

  /// Appends the tokens of one normalised word.
  void Encode(std::string_view word, std::vector<std::uint32_t>& ids) const;

  /// Normalised words of up to 15 bytes that are one token: those of ASCII, with all its punctuation, and the others.
  const WordTable& whole_ascii_words() const { return whole_ascii_words_; }
  const WordTable& whole_other_words() const { return whole_other_words_; }

  /// The bytes that a token stands for where it is one of several of a word: the first of them, or another.
  std::size_t BytesOfFirst(std::uint32_t id) const { return config_.pieces[id].size(); }
  std::size_t BytesOfNext(std::uint32_t id) const { return config_.pieces[id].size() - config_.continuing_prefix.size(); }

 private:
  bool IsTooLong(std::string_view word) const;
  std::vector<WordTable::Entry> FindWholeWords(bool ascii) const;

  const WordPieceConfig& config_;
  BertCharacters characters_;
  WordPieceModel model_;
  WordTable whole_ascii_words_;
  WordTable whole_other_words_;
};

}  // namespace ragpipe::text::internal
