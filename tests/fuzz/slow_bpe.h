#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// Byte-level BPE as tiktoken defines it, in the plainest words: slow, and short enough to be checked by reading it.

using Ranks = std::unordered_map<std::string, std::uint32_t>;

/// Appends a piece that is a token; else its bytes, of which the leftmost pair of lowest rank is merged until there is none.
/// `ranks` has the 256 bytes.
void EncodePieceSlowly(const Ranks& ranks, const std::string& piece, std::vector<std::uint32_t>& ids);

/// The pieces of valid UTF-8 under a pattern of tiktoken_ext/openai_public.py in ICU's words.
std::vector<std::string> SplitPiecesSlowly(std::string_view text, std::string_view pattern);
