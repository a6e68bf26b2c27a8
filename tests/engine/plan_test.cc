// MakePlan(): what a run would do, without doing it.
#include <string>

#include "engine/rig.h"
#include "support/seed.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

/// Makes the plan, and checks that nothing was touched.
Plan MakePlan(Rig& rig, const PlanOptions& options = {}) {
  const auto before = rig.store.counts();
  const auto texts = rig.embedder.counts().texts;
  const auto records = rig.store.records();
  const auto entries = rig.store.entries("memory");
  const auto acknowledged = rig.source.acknowledged();
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  Plan plan;
  const absl::Status status = pipeline.MakePlan(options, plan);
  REQUIRE_OK(status);
  CHECK(rig.store.counts().writes == before.writes);
  CHECK(rig.store.counts().commits == before.commits);
  CHECK(rig.embedder.counts().texts == texts);
  CHECK(rig.store.records() == records);
  CHECK(rig.store.entries("memory") == entries);
  CHECK(rig.source.acknowledged() == acknowledged);
  return plan;
}

}  // namespace

TEST_CASE("a plan of the first run counts everything as added") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo");
  rig.source.Put("b", "a long text with many words\n\nand another");
  rig.source.Put("blank", "");
  const Plan plan = MakePlan(rig, {.price_per_million_tokens = 2'000'000, .biggest_documents = 1});
  CHECK(plan.documents.seen == 3);
  CHECK(plan.documents.added == 3);
  CHECK(plan.documents.updated == 0);
  CHECK(plan.chunks.embedded == 4);
  CHECK(plan.chunks.total == 4);
  CHECK(plan.embed.texts == 4);
  CHECK(plan.embed.cost == Approx(2.0 * static_cast<double>(plan.embed.tokens)));
  REQUIRE(plan.biggest.size() == 1);
  CHECK(plan.biggest[0].document_id == "b");
  CHECK(plan.biggest[0].texts == 2);
  CHECK(plan.recipe_change.empty());
  CHECK(plan.refusal.ok());
  CHECK(plan.problems.empty());
}

TEST_CASE("a plan says what the run then does") {
  RAGPIPE_RANDOM_TEST(random);
  for (int round = 0; round < 30; ++round) {
    const bool is_feed = random() % 2 == 0;
    Rig rig({.mode = is_feed ? MemorySourceOptions::Mode::kFeed : MemorySourceOptions::Mode::kSnapshot});
    rig.options.chunk_workers = 1;
    rig.options.deletion_guard.max_percent = 100;
    for (int step = 0; step < 4; ++step) {
      for (int i = 0; i < 12; ++i) {
        const std::string id = "doc" + std::to_string(random() % 10);
        if (random() % 4 == 0) {
          rig.source.Delete(id);
        } else {
          std::string text;
          for (std::uint64_t p = random() % 5; p > 0; --p) text += "paragraph " + std::to_string(random() % 40) + "\n\n";
          rig.source.Put(id, text, {{"n", static_cast<std::int64_t>(random() % 2)}});
        }
      }
      const Plan plan = MakePlan(rig);
      REQUIRE_OK(rig.Run());
      const auto& d = rig.report.documents;
      INFO(ToText(plan) << ToText(rig.report));
      CHECK(plan.documents.seen == d.seen);
      CHECK(plan.documents.deleted <= d.seen);
      if (is_feed) continue;  // how many changes of a document supersede each other is a matter of time
      CHECK(plan.documents.added + plan.documents.updated == d.processed);
      CHECK(plan.documents.deleted == d.deleted);
      CHECK(plan.documents.unchanged == d.unchanged);
      CHECK(plan.chunks.total == rig.report.chunks.total);
      CHECK(plan.chunks.deleted == rig.report.chunks.deleted);
    }
    rig.CheckIndexEqualsSource();
  }
}

TEST_CASE("a plan of an edit embeds what is new and names nothing else") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo\n\nthree");
  rig.source.Put("b", "four");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "one\n\n2\n\nthree");
  rig.source.Put("c", "five");
  rig.source.Delete("b");
  const Plan plan = MakePlan(rig);
  CHECK(plan.documents.added == 1);
  CHECK(plan.documents.updated == 1);
  CHECK(plan.documents.deleted == 1);
  CHECK(plan.chunks.embedded == 2);
  CHECK(plan.chunks.reused == 2);
  CHECK(plan.chunks.deleted == 2);
  CHECK(plan.embed.texts == 2);
  REQUIRE(plan.biggest.size() == 2);
  CHECK(plan.biggest[0].texts == 1);
}

TEST_CASE("a plan of a changed recipe is that of a rebuild, and says that a run would refuse") {
  Rig rig({}, {}, {.fingerprint = "model-1"});
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  HashEmbedder other({.fingerprint = "model-2"});
  Pipeline pipeline{rig.source, rig.chunker, other, rig.store.sink(), rig.store.checkpoint(), rig.options};
  Plan plan;
  REQUIRE_OK(pipeline.MakePlan({}, plan));
  CHECK(plan.documents.added == 1);
  CHECK(plan.embed.texts == 2);
  CHECK_THAT(plan.recipe_change, Catch::Contains("model-1") && Catch::Contains("model-2"));
  CHECK(absl::IsFailedPrecondition(plan.refusal));
  CHECK_THAT(ToJson(plan), Catch::Contains("model-2"));

  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  Pipeline rebuilding{rig.source, rig.chunker, other, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(rebuilding.MakePlan({}, plan));
  CHECK_FALSE(plan.recipe_change.empty());
  CHECK(plan.refusal.ok());
  REQUIRE_OK(rig.Run());  // the old recipe is still there
}

TEST_CASE("a plan shows the mass deletion that a run would refuse") {
  Rig rig;
  for (int i = 0; i < 100; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  rig.source.Clear();
  rig.source.Put("doc1", "text 1, changed");
  const Plan plan = MakePlan(rig);
  CHECK(absl::IsFailedPrecondition(plan.refusal));
  CHECK_THAT(std::string(plan.refusal.message()), Catch::Contains("99"));
  CHECK(plan.documents.updated == 1);
  CHECK(plan.documents.deleted == 0);
  CHECK_FALSE(plan.problems.empty());
}

TEST_CASE("a plan counts what cannot be processed") {
  Rig rig;
  rig.source.Put("good", "text");
  rig.source.Put("bad", "no \xFF text");
  const Plan plan = MakePlan(rig);
  CHECK(plan.documents.added == 1);
  CHECK(plan.documents.failed == 1);
  REQUIRE(plan.problems.size() == 1);
  CHECK_THAT(plan.problems[0], Catch::Contains("bad"));
  CHECK(rig.observer.dead_letters().empty());
}
