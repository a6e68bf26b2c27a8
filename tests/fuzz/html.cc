// Any text as HTML: what is read has a true map to the source, and chunks of it show all that was read.
#include <string>
#include <string_view>

#include "fuzz/chunker_laws.h"
#include "ragpipe/text/html_chunker.h"

namespace {

void RequireTrueMap(std::string_view html, const ragpipe::text::HtmlText& seen) {
  const std::string_view text = seen.text;
  std::size_t html_at = 0;
  std::size_t text_at = 0;
  for (const auto& edit : seen.map.edits()) {
    FUZZ_REQUIRE(edit.source.begin >= html_at && edit.source.end >= edit.source.begin);
    FUZZ_REQUIRE(edit.text.begin >= text_at && edit.text.end >= edit.text.begin);
    FUZZ_REQUIRE(html.substr(html_at, edit.source.begin - html_at) == text.substr(text_at, edit.text.begin - text_at));
    html_at = edit.source.end;
    text_at = edit.text.end;
  }
  FUZZ_REQUIRE(html.substr(html_at) == text.substr(text_at));
  std::size_t end = 0;
  for (const ragpipe::ByteRange& range : seen.dropped) {
    FUZZ_REQUIRE(range.begin >= end && range.end >= range.begin && range.end <= html.size());
    end = range.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const bool drop_boilerplate = input.Choose(2) == 1;
  const ChunkerChoices choices(input);
  RequireTrueMap(input.rest(), ragpipe::text::ReadHtml(input.rest(), drop_boilerplate));

  ragpipe::Document document;
  document.text = ValidUtf8(input.rest());
  document.media_type = "text/html";
  const auto seen = ragpipe::text::ReadHtml(document.text, drop_boilerplate);
  RequireTrueMap(document.text, seen);
  const auto chunker = MustCreate(ragpipe::text::HtmlChunker::Create(
      choices.tokenizer, {.max_tokens = choices.max_tokens, .drop_boilerplate = drop_boilerplate}));
  const auto chunks = chunker.Split(document);
  if (!chunks.ok()) {
    FUZZ_REQUIRE(chunks.status().code() == absl::StatusCode::kOutOfRange);
    return 0;
  }
  std::string text;
  std::size_t end = 0;
  for (const ragpipe::Chunk& chunk : *chunks) {
    FUZZ_REQUIRE(chunk.range.begin == end && chunk.range.end >= end);
    FUZZ_REQUIRE(chunk.text.has_value());
    FUZZ_REQUIRE(chunk.tokens == choices.tokenizer->Count(chunk.context + *chunk.text));
    FUZZ_REQUIRE(chunk.tokens <= choices.max_tokens);
    text += *chunk.text;
    end = chunk.range.end;
  }
  FUZZ_REQUIRE(text == seen.text);
  FUZZ_REQUIRE(chunks->empty() || end == document.text.size());
  return 0;
}
