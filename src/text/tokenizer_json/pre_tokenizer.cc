#include "text/tokenizer_json/pre_tokenizer.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

using Pieces = std::vector<ByteRange>;
using Scratch = PreTokenizer::Scratch;

void AppendIfAny(ByteRange piece, Pieces& pieces) {
  if (piece.begin < piece.end) pieces.push_back(piece);
}

/// Replaces the pieces by what split(text of a piece, where it begins, out) makes of each.
template <class Split>
void SplitEach(const AlignedText& text, Pieces& pieces, Scratch& scratch, Split split) {
  scratch.pieces.clear();
  for (const ByteRange& piece : pieces)
    split(std::string_view(text.bytes).substr(piece.begin, piece.size()), piece.begin, scratch.pieces);
  std::swap(pieces, scratch.pieces);
}

void Apply(const WhitespaceSplit& /*step*/, AlignedText& text, Pieces& pieces, Scratch& scratch) {
  SplitEach(text, pieces, scratch, [](std::string_view piece, std::size_t offset, Pieces& out) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < piece.size();) {
      const auto byte = static_cast<unsigned char>(piece[i]);
      const DecodedCharacter decoded = byte < 0x80 ? DecodedCharacter{byte, 1} : DecodeUtf8(piece, i);
      if (IsWhiteSpace(decoded.character)) {
        AppendIfAny({offset + begin, offset + i}, out);
        begin = i + decoded.length;
      }
      i += decoded.length;
    }
    AppendIfAny({offset + begin, offset + piece.size()}, out);
  });
}

void Apply(const Metaspace& metaspace, AlignedText& text, Pieces& pieces, Scratch& scratch) {
  const Utf8Character utf8 = ToUtf8(metaspace.replacement);
  const std::string_view replacement = utf8;
  AlignedText& out = scratch.text;
  out.Clear(text.tracks_sources);
  scratch.pieces.clear();
  for (const ByteRange& piece : pieces) {
    const std::string_view bytes = std::string_view(text.bytes).substr(piece.begin, piece.size());
    const std::size_t out_begin = out.bytes.size();
    const std::size_t first_length = DecodeUtf8(bytes, 0).length;
    const bool is_first = metaspace.prepend_scheme == Metaspace::PrependScheme::kFirst && text.tracks_sources &&
                          text.sources[piece.begin].begin == 0;
    if ((metaspace.prepend_scheme == Metaspace::PrependScheme::kAlways || is_first) && bytes[0] != ' ' &&
        !bytes.starts_with(replacement)) {
      out.Append(replacement, text.Source(piece.begin, piece.begin + first_length));
    }
    std::size_t copied = piece.begin;
    for (std::size_t i = piece.begin; i < piece.end; ++i) {
      if (text.bytes[i] != ' ') continue;
      out.AppendFrom(text, copied, i);
      out.Append(replacement, text.Source(i, i + 1));
      copied = i + 1;
    }
    out.AppendFrom(text, copied, piece.end);

    std::size_t begin = out_begin;
    if (metaspace.split) {
      for (std::size_t at = out_begin + 1; (at = out.bytes.find(replacement, at)) != std::string::npos;
           at += replacement.size()) {
        AppendIfAny({begin, at}, scratch.pieces);
        begin = at;
      }
    }
    AppendIfAny({begin, out.bytes.size()}, scratch.pieces);
  }
  std::swap(text, out);
  std::swap(pieces, scratch.pieces);
}

