#pragma once

#include <absl/status/status.h>
#include <unicode/ubrk.h>
#include <unicode/umachine.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "ragpipe/chunk.h"

namespace ragpipe::text::internal {

/// How good a place to cut is, worst first.
enum class Level : std::uint8_t {
  kForced,  ///< only where nothing else fits: inside a grapheme cluster, after a heading
  kGrapheme,
  kBeforeSpace,  ///< white space belongs to what stands before it
  kWordPart,     ///< between words that no white space separates
  kWord,
  kClause,        ///< after a comma, semicolon, colon or dash
  kWeakSentence,  ///< after a full stop and the like where UAX #29 sees no end, because a small letter follows (rule SB8)
  kSentence,
  kEscapedLine,  ///< after "\\n", as one line of JSON or of a log writes the end of a line
  kLine,
  kParagraph,
  kItem,
  kBlock,
  kRule,
  kHeading6,
  kHeading5,
  kHeading4,
  kHeading3,
  kHeading2,
  kHeading1,
};

struct CodePoint {
  UChar32 character = 0;
  std::size_t length = 0;
};

/// The code point at `offset`, which is inside the text; an ill-formed byte is U+FFFD.
CodePoint Decode(std::string_view text, std::size_t offset);

/// The code point that ends at `offset`, which is not 0.
CodePoint DecodeBefore(std::string_view text, std::size_t offset);

/// Whether the code point at `offset` is white space (Unicode White_Space).
bool IsSpaceAt(std::string_view text, std::size_t offset);

/// Whether the code point that ends at `offset` is white space.
bool IsSpaceBefore(std::string_view text, std::size_t offset);

/// The end of the code point at `offset`; an ill-formed byte counts as one. CRLF counts as one too: it is never divided.
std::size_t NextCodePoint(std::string_view text, std::size_t offset);

/// The end of the line that begins at `offset`, its LF, CRLF or CR included.
std::size_t LineEnd(std::string_view text, std::size_t offset);

/// The first CR or LF at or after `offset`, or the end of the text.
std::size_t FindLineBreak(std::string_view text, std::size_t offset);

/// Whether nothing but white space stands between `offset` and the end of its line.
bool IsBlankLine(std::string_view text, std::size_t offset);

/// Where the first line at or after `offset` begins that is not blank.
std::size_t SkipBlankLines(std::string_view text, std::size_t offset);

/// The end of the paragraph that begins at `offset`, with the blank lines after it (and those before it).
std::size_t ParagraphEnd(std::string_view text, std::size_t offset);

/// Whether a cut at `offset` surely divides no grapheme cluster, judged by the two code points beside it alone. Sentence and
/// word boundaries of UAX #29 can lie inside a cluster (after a prepended mark, before a spacing mark).
bool IsSafeCut(std::string_view text, std::size_t offset);

/// Whether a word surely begins at `offset`: after white space, and anywhere between grapheme clusters in scripts that write
/// words without spaces.
bool IsWordStart(std::string_view text, std::size_t offset);

/// The boundaries of one kind (UAX #29, root locale) in one stretch of text, from the front.
class BoundaryScan {
 public:
  explicit BoundaryScan(UBreakIteratorType type) : type_(type) {}

  /// Begins at the front of `text`, which must stay alive. Errors: kInternal when ICU lacks its data.
  absl::Status Start(std::string_view text);

  /// The next boundary after the last one; text.size() when the end is reached.
  std::size_t Next();

 private:
  struct Close {
    void operator()(UBreakIterator* iterator) const { ubrk_close(iterator); }
  };

  UBreakIteratorType type_;
  std::size_t size_ = 0;
  std::unique_ptr<UBreakIterator, Close> iterator_;  // opened by the first Start(): most documents need no words
};

}  // namespace ragpipe::text::internal
