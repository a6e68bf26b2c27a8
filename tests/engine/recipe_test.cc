// The recipe: an index of one model or chunker never gets records of another unnoticed.
#include <string>

#include "engine/rig.h"
#include "ragpipe/adapters.h"
#include "ragpipe/retriever.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

absl::Status RunWith(Rig& rig, Chunker& chunker, Embedder& embedder) {
  Pipeline pipeline{rig.source, chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  const absl::Status status = pipeline.Run(rig.report);
  CheckReport(rig.report);
  return status;
}

}  // namespace

TEST_CASE("a changed recipe is refused by an error that names what changed") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  const auto before = rig.store.records();
  absl::Status status;
  std::string expected;
  SECTION("another model of the same dimension") {
    HashEmbedder other({.fingerprint = "another model"});
    status = RunWith(rig, rig.chunker, other);
    expected = "embedder was";
  }
  SECTION("another dimension") {
    HashEmbedder other({.dimension = 8});
    status = RunWith(rig, rig.chunker, other);
    expected = "dimension was '16', is '8'";
  }
  SECTION("another chunker") {
    FunctionChunker other("another chunker", [&](const Document& document) { return rig.chunker.Split(document); });
    status = RunWith(rig, other, rig.embedder);
    expected = "is 'another chunker'";
  }
  SECTION("another metric") {
    rig.options.metric = Metric::kDot;
    status = rig.Run();
    expected = "metric was 'cosine', is 'dot'";
  }
  SECTION("other record ids") {
    rig.options.record_ids = RecordIds::kDocumentIndex;
    status = rig.Run();
    expected = "schema was";
  }
  CHECK(absl::IsFailedPrecondition(status));
  INFO(status.ToString());
  CHECK(std::string(status.message()).find(expected) != std::string::npos);
  CHECK(rig.report.documents.seen == 0);
  CHECK(rig.store.records() == before);
}

TEST_CASE("a rebuild drops the old records and ingests everything anew") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  for (int i = 0; i < 30; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  HashEmbedder other({.dimension = 8, .fingerprint = "another model"});
  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  REQUIRE_OK(RunWith(rig, rig.chunker, other));
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.processed == 30);  // the cursor was dropped too
  CHECK(rig.report.embed.texts == 30);
  CHECK(rig.store.records().size() == 30);
  for (const auto& [id, record] : rig.store.records()) CHECK(record.vector.size() == 8);

  REQUIRE_OK(RunWith(rig, rig.chunker, other));
  CHECK(rig.report.documents.seen == 0);
}

TEST_CASE("the allowance to rebuild does nothing while the recipe is the same") {
  Rig rig;
  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
}

TEST_CASE("a sink that keeps no recipe is guarded by the checkpoint's") {
  Rig rig;
  FunctionSink sink([](std::span<const DocumentWrite>) { return absl::OkStatus(); });
  rig.source.Put("a", "text");
  HashEmbedder other({.fingerprint = "another model"});
  Pipeline first{rig.source, rig.chunker, rig.embedder, sink, rig.store.checkpoint(), rig.options};
  REQUIRE_OK(first.Run(rig.report));
  Pipeline second{rig.source, rig.chunker, other, sink, rig.store.checkpoint(), rig.options};
  CHECK(absl::IsFailedPrecondition(second.Run(rig.report)));
}

TEST_CASE("a retriever answers with citations and refuses another embedder") {
  Rig rig;
  rig.source.Put("a", "apples are red\n\nthe sky is blue", {{"lang", std::string("en")}});
  rig.source.Put("b", "pears are green");
  CHECK(absl::IsNotFound(Retriever::Open(rig.store.index(), rig.embedder).status()));
  REQUIRE_OK(rig.Run());
  const auto retriever = Retriever::Open(rig.store.index(), rig.embedder);
  REQUIRE_OK(retriever);

  const auto hits = retriever->Search({.text = "what colour is the sky", .top_k = 1});
  REQUIRE_OK(hits);
  REQUIRE(hits->size() == 1);
  const Hit& hit = hits->front();
  CHECK(hit.document_id == "a");
  CHECK(hit.text == "the sky is blue");
  CHECK(hit.chunk.range == ByteRange{16, 31});
  CHECK(hit.position == 1);
  CHECK(hit.source == "memory");
  CHECK(std::get<std::string>(hit.metadata.at("lang")) == "en");

  const auto exact = retriever->Search({.text = "pears are green", .top_k = 1, .mode = SearchMode::kVector});
  REQUIRE_OK(exact);
  CHECK(exact->front().document_id == "b");
  CHECK(exact->front().vector_score == Approx(1.0));

  HashEmbedder same_dimension({.fingerprint = "another model"});
  const absl::Status refused = Retriever::Open(rig.store.index(), same_dimension).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(std::string(refused.message()).find("another model") != std::string::npos);

  CHECK(absl::IsInvalidArgument(retriever->Search({.text = " \n"}).status()));
  CHECK(absl::IsInvalidArgument(retriever->Search({.text = "\xFF"}).status()));
  CHECK(absl::IsInvalidArgument(retriever->Search({.text = "x", .top_k = 0}).status()));
  CHECK(absl::IsInvalidArgument(retriever->Search({.text = "x", .vector_weight = 1.5}).status()));
}

TEST_CASE("a retriever notices that its index was rebuilt by another model") {
  Rig rig;
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  const auto retriever = Retriever::Open(rig.store.index(), rig.embedder);
  REQUIRE_OK(retriever);
  HashEmbedder other({.fingerprint = "another model"});
  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  REQUIRE_OK(RunWith(rig, rig.chunker, other));
  CHECK(absl::IsFailedPrecondition(retriever->Search({.text = "text"}).status()));
}

namespace {

/// An index that changes to another recipe after each LoadRecipe(), `changes` times.
class ChangingIndex final : public Index {
 public:
  ChangingIndex(Index& before, Index& after, int changes) : before_(before), after_(after), changes_(changes) {}

  absl::StatusOr<Recipe> LoadRecipe() override {
    auto recipe = live().LoadRecipe();
    if (changed_ < changes_) ++changed_;
    return recipe;
  }
  absl::StatusOr<std::vector<Hit>> Search(const IndexQuery& query) override { return live().Search(query); }

 private:
  Index& live() { return changed_ % 2 == 0 ? before_ : after_; }

  Index& before_;
  Index& after_;
  int changes_;
  int changed_ = 0;
};

}  // namespace

TEST_CASE("a retriever with two embedders uses that of the index, also when the index changes in the middle of a search") {
  Rig before;
  before.source.Put("a", "text");
  REQUIRE_OK(before.Run());
  Rig after;
  after.source.Put("b", "text");
  HashEmbedder other({.dimension = 24, .fingerprint = "another model"});
  REQUIRE_OK(RunWith(after, after.chunker, other));
  Embedder* const both[] = {&before.embedder, &other};

  ChangingIndex changes_twice(before.store.index(), after.store.index(), 3);
  const auto retriever = Retriever::Open(changes_twice, both);
  REQUIRE_OK(retriever);
  const auto hits = retriever->Search({.text = "text", .mode = SearchMode::kVector});
  REQUIRE_OK(hits);
  REQUIRE(hits->size() == 1);
  CHECK(hits->front().vector_score == Approx(1.0));

  ChangingIndex never_rests(before.store.index(), after.store.index(), 1'000'000);
  CHECK(absl::IsAborted(Retriever::Open(never_rests, both)->Search({.text = "text"}).status()));

  const absl::Status none = Retriever::Open(before.store.index(), std::span<Embedder* const>()).status();
  CHECK(absl::IsFailedPrecondition(none));
}
