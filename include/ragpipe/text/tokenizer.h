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

/// What a count may be.
struct TokenEstimate {
  std::size_t tokens = 0;  ///< about; those of ranges side by side add up to that of both, nearly always
  std::size_t at_least = 0;
  std::size_t at_most = 0;
};

/// Exact token counts of any range of one text. Borrows the text and the tokenizer.
class RAGPIPE_EXPORT RangeCounter {
 public:
  virtual ~RangeCounter();

  /// Tokens of text.substr(range.begin, range.size()) taken alone; the range lies on code point boundaries.
  virtual std::size_t Count(ByteRange range) const = 0;

  /// Is cheaper where the ends of the range divide words, and enough to see of most ranges whether they fit. Default: Count().
  virtual TokenEstimate Estimate(ByteRange range) const;

  /// About how many bytes at the end of the range have `tokens` tokens: where to begin a search. Default: in proportion.
  virtual std::size_t GuessSuffixBytes(ByteRange range, std::size_t tokens) const;

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

  /// Whether lines are tokenised apart. First, the tokens of a + b are those of `a`, then those of `b`, wherever `a` ends with
  /// one LF after a character that is no white space, and `b` begins with a visible ASCII character but a slash: chunkers that
  /// put headings before text then need not count the text again. Second, where such a character or a letter stands behind any
  /// LF, the tokens from there on do not depend on what stands before, nor those before on what stands behind that character:
  /// FixedTokenChunker then need not read a text as a whole.
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
