#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "ragpipe/chunk.h"

struct ChunkedBy {
  std::string chunker;
  std::vector<ragpipe::Chunk> chunks;
};

struct ChunkedFile {
  std::string path;
  std::string text;
  std::vector<ChunkedBy> columns;  ///< one chunker, or two side by side
};

/// Writes one HTML page that needs nothing else.
void WritePage(const std::vector<ChunkedFile>& files, std::size_t max_tokens, const std::string& tokenizer, std::ostream& out);
