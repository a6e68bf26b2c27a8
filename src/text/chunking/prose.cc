#include "text/chunking/prose.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/status_macros.h"
#include "text/chunking/byte_search.h"
#include "text/chunking/sentences.h"

namespace ragpipe::text::internal {
namespace {

// Whether a sentence or word that `unit` is divided into may end at `end`: white space belongs to what stands before it, and
// at the front to what stands after.
bool IsPieceEnd(std::string_view unit, std::size_t begin, std::size_t end) {
  if (end == unit.size()) return true;
  if (!IsSafeCut(unit, end) || IsSpaceAt(unit, end)) return false;
  while (begin < end && IsSpaceAt(unit, begin)) begin = NextCodePoint(unit, begin);
  return begin < end;
}

// Characters, and where the first byte of one may stand.
struct Marks {
  bool (*contains)(UChar32);
  std::size_t (*find)(std::string_view text, std::size_t offset);
};

constexpr char kLeadE2 = '\xE2';  // of the characters from U+2000 on

constexpr Marks kFullStops = {[](UChar32 c) { return c == '.' || c == '!' || c == '?' || c == 0x2026; },
                              FindByte</*kAboveAscii=*/false, '.', '!', '?', kLeadE2>};
constexpr Marks kClauseMarks = {[](UChar32 c) { return c == ',' || c == ';' || c == ':' || c == 0x2013 || c == 0x2014; },
                                FindByte</*kAboveAscii=*/false, ',', ';', ':', kLeadE2>};

bool IsClosing(UChar32 c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == 0x2019 || c == 0x201D || c == 0xBB;
}

// The end of the first part from `begin` on that ends with a mark, closing quotes and brackets, and white space; text.size()
// where there is none.
std::size_t EndAfterMark(std::string_view text, std::size_t begin, const Marks& marks) {
  for (std::size_t at = marks.find(text, begin); at < text.size(); at = marks.find(text, at)) {
    CodePoint here = Decode(text, at);
    at += here.length;
    if (!marks.contains(here.character)) continue;
    while (at < text.size() && IsClosing((here = Decode(text, at)).character)) at += here.length;
    if (at == text.size() || !IsSpaceAt(text, at)) continue;
    while (at < text.size() && IsSpaceAt(text, at)) at = NextCodePoint(text, at);
    if (IsSafeCut(text, at)) return at;
  }
  return text.size();
}

// Behind the first "\n" of two characters from `begin` on, those that follow at once, and white space; text.size() where there
// is none. Before a small letter it is rather a command (\nabla) or a path.
std::size_t EscapedLineEnd(std::string_view text, std::size_t begin) {
  constexpr std::string_view kEscape = "\\n";
  for (std::size_t at = text.find(kEscape, begin); at != std::string_view::npos; at = text.find(kEscape, at)) {
    while (text.substr(at).starts_with(kEscape)) at += kEscape.size();
    if (at < text.size() && text[at] >= 'a' && text[at] <= 'z') continue;
    while (at < text.size() && IsSpaceAt(text, at)) at = NextCodePoint(text, at);
    if (IsSafeCut(text, at)) return at;
  }
  return text.size();
}

constexpr std::size_t kLongWord = 1024;  // bytes

// Whether a group of characters of a long word ends there: the bytes before say so, that groups do not depend on where the
// first began.
bool EndsGroup(std::string_view word, std::size_t begin, std::size_t end) {
  constexpr std::size_t kMinBytes = 4;
  constexpr std::size_t kMaxBytes = 16;
  if (end - begin < kMinBytes) return false;
  std::uint32_t bytes = 0;
  for (std::size_t i = end - kMinBytes; i < end; ++i) bytes = bytes << 8 | static_cast<unsigned char>(word[i]);
  return end - begin >= kMaxBytes || bytes * 0x9E3779B1U >> 29 == 0;  // one in eight (Knuth, TAOCP 6.4: multiplicative hashing)
}

// The end of the white space that `word` begins with, as far as a cut there divides no grapheme cluster.
std::size_t LeadingSpaceEnd(std::string_view word) {
  std::size_t end = 0;
  std::size_t last = 0;
  while (end < word.size() && IsSpaceAt(word, end)) {
    last = end;
    end = NextCodePoint(word, end);
  }
  return end == word.size() || IsSafeCut(word, end) ? end : last;
}

}  // namespace

bool ProseSplitter::AddWhole(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  if (range.size() > max_bytes_) return false;
  const TokenEstimate estimate = counter_.Estimate(range);
  if (!internal::Fits(counter_, range, estimate, max_tokens_)) return false;
  if (lead < range.begin && !Fits({lead, range.end})) return false;
  packer_.Add({range.end, std::min(estimate.tokens, max_tokens_), level, tag});
  return true;
}

absl::Status ProseSplitter::Split(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  return AddWhole(range, lead, level, tag) ? absl::OkStatus() : SplitParagraphs(range, lead, level, tag);
}

absl::Status ProseSplitter::SplitParagraphs(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view unit = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = ParagraphEnd(unit, begin);
    const Level at_end = end == range.end ? level : Level::kParagraph;
    if (!AddWhole({begin, end}, lead, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitLines({begin, end}, lead, at_end, tag));
    begin = lead = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitLines(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view unit = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    // Blank lines belong to the line before; at the front, to the line after.
    const std::size_t line_end = LineEnd(unit, SkipBlankLines(unit, begin));
    const std::size_t end = SkipBlankLines(unit, line_end);
    const Level inside = end == line_end ? Level::kLine : Level::kParagraph;
    const Level at_end = end == range.end ? level : inside;
    RAGPIPE_RETURN_IF_ERROR(SplitLine({begin, end}, lead, at_end, tag));
    begin = lead = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitLine(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  if (AddWhole(range, lead, level, tag)) return absl::OkStatus();
  const std::string_view line = text_.substr(range.begin, range.size());
  if (LeadingSpaceEnd(line) == line.size()) {  // no sentence or word is there to be found
    return AddWhole(range, range.begin, level, tag) ? absl::OkStatus() : SplitSpace(range, level, tag);
  }
  return SplitEscapedLines(range, lead, level, tag);
}

absl::Status ProseSplitter::SplitEscapedLines(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view line = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = EscapedLineEnd(line, begin);
    const Level at_end = end == range.end ? level : Level::kEscapedLine;
    const bool all = begin == range.begin && end == range.end;  // known not to fit
    if (all || !AddWhole({begin, end}, lead, at_end, tag)) {
      RAGPIPE_RETURN_IF_ERROR(SplitSentences({begin, end}, lead, at_end, tag));
    }
    begin = lead = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitSentences(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view line = text_.substr(range.begin, range.size());
  SentenceScan sentences(line);
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = sentences.Next();
    if (!IsPieceEnd(line, begin, end)) continue;
    const Level at_end = end == line.size() ? level : Level::kSentence;
    const ByteRange sentence{range.begin + begin, range.begin + end};
    const std::size_t sentence_lead = begin == 0 ? lead : sentence.begin;
    if (!AddWhole(sentence, sentence_lead, at_end, tag))
      RAGPIPE_RETURN_IF_ERROR(SplitSentence(sentence, sentence_lead, at_end, tag));
    begin = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitSentence(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view unit = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = EndAfterMark(unit, begin, kFullStops);
    const ByteRange part{begin, end};
    const Level at_end = end == range.end ? level : Level::kWeakSentence;
    const bool all = begin == range.begin && end == range.end;  // known not to fit
    if (all || !AddWhole(part, lead, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitWeakSentence(part, lead, at_end, tag));
    begin = lead = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitWeakSentence(ByteRange range, std::size_t lead, Level level, std::uint32_t tag) {
  const std::string_view unit = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = EndAfterMark(unit, begin, kClauseMarks);
    const ByteRange part{begin, end};
    const Level at_end = end == range.end ? level : Level::kClause;
    const bool all = begin == range.begin && end == range.end;  // known not to fit
    if (all || !AddWhole(part, lead, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitClause(part, at_end, tag));
    begin = lead = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitClause(ByteRange range, Level level, std::uint32_t tag) {
  const std::string_view sentence = text_.substr(range.begin, range.size());
  RAGPIPE_RETURN_IF_ERROR(words_.Start(sentence));
  for (std::size_t begin = 0; begin < sentence.size();) {
    const std::size_t end = words_.Next();
    if (!IsPieceEnd(sentence, begin, end)) continue;
    const Level inside = IsSpaceBefore(sentence, end) ? Level::kWord : Level::kWordPart;
    const Level at_end = end == sentence.size() ? level : inside;
    const ByteRange word{range.begin + begin, range.begin + end};
    if (!AddWhole(word, word.begin, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitWord(word, at_end, tag));
    begin = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::SplitWord(ByteRange range, Level level, std::uint32_t tag) {
  const std::size_t space_end = LeadingSpaceEnd(text_.substr(range.begin, range.size()));
  if (space_end != 0) {
    const ByteRange space{range.begin, range.begin + space_end};
    RAGPIPE_RETURN_IF_ERROR(SplitSpace(space, space.end == range.end ? level : Level::kForced, tag));
    range.begin = space.end;
  }
  const std::string_view word = text_.substr(range.begin, range.size());
  // In ASCII every character but CRLF is a cluster.
  const bool is_ascii = std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (is_ascii && word.size() >= kLongWord) return SplitLongWord(range, level, tag);
  if (!is_ascii) RAGPIPE_RETURN_IF_ERROR(clusters_.Start(word));
  bool leading_space = true;
  for (std::size_t begin = 0; begin < word.size();) {
    const std::size_t end = is_ascii ? NextCodePoint(word, begin) : clusters_.Next();
    leading_space = leading_space && IsSpaceAt(word, begin);
    const bool before_space = IsSpaceAt(word, end) && !IsSpaceBefore(word, end);
    const Level inside = leading_space ? Level::kForced : before_space ? Level::kBeforeSpace : Level::kGrapheme;
    const Level at_end = end == word.size() ? level : inside;
    const ByteRange cluster{range.begin + begin, range.begin + end};
    if (!AddWhole(cluster, cluster.begin, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitCluster(cluster, at_end, tag));
    begin = end;
  }
  return absl::OkStatus();
}

// In a word of kilobytes, an encoded file for instance, a few characters are one atom.
absl::Status ProseSplitter::SplitLongWord(ByteRange range, Level level, std::uint32_t tag) {
  const std::string_view word = text_.substr(0, range.end);
  for (std::size_t begin = range.begin; begin < range.end;) {
    std::size_t end = NextCodePoint(word, begin);
    const bool is_space = IsSpaceAt(word, begin);
    while (end < range.end && IsSpaceAt(word, end) == is_space && !EndsGroup(word, begin, end)) end = NextCodePoint(word, end);
    const Level inside = IsSpaceAt(word, end) && !is_space ? Level::kBeforeSpace : Level::kGrapheme;
    const Level at_end = end == range.end ? level : inside;
    if (!AddWhole({begin, end}, begin, at_end, tag)) RAGPIPE_RETURN_IF_ERROR(SplitCluster({begin, end}, at_end, tag));
    begin = end;
  }
  return absl::OkStatus();
}

// No place in white space is better than another: blocks of a power of two, so that a long run costs few counts.
absl::Status ProseSplitter::SplitSpace(ByteRange range, Level level, std::uint32_t tag) {
  auto character_end = [this, end = range.end](std::size_t at) {  // CRLF is one
    while (at < end && (static_cast<unsigned char>(text_[at]) & 0xC0U) == 0x80U) ++at;
    return at < end && text_[at] == '\n' && text_[at - 1] == '\r' ? at + 1 : at;
  };
  std::size_t size = 1;
  while (size < range.size() && Fits({range.begin, character_end(range.begin + std::min(2 * size, range.size()))})) size *= 2;
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = character_end(begin + std::min(size, range.end - begin));
    RAGPIPE_RETURN_IF_ERROR(HalveSpace({begin, end}, end == range.end ? level : Level::kForced, tag));
    begin = end;
  }
  return absl::OkStatus();
}

absl::Status ProseSplitter::HalveSpace(ByteRange range, Level level, std::uint32_t tag) {
  if (AddWhole(range, range.begin, level, tag)) return absl::OkStatus();
  std::size_t middle = range.begin + range.size() / 2;
  while (middle < range.end && (static_cast<unsigned char>(text_[middle]) & 0xC0U) == 0x80U) ++middle;
  if (middle < range.end && middle > range.begin && text_[middle] == '\n' && text_[middle - 1] == '\r') ++middle;
  if (middle == range.begin || middle == range.end) return SplitCluster(range, level, tag);
  RAGPIPE_RETURN_IF_ERROR(HalveSpace({range.begin, middle}, Level::kForced, tag));
  return HalveSpace({middle, range.end}, level, tag);
}

absl::Status ProseSplitter::SplitCluster(ByteRange range, Level level, std::uint32_t tag) {
  for (std::size_t begin = range.begin; begin < range.end;) {
    const std::size_t end = NextCodePoint(text_, begin);
    const Level at_end = end == range.end ? level : Level::kForced;
    if (!AddWhole({begin, end}, begin, at_end, tag)) {
      return absl::OutOfRangeError(
          fmt::format("the character at byte {} takes {} tokens, more than max_tokens = {}; raise max_tokens", offset_ + begin,
                      counter_.Count({begin, end}), max_tokens_));
    }
    begin = end;
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::text::internal
