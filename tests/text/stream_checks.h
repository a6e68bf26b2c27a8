#pragma once

#include <cstddef>
#include <random>

#include "ragpipe/chunker.h"
#include "ragpipe/document.h"

/// Requires that SplitStream() gives the chunks of Split(), each with its text, whatever the parts that the text comes in. The
/// result is how many of them it gave before it had read all of the text.
std::size_t CheckStream(const ragpipe::Chunker& chunker, const ragpipe::Document& document, std::mt19937_64& random);

/// The most bytes that the chunker holds: those it has read, and not given in a chunk yet. Requires that the chunks tile the
/// text.
std::size_t MostBytesHeld(const ragpipe::Chunker& chunker, const ragpipe::Document& document);