void Apply(const SplitAt& split, AlignedText& text, Pieces& pieces, Scratch& scratch) {
  using Behavior = SplitAt::Behavior;
  SplitEach(text, pieces, scratch, [&split](std::string_view piece, std::size_t offset, Pieces& out) {
    bool before_was_match = false;
    bool any = false;
    std::size_t open = 0;  // the begin of a part that is not yet appended
    auto close = [&](std::size_t end) {
      AppendIfAny({offset + open, offset + end}, out);
      open = end;
    };
    auto part = [&](std::size_t begin, std::size_t end, bool is_match) {
      if (begin == end) return;
      switch (split.behavior) {
        case Behavior::kRemoved:
          open = begin;
          if (is_match) {
            open = end;
          } else {
            close(end);
          }
          break;
        case Behavior::kIsolated:
          close(end);
          break;
        case Behavior::kMergedWithPrevious:
          if (any && !(is_match && !before_was_match)) close(begin);
          break;
        case Behavior::kMergedWithNext:
          if (any && !(before_was_match && !is_match)) close(begin);
          break;
        case Behavior::kContiguous:
          if (any && is_match != before_was_match) close(begin);
          break;
      }
      any = true;
      before_was_match = is_match;
    };
    std::size_t done = 0;
    for (std::size_t at = 0; (at = piece.find(split.pattern, at)) != std::string_view::npos; at = done) {
      part(done, at, split.invert);
      done = at + split.pattern.size();
      part(at, done, !split.invert);
    }
    part(done, piece.size(), split.invert);
    close(piece.size());
  });
}

std::size_t EndOfPiece(PieceGrammar grammar, std::string_view text, std::size_t begin) {
  const CharClasses& classes = CharClasses::Unicode16();  // as in the Oniguruma of the reference
  switch (grammar) {
    case PieceGrammar::kGpt2:
      return PieceEnd<PieceGrammar::kGpt2>(classes, text, begin);
    case PieceGrammar::kCl100k:
      return PieceEnd<PieceGrammar::kCl100k>(classes, text, begin);
    case PieceGrammar::kQwen:
      return PieceEnd<PieceGrammar::kQwen>(classes, text, begin);
    case PieceGrammar::kO200k:
      return PieceEnd<PieceGrammar::kO200k>(classes, text, begin);
  }
  return text.size();
}

/// tiktoken takes white space at the end of a text as one piece, the patterns in tokenizer.json only what is after its last
/// line feed or carriage return.
std::size_t EndOfLastLine(std::string_view text, std::size_t begin) {
  std::size_t after_line = text.size();
  for (std::size_t i = begin; i < text.size();) {
    const DecodedCharacter decoded = DecodeUtf8(text, i);
    if (!IsWhiteSpace(decoded.character)) return text.size();
    i += decoded.length;
    if (decoded.character == '\n' || decoded.character == '\r') after_line = i;
  }
  return after_line;
}

void Apply(const SplitPieces& split, AlignedText& text, Pieces& pieces, Scratch& scratch) {
  SplitEach(text, pieces, scratch, [&split](std::string_view piece, std::size_t offset, Pieces& out) {
    for (std::size_t begin = 0; begin < piece.size();) {
      std::size_t end = EndOfPiece(split.grammar, piece, begin);
      if (end == piece.size() && split.grammar != PieceGrammar::kGpt2) end = EndOfLastLine(piece, begin);
      out.push_back({offset + begin, offset + end});
      begin = end;
    }
  });
}

void Apply(const PrefixSpace& /*step*/, AlignedText& text, Pieces& pieces, Scratch& scratch) {
  AlignedText& out = scratch.text;
  out.Clear(text.tracks_sources);
  for (ByteRange& piece : pieces) {
    const std::size_t begin = out.bytes.size();
    if (text.bytes[piece.begin] != ' ')
      out.Append(" ", text.Source(piece.begin, piece.begin + DecodeUtf8(text.bytes, piece.begin).length));
    out.AppendFrom(text, piece.begin, piece.end);
    piece = {begin, out.bytes.size()};
  }
  std::swap(text, out);
}

}  // namespace

void PreTokenizer::Apply(AlignedText& text, std::vector<ByteRange>& pieces, Scratch& scratch) const {
  pieces.assign(1, {0, text.bytes.size()});
  for (const PreTokenizerStep& step : steps_)
    std::visit([&](const auto& each) { internal::Apply(each, text, pieces, scratch); }, step);
}

}  // namespace ragpipe::text::internal
