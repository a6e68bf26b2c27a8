// Any bytes through up to four steps of Normalize(): the map is true, and the steps at once are the steps one after another.
#include "ragpipe/text/normalize.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ragpipe::text::NormalizationStep;
  static constexpr NormalizationStep kSteps[] = {NormalizationStep::kLineEnds, NormalizationStep::kNfc,
                                                 NormalizationStep::kInvisible, NormalizationStep::kWhiteSpace};
  Input input(data, size);
  std::vector<NormalizationStep> steps;
  for (std::size_t n = 1 + input.Choose(4); n > 0; --n) steps.push_back(kSteps[input.Choose(4)]);
  const std::string_view source = input.rest();
  const auto normalized = ragpipe::text::Normalize(source, steps);
  FUZZ_REQUIRE(normalized.ok());

  const std::string_view text = normalized->text;
  std::size_t source_at = 0;
  std::size_t text_at = 0;
  for (const auto& edit : normalized->map.edits()) {
    FUZZ_REQUIRE(edit.source.begin >= source_at && edit.source.end >= edit.source.begin);
    FUZZ_REQUIRE(edit.text.begin >= text_at && edit.text.end >= edit.text.begin);
    FUZZ_REQUIRE(source.substr(source_at, edit.source.begin - source_at) == text.substr(text_at, edit.text.begin - text_at));
    source_at = edit.source.end;
    text_at = edit.text.end;
  }
  FUZZ_REQUIRE(source.substr(source_at) == text.substr(text_at));

  std::string by_steps(source);
  for (const NormalizationStep& step : steps) {
    const auto next = ragpipe::text::Normalize(by_steps, std::span(&step, 1));
    FUZZ_REQUIRE(next.ok());
    by_steps = next->text;
  }
  FUZZ_REQUIRE(by_steps == text);
  return 0;
}
