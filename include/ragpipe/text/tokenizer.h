#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/export.h"

namespace ragpipe::text {

struct Token {
  std::uint32_t id = 0;
  ByteRange range;  ///< the bytes of the input it stands for

  friend bool operator==(const Token&, const Token&) = default;
};

/// Exact token counts of any range of one text. Borrows the text and the tokenizer.
class RAGPIPE_EXPORT RangeCounter {
 public:
  virtual ~RangeCounter();

  /// Tokens of text.substr(range.begin, range.size()) taken alone; the range lies on code point boundaries.
  virtual std::size_t Count(ByteRange range) const = 0;

 protected:
  RangeCounter() = default;
  RangeCounter(const RangeCounter&) = default;
  RangeCounter& operator=(const RangeCounter&) = default;
};

/// Splits text into the tokens of a model's vocabulary. No special tokens are added, nothing is truncated or padded. Bytes
/// that are not UTF-8 count as U+FFFD, one for each maximal ill-formed part (Unicode 15, section 3.9, "U+FFFD Substitution of
/// Maximal Subparts").
/// Threading: from several threads at once.
class RAGPIPE_EXPORT Tokenizer {
 public:
  virtual ~Tokenizer();

  /// Appends the tokens of `text` to `out`.
  virtual void Encode(std::string_view text, std::vector<Token>& out) const = 0;

  /// Appends the ids alone, which is faster. Default: by Encode().
  virtual void EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const;

  /// The number of tokens Encode() would append. Default: by encoding.
  virtual std::size_t Count(std::string_view text) const;

  /// Min(Count(text), limit + 1), and cheaper than Count() for a long text. Default: Count().
  virtual std::size_t CountUpTo(std::string_view text, std::size_t limit) const;

  /// Prepares counting of ranges of `text` in one pass. Default: counts each range anew.
  virtual std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const;

  /// The text that the ids stand for, as the model's decoder gives it (WordPiece: lower-cased and re-spaced).
  virtual std::string Decode(const std::vector<std::uint32_t>& ids) const = 0;

  /// Whether counts are those of the model's own tokenizer. False for an estimate, which every chunk counted by it then says.
  virtual bool is_exact() const { return true; }

  /// Whether Count(a + b) is Count(a) + Count(b) wherever `a` ends with one LF after a character that is no white space, and `b`
  /// begins with an ASCII letter or digit. Chunkers that put headings before text then need not count the text again.
  virtual bool is_additive_at_lines() const { return false; }

  /// Tokens of the vocabulary; ids are below it.
  virtual std::size_t vocabulary_size() const = 0;

  /// Readable, and different whenever any output may differ: algorithm and a hash of vocabulary and rules.
  virtual std::string Fingerprint() const = 0;

 protected:
  Tokenizer() = default;
  Tokenizer(const Tokenizer&) = default;
  Tokenizer& operator=(const Tokenizer&) = default;
};

}  // namespace ragpipe::text
