#include <cstdio>

#include "ragpipe/adapters.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"

namespace {

class OneChunk final : public ragpipe::Chunker {
 public:
  absl::StatusOr<std::vector<ragpipe::Chunk>> Split(const ragpipe::Document& document) const override {
    ragpipe::Chunk chunk;
    chunk.range = {0, document.text.size()};
    return std::vector<ragpipe::Chunk>{chunk};
  }
  std::string Fingerprint() const override { return "one-chunk"; }
};

}  // namespace

int main() {
  ragpipe::testing::MemorySource source;
  source.Put("a", "text");
  ragpipe::FunctionEmbedder embedder("ones", 2, [](const ragpipe::EmbedRequest& request) {
    return std::vector<std::vector<float>>(request.texts.size(), {1.0F, 1.0F});
  });
  ragpipe::testing::MemoryStore store;
  ragpipe::Pipeline pipeline{source, OneChunk{}, embedder, store.sink(), store.checkpoint()};
  ragpipe::RunReport report;
  const absl::Status status = pipeline.Run(report);
  std::printf("%s\n", status.ToString().c_str());
  return status.ok() && store.records().size() == 1 ? 0 : 1;
}
