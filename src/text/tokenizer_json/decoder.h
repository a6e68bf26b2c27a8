#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "text/tokenizer_json/normalizer.h"
#include "text/tokenizer_json/pre_tokenizer.h"

namespace ragpipe::text::internal {

// The decoders of a tokenizer.json. Each makes of the strings of all tokens those for the next decoder.

/// The characters of each token stand for bytes, as in GPT-2.
struct DecodeByteLevel {};
/// "<0x00>" and so on are bytes.
struct DecodeByteFallback {};
struct DecodeFuse {};

struct DecodeMetaspace {
  char32_t replacement = 0x2581;
  bool drops_first = true;  ///< no space at the very beginning
};

struct DecodeWordPiece {
  std::string prefix;
  bool cleanup = false;
};

/// Up to so many of the character at the beginning and at the end of each token.
struct DecodeStrip {
  char32_t character = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

using DecoderStep =
    std::variant<DecodeByteLevel, DecodeByteFallback, DecodeFuse, DecodeMetaspace, DecodeWordPiece, DecodeStrip, Replace>;

/// The text that the tokens stand for; with spaces between them where there is no decoder at all.
std::string DecodeTokens(std::vector<std::string> tokens, const std::vector<DecoderStep>& steps, bool has_decoder);

/// The byte that a character stands for in a byte-level vocabulary, or -1.
int ByteOfCharacter(char32_t c);

}  // namespace ragpipe::text::internal
