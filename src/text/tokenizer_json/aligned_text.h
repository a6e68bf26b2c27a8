#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"

namespace ragpipe::text::internal {

/// Text on its way through normalizers and pre-tokenizers, and where each of its bytes came from.
struct AlignedText {
  std::string bytes;
  std::vector<ByteRange> sources;  ///< of each byte; empty when nobody asks
  bool tracks_sources = false;

  void Clear(bool tracks) {
    bytes.clear();
    sources.clear();
    tracks_sources = tracks;
  }

  void Append(std::string_view text, ByteRange source) {
    bytes.append(text);
    if (tracks_sources) sources.insert(sources.end(), text.size(), source);
  }

  /// Bytes as they are in `from`.
  void AppendFrom(const AlignedText& from, std::size_t begin, std::size_t end) {
    bytes.append(from.bytes, begin, end - begin);
    if (tracks_sources) {
      sources.insert(sources.end(), from.sources.begin() + static_cast<std::ptrdiff_t>(begin),
                     from.sources.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }

  /// What bytes [begin, end), at least one, came from.
  ByteRange Source(std::size_t begin, std::size_t end) const {
    if (!tracks_sources) return {};
    ByteRange source = sources[begin];
    for (std::size_t i = begin + 1; i < end; ++i) {  // canonical ordering may have moved marks
      source.begin = std::min(source.begin, sources[i].begin);
      source.end = std::max(source.end, sources[i].end);
    }
    return source;
  }
};

}  // namespace ragpipe::text::internal
