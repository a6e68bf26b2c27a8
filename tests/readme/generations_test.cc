// The README's way to change the model, as it stands there.
#include <absl/status/status.h>

#include <memory>
#include <string>

#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/generations.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace {

absl::Status KeepCurrent(const std::string& folder, ragpipe::Source& source, ragpipe::Chunker& chunker,
                         ragpipe::Embedder& embedder, const ragpipe::PromotionGate& gate) {
  auto generations = ragpipe::sqlite::Generations::Open(folder);
  if (!generations.ok()) return generations.status();
  auto recipe = FormRecipe(chunker, embedder, {});
  if (!recipe.ok()) return recipe.status();
  auto store = generations->OpenFor(*recipe);  // the live generation, or a candidate of another recipe beside it
  if (!store.ok()) return store.status();
  ragpipe::Pipeline pipeline{source, chunker, embedder, store->sink(), store->checkpoint()};
  ragpipe::RunReport report;
  if (absl::Status status = pipeline.Run(report); !status.ok()) return status;
  return generations->Promote(*recipe, gate);  // nothing to do where it is live
}

}  // namespace

TEST_CASE("the README's change of the model: a candidate beside the live generation, and then in its place") {
  const TempDir dir;
  const std::string folder = dir / "index";
  ragpipe::testing::MemorySource source;
  source.Put("a", "first\n\nsecond");
  ragpipe::testing::ParagraphChunker chunker;
  ragpipe::testing::HashEmbedder old_model({.fingerprint = "old"});
  ragpipe::testing::HashEmbedder new_model({.fingerprint = "new"});
  REQUIRE_OK(KeepCurrent(folder, source, chunker, old_model, {}));
  const auto index = ragpipe::sqlite::OpenLiveIndex(folder);
  REQUIRE_OK(index);
  CHECK((*index)->LoadRecipe()->embedder == old_model.Fingerprint());
  const ragpipe::PromotionGate closed{.quality = [](auto&, auto&) { return absl::FailedPreconditionError("not today"); }};
  CHECK(absl::IsFailedPrecondition(KeepCurrent(folder, source, chunker, new_model, closed)));
  CHECK((*index)->LoadRecipe()->embedder == old_model.Fingerprint());
  REQUIRE_OK(KeepCurrent(folder, source, chunker, new_model, {}));
  CHECK((*index)->LoadRecipe()->embedder == new_model.Fingerprint());
  CHECK(new_model.counts().texts == 2);
}
