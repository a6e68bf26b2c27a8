// Any bytes as a safetensors file: an error, or tensors within it; and as a table of vectors, whose every row can be read.
#include "embed/safetensors.h"

#include <numeric>
#include <string_view>
#include <vector>

#include "embed/static_table.h"
#include "fuzz/input.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace embed = ragpipe::embed::internal;
  Input input(data, size);
  const std::size_t vocabulary_size = 1 + input.Choose(8);
  const std::string_view file = input.rest();
  if (const auto tensors = embed::ParseSafetensors(file); tensors.ok()) {
    for (const auto& [name, tensor] : *tensors) {
      FUZZ_REQUIRE(tensor.bytes.empty() || (tensor.bytes.data() >= file.data() &&
                                            tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size()));
    }
  }
  const auto table = embed::StaticTable::Parse(file, vocabulary_size);
  if (!table.ok()) return 0;
  std::vector<std::uint32_t> all(vocabulary_size);
  std::iota(all.begin(), all.end(), 0U);
  std::vector<float> sum(table->dimension());
  table->Sum(all, sum);
  return 0;
}
