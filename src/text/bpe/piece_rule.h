#pragma once

#include <cstddef>
#include <string_view>

#include "text/bpe/char_classes.h"

namespace ragpipe::text::internal {

/// How a text is cut into pieces before tokens are formed inside them. Named after the encoding that brought it.
enum class PieceGrammar {
  kGpt2,    ///< r50k_base, p50k_base
  kCl100k,  ///< cl100k_base, Llama 3
  kQwen,    ///< as kCl100k, with single digits
  kO200k,   ///< o200k_base
};

/// The end of the piece that begins at `begin` < text.size(), where a piece begins. `text` is well-formed UTF-8.
/// This is the definition; the block scanner is the same, faster.
/// Source: the patterns of tiktoken 0.14, tiktoken_ext/openai_public.py, alternative by alternative.
template <PieceGrammar grammar>
std::size_t PieceEnd(const CharClasses& classes, std::string_view text, std::size_t begin);

extern template std::size_t PieceEnd<PieceGrammar::kGpt2>(const CharClasses&, std::string_view, std::size_t);
extern template std::size_t PieceEnd<PieceGrammar::kCl100k>(const CharClasses&, std::string_view, std::size_t);
extern template std::size_t PieceEnd<PieceGrammar::kQwen>(const CharClasses&, std::string_view, std::size_t);
extern template std::size_t PieceEnd<PieceGrammar::kO200k>(const CharClasses&, std::string_view, std::size_t);

}  // namespace ragpipe::text::internal
