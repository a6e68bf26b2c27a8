#include "ragpipe/text/normalize.h"

#include <absl/status/status.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "chunk_checks.h"
#include "core/utf8.h"
#include "ragpipe/text/normalizing_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::ByteRange;
using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::NormalizationStep;
using ragpipe::text::Normalize;
using ragpipe::text::NormalizedText;
using ragpipe::text::NormalizingChunker;
using ragpipe::text::OffsetMap;
using ragpipe::text::RecursiveChunker;

namespace {

NormalizedText Apply(const std::string& text, std::vector<NormalizationStep> steps) {
  auto result = Normalize(text, steps);
  REQUIRE_OK(result);
  return *std::move(result);
}

// The first way in which the map lies, in words.
std::string FindFault(std::string_view source, const NormalizedText& normalized) {
  std::size_t source_at = 0;
  std::size_t text_at = 0;
  for (const OffsetMap::Edit& edit : normalized.map.edits()) {
    if (edit.source.begin < source_at || edit.text.begin < text_at) return "edits out of order";
    const std::size_t same = edit.source.begin - source_at;
    if (same != edit.text.begin - text_at) return "a run between edits is not of one length";
    if (source.substr(source_at, same) != std::string_view(normalized.text).substr(text_at, same)) return "a run differs";
    source_at = edit.source.end;
    text_at = edit.text.end;
  }
  if (source.substr(source_at) != std::string_view(normalized.text).substr(text_at)) return "the end differs";
  std::size_t last = 0;
  for (std::size_t i = 0; i <= normalized.text.size(); ++i) {
    const std::size_t at = normalized.map.ToSource(i);
    if (at < last || at > source.size()) return "places are not in order";
    last = at;
  }
  return "";
}

}  // namespace

TEST_CASE("Each step does what it is called", "[normalize]") {
  CHECK(Apply("a\r\nb\rc\nd\r\r\n", {NormalizationStep::kLineEnds}).text == "a\nb\nc\nd\n\n");
  CHECK(Apply("e\xCC\x81 \xE2\x84\xAB", {NormalizationStep::kNfc}).text == "\xC3\xA9 \xC3\x85");
  CHECK(Apply("\xEF\xBB\xBFso\xC2\xAD" "ft\xE2\x80\x8B \xE2\x80\xAE\xD8\x9Cx\xE2\x81\xA0\xE2\x80\x93",
              {NormalizationStep::kInvisible})
            .text == "soft x\xE2\x80\x93");
  CHECK(Apply("  a \t b\xC2\xA0\n  c\n\n\n \nd  ", {NormalizationStep::kWhiteSpace}).text == "a b\nc\n\nd");
  CHECK(Apply("plain text", {NormalizationStep::kLineEnds, NormalizationStep::kNfc}).map.edits().empty());
  CHECK(Apply("", {NormalizationStep::kWhiteSpace}).text.empty());
}

TEST_CASE("A place in the normalized text is known in the source", "[normalize]") {
  const NormalizedText text =
      Apply("a\r\nbe\xCC\x81  c", {NormalizationStep::kLineEnds, NormalizationStep::kNfc, NormalizationStep::kWhiteSpace});
  REQUIRE(text.text == "a\nb\xC3\xA9 c");
  CHECK(text.map.ToSource(0) == 0);
  CHECK(text.map.ToSource(1) == 1);
  CHECK(text.map.ToSource(2) == 3);
  CHECK(text.map.ToSource(3) == 4);
  CHECK(text.map.ToSource(4) == 4);  // inside the letter
  CHECK(text.map.ToSource(5) == 7);
  CHECK(text.map.ToSource(6) == 9);
  CHECK(text.map.ToSource(ByteRange{6, 7}) == ByteRange{9, 10});
}

TEST_CASE("Maps are true for any text and any steps", "[normalize]") {
  RAGPIPE_RANDOM_TEST(random);
  const std::vector<std::string> fragments = {"a",
                                              "word",
                                              " ",
                                              "  ",
                                              "\t",
                                              "\n",
                                              "\r\n",
                                              "\r",
                                              "\n\n\n",
                                              "e\xCC\x81",
                                              "\xCC\x81",
                                              "\xC3\xA9",
                                              "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",
                                              "\xC2\xAD",
                                              "\xE2\x80\x8B",
                                              "\xEF\xBB\xBF",
                                              "\xC2\xA0",
                                              "\xE2\x84\xAB",
                                              "\xE2\x80\x8D",
                                              "\xF0\x9F\x91\xA8",
                                              "\xE2\x80\x93"};
  constexpr NormalizationStep kSteps[] = {NormalizationStep::kLineEnds, NormalizationStep::kNfc, NormalizationStep::kInvisible,
                                          NormalizationStep::kWhiteSpace};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t n = random() % 30; n > 0; --n) text += fragments[random() % fragments.size()];
    std::vector<NormalizationStep> steps;
    for (std::size_t n = 1 + random() % 4; n > 0; --n) steps.push_back(kSteps[random() % std::size(kSteps)]);
    CAPTURE(text);
    const NormalizedText normalized = Apply(text, steps);
    REQUIRE(FindFault(text, normalized) == "");
    REQUIRE(ragpipe::internal::FindInvalidUtf8(normalized.text) == std::string::npos);
    std::string by_steps = text;
    for (const NormalizationStep step : steps) by_steps = Apply(by_steps, {step}).text;
    REQUIRE(by_steps == normalized.text);

    // A chunker of normalized text tiles the document as it was.
    const auto inner = RecursiveChunker::Create(WordTokens(), {.max_tokens = 5, .overlap_tokens = random() % 3});
    REQUIRE_OK(inner);
    const auto chunker = NormalizingChunker::Create(std::make_shared<RecursiveChunker>(*inner), steps);
    REQUIRE_OK(chunker);
    Document document;
    document.text = text;
    const auto chunks = chunker->Split(document);
    REQUIRE_OK(chunks);
    std::size_t at = 0;
    for (const Chunk& chunk : *chunks) {
      REQUIRE(chunk.range.begin == at);
      REQUIRE(chunk.overlap <= at);
      REQUIRE(ragpipe::internal::IsCodePointBoundary(text, at));
      REQUIRE(chunk.tokens == WordTokens()->Count(EmbeddedText(text, chunk)));
      at = chunk.range.end;
    }
    if (!normalized.text.empty()) REQUIRE(at == text.size());
  }
}

TEST_CASE("A normalizing chunker says what it does", "[normalize]") {
  const auto inner = std::make_shared<RecursiveChunker>(*RecursiveChunker::Create(WordTokens(), {.max_tokens = 5}));
  CHECK(NormalizingChunker::Create(nullptr, {NormalizationStep::kNfc}).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(NormalizingChunker::Create(inner, {}).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(NormalizingChunker::Create(inner, {NormalizationStep::kNfc})->Fingerprint() !=
        NormalizingChunker::Create(inner, {NormalizationStep::kLineEnds})->Fingerprint());
}
