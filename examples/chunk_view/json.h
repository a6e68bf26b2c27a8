#pragma once

#include <string>
#include <string_view>

#include "ragpipe/chunk.h"

/// `text` is what is embedded after the context: overlap and own bytes, or what stands for them.
std::string EmbeddedText(std::string_view document, const ragpipe::Chunk& chunk);

/// One line: {"begin":0,"end":9,"tokens":3,"overlap":0,"context":"","headings":[],"text":"..."}. Bytes that are not UTF-8
/// become U+FFFD.
std::string ToJsonLine(std::string_view document, const ragpipe::Chunk& chunk);

/// In double quotes.
std::string JsonString(std::string_view text);
