// The template: what it owns, what it borrows, and the types it hands out.
#include <memory>
#include <type_traits>

#include "engine/rig.h"
#include "ragpipe/adapters.h"
#include "ragpipe/ragpipe.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

FunctionSource OneDocument() {
  return FunctionSource("one", []() -> absl::StatusOr<std::vector<Document>> {
    Document document;
    document.id = "a";
    document.text = "text";
    return std::vector{document};
  });
}

class Immovable final : public Chunker {
 public:
  explicit Immovable(int& destroyed) : destroyed_(destroyed) {}
  Immovable(const Immovable&) = delete;
  Immovable& operator=(const Immovable&) = delete;
  ~Immovable() override { ++destroyed_; }
  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override { return inner_.Split(document); }
  std::string Fingerprint() const override { return "immovable"; }
  int twice(int x) const { return 2 * x; }

 private:
  ParagraphChunker inner_;
  int& destroyed_;
};

struct NoStage {};
static_assert(StageOf<FunctionSource, Source>);
static_assert(StageOf<FunctionSource&, Source>);
static_assert(StageOf<std::unique_ptr<Immovable>, Chunker>);
static_assert(StageOf<Immovable&, Chunker>);
static_assert(!StageOf<Immovable, Chunker>);
static_assert(!StageOf<NoStage, Chunker>);
static_assert(!StageOf<FunctionSource, Chunker>);

}  // namespace

TEST_CASE("stages are owned when given by value or unique_ptr and borrowed when given by name") {
  int destroyed = 0;
  MemoryStore store;
  HashEmbedder embedder;
  {
    Pipeline pipeline{OneDocument(), std::make_unique<Immovable>(destroyed), embedder, store.sink(), store.checkpoint()};
    static_assert(std::is_same_v<decltype(pipeline.source()), FunctionSource&>);
    static_assert(std::is_same_v<decltype(pipeline.chunker()), Immovable&>);
    static_assert(std::is_same_v<decltype(pipeline.embedder()), HashEmbedder&>);
    CHECK(&pipeline.embedder() == &embedder);
    CHECK(pipeline.chunker().twice(21) == 42);
    RunReport report;
    REQUIRE_OK(pipeline.Run(report));
    CHECK(report.complete);
    CHECK(destroyed == 0);
  }
  CHECK(destroyed == 1);
  CHECK(store.records().size() == 1);
}

TEST_CASE("a pipeline of lambdas alone") {
  std::vector<std::string> written;
  std::vector<PartitionCursor> cursors;
  Pipeline pipeline{
      OneDocument(),
      FunctionChunker("whole", [](const Document& document) -> absl::StatusOr<std::vector<Chunk>> {
        Chunk chunk;
        chunk.range = {0, document.text.size()};
        chunk.tokens = 1;
        return std::vector{chunk};
      }),
      FunctionEmbedder("ones", 2, [](const EmbedRequest& request) -> absl::StatusOr<std::vector<std::vector<float>>> {
        return std::vector<std::vector<float>>(request.texts.size(), {1.0F, 1.0F});
      }),
      FunctionSink([&](std::span<const DocumentWrite> writes) {
        for (const DocumentWrite& write : writes) {
          for (const Record& record : write.upserts) written.emplace_back(record.text);
        }
        return absl::OkStatus();
      }),
      FunctionCheckpoint([&](std::string_view) { return cursors; },
                         [&](const CommitRequest& request) {
                           cursors.assign(request.cursors.begin(), request.cursors.end());
                           return absl::OkStatus();
                         })};
  RunReport report;
  REQUIRE_OK(pipeline.Run(report));
  CHECK(report.complete);
  CHECK(written == std::vector<std::string>{"text"});
}

TEST_CASE("a count that is an estimate says so in the report and in the index") {
  MemoryStore store;
  HashEmbedder embedder;
  const bool estimates = GENERATE(false, true);
  FunctionChunker chunker("whole", [estimates](const Document& document) -> absl::StatusOr<std::vector<Chunk>> {
    return std::vector{Chunk{.range = {0, document.text.size()}, .tokens = 1, .tokens_are_estimated = estimates}};
  });
  Pipeline pipeline{OneDocument(), chunker, embedder, store.sink(), store.checkpoint()};
  RunReport report;
  REQUIRE_OK(pipeline.Run(report));
  CHECK(report.embed.tokens == 1);
  CHECK(report.embed.tokens_are_estimated == estimates);
  REQUIRE(store.records().size() == 1);
  CHECK(store.records().begin()->second.chunk.tokens_are_estimated == estimates);
  REQUIRE_OK(pipeline.Run(report));
  CHECK_FALSE(report.embed.tokens_are_estimated);  // nothing was embedded
}
