// A glob, a NUL and a path: matching the path at once is matching it part by part.
#include "fs/glob.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/input.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::string glob(input.TakeBefore('\0'));
  const auto compiled = ragpipe::fs::GlobSet::Compile(std::span(&glob, 1));
  if (!compiled.ok()) return 0;
  const std::string_view path = input.rest();
  auto state = compiled->Start();
  const std::size_t first = std::min(path.find('/') + 1, path.size());
  compiled->Advance(state, path.substr(0, first));
  const bool everything = compiled->AcceptsEverythingBelow(state);
  const bool dead = ragpipe::fs::GlobSet::IsDead(state);
  compiled->Advance(state, path.substr(first));
  const bool matches = compiled->Matches(path);
  FUZZ_REQUIRE(compiled->Accepts(state) == matches);
  FUZZ_REQUIRE(!(dead && matches));
  if (everything && first < path.size()) FUZZ_REQUIRE(matches);
  return 0;
}
