#include "chunk_checks.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <algorithm>
#include <set>

#include "core/utf8.h"

namespace {

// All boundaries of one kind, found over the whole text.
std::set<std::size_t> Boundaries(std::string_view text, UBreakIteratorType type) {
  UErrorCode error = U_ZERO_ERROR;
  UBreakIterator* iterator = ubrk_open(type, "", nullptr, 0, &error);
  UText* utext = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &error);
  ubrk_setUText(iterator, utext, &error);
  std::set<std::size_t> boundaries = {0, text.size()};
  for (std::int32_t at = ubrk_first(iterator); at != UBRK_DONE; at = ubrk_next(iterator)) {
    boundaries.insert(static_cast<std::size_t>(at));
  }
  utext_close(utext);
  ubrk_close(iterator);
  return boundaries;
}

// The code point that begins at `offset` of valid UTF-8.
UChar32 CodePointAt(std::string_view text, std::size_t offset) {
  const std::size_t length = ragpipe::internal::Utf8SequenceLength(text.substr(offset));
  UChar32 c = static_cast<unsigned char>(text[offset]) & (length == 1 ? 0x7F : 0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<unsigned char>(text[offset + i]) & 0x3F);
  return c;
}

// Whether the characters on both sides are of a script that writes words without spaces.
bool IsUnspaced(std::string_view text, std::size_t offset) {
  auto unspaced = [](UChar32 c) {
    const int kind = u_getIntPropertyValue(c, UCHAR_LINE_BREAK);
    return kind == U_LB_IDEOGRAPHIC || kind == U_LB_CONDITIONAL_JAPANESE_STARTER || kind == U_LB_COMPLEX_CONTEXT;
  };
  std::size_t before = offset - 1;
  while (!ragpipe::internal::IsCodePointBoundary(text, before)) --before;
  return unspaced(CodePointAt(text, before)) && unspaced(CodePointAt(text, offset));
}

}  // namespace

std::string_view OwnText(std::string_view text, const ragpipe::Chunk& chunk) {
  return text.substr(chunk.range.begin, chunk.range.size());
}

std::string EmbeddedText(std::string_view text, const ragpipe::Chunk& chunk) {
  if (chunk.text.has_value()) return chunk.context + *chunk.text;
  std::string embedded = chunk.context;
  embedded += text.substr(chunk.range.begin - chunk.overlap, chunk.overlap + chunk.range.size());
  return embedded;
}

std::string FindFault(std::string_view text, const std::vector<ragpipe::Chunk>& chunks,
                      const ragpipe::text::Tokenizer& tokenizer, std::size_t max_tokens, std::size_t overlap_tokens,
                      std::size_t max_bytes) {
  const std::set<std::size_t> clusters = Boundaries(text, UBRK_CHARACTER);
  std::size_t at = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ragpipe::Chunk& chunk = chunks[i];
    const std::string where = " at chunk " + std::to_string(i) + ", byte " + std::to_string(chunk.range.begin);
    if (chunk.range.begin != at) return "a gap or a repetition" + where;
    if (chunk.range.end <= chunk.range.begin || chunk.range.end > text.size()) return "an empty or overlong range" + where;
    at = chunk.range.end;
    if (chunk.overlap > (i == 0 ? 0 : chunks[i - 1].range.size())) return "more overlap than the chunk before has" + where;
    if (tokenizer.Count(EmbeddedText(text, chunk)) != chunk.tokens) return "a wrong token count" + where;
    if (chunk.range.size() > max_bytes) return "more bytes than the cap" + where;
    if (chunk.tokens_are_estimated == tokenizer.is_exact()) return "an estimate that is none, or the reverse" + where;
    if (chunk.tokens > max_tokens) return "more tokens than the cap" + where;

    const std::size_t overlap_begin = chunk.range.begin - chunk.overlap;
    if (chunk.overlap > 0) {
      if (tokenizer.Count(text.substr(overlap_begin, chunk.overlap)) > overlap_tokens) return "too much overlap" + where;
      const std::size_t previous = chunks[i - 1].range.begin;
      const auto words = Boundaries(text.substr(previous, chunk.range.begin - previous), UBRK_WORD);
      const bool at_cluster = clusters.count(overlap_begin) == 1 || overlap_begin == previous;
      const bool at_word = words.count(overlap_begin - previous) == 1 || IsUnspaced(text, overlap_begin);
      if (!at_cluster || !at_word) return "an overlap that begins inside a word" + where;
    }
    const std::size_t cut = chunk.range.end;
    if (!ragpipe::internal::IsCodePointBoundary(text, cut)) return "a cut inside a code point" + where;
    if (cut < text.size() && text[cut - 1] == '\r' && text[cut] == '\n') return "a cut inside CRLF" + where;
    const auto after = clusters.lower_bound(cut);
    const std::size_t begin = *after == cut ? cut : *std::prev(after);
    const bool forced = tokenizer.Count(text.substr(begin, *after - begin)) > max_tokens || *after - begin > max_bytes;
    if (begin < cut && !forced) return "a cut inside a grapheme cluster" + where;
  }
  return at == text.size() ? "" : "the end of the text is missing";
}

std::string FindContextFault(std::string_view text, const std::vector<ragpipe::Chunk>& plain,
                             const std::vector<ragpipe::Chunk>& chunks, const ragpipe::text::Tokenizer& tokenizer,
                             std::size_t max_tokens, std::size_t max_context_tokens) {
  if (chunks.size() != plain.size()) return "another number of chunks";
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ragpipe::Chunk& chunk = chunks[i];
    const std::string where = " at chunk " + std::to_string(i) + ", byte " + std::to_string(chunk.range.begin);
    const bool same_text = chunk.range == plain[i].range && chunk.overlap == plain[i].overlap && chunk.text == plain[i].text;
    if (!same_text || chunk.headings != plain[i].headings) return "another range, overlap, text or heading" + where;
    const std::string_view context = chunk.context;
    if (!context.ends_with(plain[i].context)) return "a context that was lost" + where;
    const std::string_view lines = context.substr(0, context.size() - plain[i].context.size());
    if (!lines.empty() && !lines.ends_with('\n')) return "a line without an end" + where;
    if (tokenizer.Count(lines) > max_context_tokens) return "more tokens in the lines than their cap" + where;
    if (tokenizer.Count(EmbeddedText(text, chunk)) != chunk.tokens) return "a wrong token count" + where;
    if (chunk.tokens > max_tokens) return "more tokens than the cap" + where;
    if (chunk.tokens_are_estimated == tokenizer.is_exact()) return "an estimate that is none, or the reverse" + where;
  }
  return "";
}

std::size_t CountNewTexts(std::string_view before_text, const std::vector<ragpipe::Chunk>& before, std::string_view after_text,
                          const std::vector<ragpipe::Chunk>& after) {
  std::multiset<std::string> old;
  for (const ragpipe::Chunk& chunk : before) old.insert(EmbeddedText(before_text, chunk));
  std::size_t fresh = 0;
  for (const ragpipe::Chunk& chunk : after) {
    const auto found = old.find(EmbeddedText(after_text, chunk));
    if (found == old.end()) {
      ++fresh;
    } else {
      old.erase(found);
    }
  }
  return fresh;
}
