#include "stream_checks.h"

#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"

using ragpipe::Chunk;
using ragpipe::Chunker;
using ragpipe::Document;

namespace {

struct Taken {
  Chunk chunk;
  std::string text;
  bool is_early = false;  // there was more to read
};

std::string Line(const Taken& taken) {
  const Chunk& chunk = taken.chunk;
  return fmt::format("[{}, {}) overlap {} tokens {}{} headings '{}' context '{}' text '{}'", chunk.range.begin, chunk.range.end,
                     chunk.overlap, chunk.tokens, chunk.tokens_are_estimated ? " estimated" : "",
                     fmt::join(chunk.headings, "' '"), chunk.context, chunk.text.value_or(taken.text));
}

// Chunks of `text` in parts of 1 to `max_part` bytes.
std::vector<Taken> Stream(const Chunker& chunker, const Document& document, std::mt19937_64& random, std::size_t max_part) {
  Document rest = document;
  rest.text.clear();
  std::size_t at = 0;
  std::string part;
  std::vector<Taken> taken;
  const absl::Status status = chunker.SplitStream(
      rest,
      [&]() -> absl::StatusOr<std::string_view> {
        part = document.text.substr(at, 1 + random() % max_part);
        at += part.size();
        return std::string_view(part);
      },
      [&](const Chunk& chunk, std::string_view text) {
        taken.push_back({chunk, std::string(text), at < document.text.size()});
        return absl::OkStatus();
      });
  REQUIRE_OK(status);
  return taken;
}

std::vector<Taken> Whole(const Chunker& chunker, const Document& document) {
  const auto chunks = chunker.Split(document);
  REQUIRE_OK(chunks);
  std::vector<Taken> taken;
  for (const Chunk& chunk : *chunks) {
    const std::size_t begin = chunk.range.begin - chunk.overlap;
    taken.push_back({chunk, document.text.substr(begin, chunk.range.end - begin)});
  }
  return taken;
}

}  // namespace

std::size_t CheckStream(const Chunker& chunker, const Document& document, std::mt19937_64& random) {
  const std::vector<Taken> expected = Whole(chunker, document);
  std::size_t early = 0;
  for (const std::size_t max_part : {std::size_t{7000}, std::size_t{100000}}) {
    const std::vector<Taken> taken = Stream(chunker, document, random, max_part);
    for (std::size_t i = 0; i < std::min(taken.size(), expected.size()); ++i) {
      if (Line(taken[i]) != Line(expected[i])) {
        FAIL("chunk " << i << " of " << expected.size() << ": " << Line(taken[i]) << " instead of " << Line(expected[i]));
      }
    }
    REQUIRE(taken.size() == expected.size());
    for (const Taken& chunk : taken) early += chunk.is_early ? 1 : 0;
  }
  return early / 2;
}

std::size_t MostBytesHeld(const Chunker& chunker, const Document& document) {
  const std::string_view text = document.text;
  std::size_t read = 0;
  std::size_t most = 0;
  std::size_t end = 0;
  Document rest = document;
  rest.text.clear();
  REQUIRE_OK(chunker.SplitStream(
      rest,
      [&]() -> absl::StatusOr<std::string_view> {
        const std::string_view part = text.substr(read, 1000);
        read += part.size();
        most = std::max(most, read - end);
        return part;
      },
      [&](const Chunk& chunk, std::string_view bytes) {
        REQUIRE(chunk.range.begin == end);
        REQUIRE(bytes == text.substr(chunk.range.begin - chunk.overlap, chunk.range.size() + chunk.overlap));
        end = chunk.range.end;
        return absl::OkStatus();
      }));
  CHECK(end == text.size());
  return most;
}
