// A changed recipe builds a second generation beside the live one; what is live changes at once, for every reader.
#include "ragpipe/sqlite/generations.h"

#include <absl/status/status.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ragpipe/pipeline.h"
#include "ragpipe/recall.h"
#include "ragpipe/retriever.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/catch.h"
#include "support/temp_dir.h"

// Designated initializers name what a test is about and nothing else.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

using namespace ragpipe;
using namespace ragpipe::sqlite;
using namespace ragpipe::testing;

namespace {

struct Rig {
  TempDir dir;
  std::string folder = dir / "index";
  MemorySource source;
  ParagraphChunker chunker;
  HashEmbedder old_model{{.fingerprint = "old model"}};
  HashEmbedder new_model{{.dimension = 24, .fingerprint = "new model"}};
  PipelineOptions options;
  RunReport report;

  Rig() {
    for (int i = 0; i < 20; ++i) {
      source.Put("doc" + std::to_string(i), "first of " + std::to_string(i) + "\n\nsecond of " + std::to_string(i));
    }
  }

  Generations Open() {
    auto generations = Generations::Open(folder);
    REQUIRE_OK(generations);
    return *std::move(generations);
  }

  absl::Status Run(Store& store, Embedder& embedder) {
    Pipeline pipeline{source, chunker, embedder, store.sink(), store.checkpoint(), options};
    return pipeline.Run(report);
  }

  /// One run of a pipeline with this embedder, into the generation that is its own.
  absl::Status Run(Embedder& embedder) {
    auto store = Open().OpenFor(RecipeOf(embedder));
    if (!store.ok()) return store.status();
    return Run(*store, embedder);
  }

  Recipe RecipeOf(Embedder& embedder) {
    const auto recipe = FormRecipe(chunker, embedder, options);
    REQUIRE_OK(recipe);
    return *recipe;
  }

  absl::Status Promote(Embedder& embedder, const PromotionGate& gate = {}) { return Open().Promote(RecipeOf(embedder), gate); }

  std::vector<std::string> Ask(Retriever& retriever, const std::string& text) {
    const auto hits = retriever.Search({.text = text, .top_k = 3, .mode = SearchMode::kVector});
    REQUIRE_OK(hits);
    std::vector<std::string> texts;
    for (const Hit& hit : *hits) texts.push_back(hit.text);
    return texts;
  }

  std::size_t CountFiles() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      count += entry.path().extension() == ".sqlite" ? 1U : 0U;
    }
    return count;
  }
};

bool Says(const absl::Status& status, const std::string& words) {
  UNSCOPED_INFO(status.ToString());
  return std::string(status.message()).find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a new model builds a candidate beside the live generation, which answers until the candidate is promoted") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  CHECK(rig.report.complete);
  Generations generations = rig.Open();
  CHECK_FALSE(generations.List()->candidate.has_value());
  CHECK(generations.List()->live.recipe->dimension == 16);
  CHECK(generations.List()->live.bytes > 0);

  const auto index = OpenLiveIndex(rig.folder);
  REQUIRE_OK(index);
  Embedder* const both[] = {&rig.old_model, &rig.new_model};
  auto retriever = Retriever::Open(**index, both);
  REQUIRE_OK(retriever);
  auto only_old = Retriever::Open(**index, rig.old_model);
  REQUIRE_OK(only_old);

  rig.source.Put("doc3", "first of 3\n\nchanged since");
  REQUIRE_OK(rig.Run(rig.new_model));
  CHECK(rig.report.complete);
  CHECK(rig.report.embed.texts == 40);
  CHECK(generations.List()->candidate->recipe->dimension == 24);
  CHECK(generations.List()->live.recipe->dimension == 16);
  CHECK((*index)->LoadRecipe()->dimension == 16);
  CHECK(rig.Ask(*retriever, "second of 3").front() == "second of 3");  // the live one, as it was

  REQUIRE_OK(rig.Promote(rig.new_model));
  CHECK((*index)->LoadRecipe()->dimension == 24);
  CHECK(rig.Ask(*retriever, "changed since").front() == "changed since");
  CHECK(Says(only_old->Search({.text = "x"}).status(), "new model"));
  CHECK_FALSE(generations.List()->candidate.has_value());
  CHECK(generations.List()->previous->recipe->dimension == 16);

  REQUIRE_OK(rig.Run(rig.new_model));  // which is live by now
  CHECK(rig.report.documents.unchanged == 20);
  CHECK_FALSE(generations.List()->candidate.has_value());
  REQUIRE_OK(rig.Promote(rig.new_model));  // as after every run: there is nothing to do
  CHECK(generations.List()->live.recipe->dimension == 24);
}

TEST_CASE("a candidate of another recipe is not promoted by mistake") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  CHECK(absl::IsNotFound(rig.Promote(rig.new_model)));
  REQUIRE_OK(rig.Run(rig.new_model));
  REQUIRE_OK(rig.Run(rig.old_model));  // the live one, beside a candidate that somebody builds
  REQUIRE_OK(rig.Promote(rig.old_model));
  HashEmbedder third({.dimension = 8, .fingerprint = "third model"});
  CHECK(absl::IsNotFound(rig.Promote(third)));
  CHECK(rig.Open().List()->candidate->recipe->dimension == 24);
  CHECK(rig.Open().List()->live.recipe->dimension == 16);
}

TEST_CASE("a rollback brings the previous generation back, and another one undoes it") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  REQUIRE_OK(rig.Run(rig.new_model));
  Generations generations = rig.Open();
  CHECK(absl::IsNotFound(generations.Rollback()));
  REQUIRE_OK(rig.Promote(rig.new_model));
  REQUIRE_OK(generations.Rollback());
  CHECK(generations.List()->live.recipe->dimension == 16);
  CHECK(generations.List()->previous->recipe->dimension == 24);

  const absl::Status again = rig.Run(rig.new_model);  // there is a build of this recipe: nobody wants to pay for another
  CHECK(absl::IsFailedPrecondition(again));
  CHECK(Says(again, "Rollback()"));
  REQUIRE_OK(rig.Run(rig.old_model));

  REQUIRE_OK(generations.Rollback());
  CHECK(generations.List()->live.recipe->dimension == 24);
}

TEST_CASE("an interrupted build goes on where it was") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  rig.options.commit_documents = 1;
  rig.options.embed_calls = 1;
  int calls = 0;
  HashEmbedder fails({.dimension = 24, .fingerprint = "new model", .limits = {.texts = 2}, .on_call = [&](const EmbedRequest&) {
                        return ++calls > 8 ? absl::PermissionDeniedError("stopped") : absl::OkStatus();
                      }});
  CHECK_FALSE(rig.Run(fails).ok());
  const std::uint64_t done = rig.report.documents.processed;
  CHECK(done > 0);
  CHECK(done < 20);
  const std::string path = rig.Open().List()->candidate->path;
  const absl::Status early = rig.Promote(rig.new_model);
  CHECK(absl::IsFailedPrecondition(early));
  CHECK(Says(early, "of the 20 documents"));

  REQUIRE_OK(rig.Run(rig.new_model));
  CHECK(rig.Open().List()->candidate->path == path);
  CHECK(rig.report.documents.processed + done == 20);
  REQUIRE_OK(rig.Promote(rig.new_model));
}

TEST_CASE("a candidate begun for another recipe is dropped") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  REQUIRE_OK(rig.Run(rig.new_model));
  const std::string first = rig.Open().List()->candidate->path;
  HashEmbedder newest({.dimension = 8, .fingerprint = "newest model"});
  REQUIRE_OK(rig.Run(newest));
  CHECK(rig.Open().List()->candidate->recipe->dimension == 8);
  CHECK(rig.Open().List()->candidate->path != first);
  CHECK_FALSE(std::filesystem::exists(first));
}

TEST_CASE("where the embedder stays, the candidate takes the vectors of the live generation") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  rig.source.Put("doc3", "first of 3\n\nchanged since");
  rig.options.record_ids = RecordIds::kDocumentIndex;  // another recipe
  REQUIRE_OK(rig.Run(rig.old_model));
  CHECK(rig.Open().List()->candidate.has_value());
  CHECK(rig.report.complete);
  CHECK(rig.report.chunks.reused == 39);
  CHECK(rig.report.embed.texts == 1);
  REQUIRE_OK(rig.Promote(rig.old_model));
  const auto index = OpenLiveIndex(rig.folder);
  auto retriever = Retriever::Open(**index, rig.old_model);
  const auto hits = retriever->Search({.text = "second of 7", .top_k = 1, .mode = SearchMode::kVector});
  REQUIRE_OK(hits);
  CHECK(hits->front().record_id == "doc7:1");
  CHECK(hits->front().vector_score == Approx(1.0));

  rig.options.record_ids = RecordIds::kContent;  // and another model of the same dimension takes nothing
  HashEmbedder other({.fingerprint = "other model"});
  REQUIRE_OK(rig.Run(other));
  CHECK(rig.report.chunks.reused == 0);
}

TEST_CASE("the live generation can be kept current while the candidate is built") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  Generations generations = rig.Open();
  auto live = generations.OpenLive();
  REQUIRE_OK(live);
  auto candidate = generations.OpenFor(rig.RecipeOf(rig.new_model));
  REQUIRE_OK(candidate);
  REQUIRE_OK(rig.Run(*candidate, rig.new_model));
  rig.source.Put("late", "came meanwhile");
  REQUIRE_OK(rig.Run(*live, rig.old_model));
  CHECK(rig.report.documents.processed == 1);

  const auto coverage = generations.MeasureCoverage();
  REQUIRE_OK(coverage);
  CHECK(coverage->documents == 21);
  CHECK(coverage->missing == 1);
  CHECK(coverage->examples == std::vector<std::string>{"late"});
  CHECK(absl::IsFailedPrecondition(rig.Promote(rig.new_model)));
  CHECK(Says(rig.Promote(rig.new_model), "'late'"));

  REQUIRE_OK(rig.Run(*candidate, rig.new_model));
  CHECK(generations.MeasureCoverage()->ratio() == 1);
  REQUIRE_OK(rig.Promote(rig.new_model));
  rig.source.Put("later", "the store is the live one's by now");
  REQUIRE_OK(rig.Run(*candidate, rig.new_model));
  auto retriever = Retriever::Open(**OpenLiveIndex(rig.folder), rig.new_model);
}

TEST_CASE("coverage counts what is missing, older and added, and dead letters") {
  Rig rig;
  rig.source.Put({.id = "versioned", .text = "five", .version = {"v5", 5}});
  REQUIRE_OK(rig.Run(rig.old_model));
  Generations generations = rig.Open();
  CHECK(absl::IsNotFound(generations.MeasureCoverage().status()));
  auto candidate = generations.OpenFor(rig.RecipeOf(rig.new_model));
  REQUIRE_OK(candidate);
  rig.source.Put({.id = "versioned", .text = "four", .version = {"v4", 4}});
  rig.source.Delete("doc1");
  rig.source.Put("new", "only here");
  rig.source.Put("bad", "\xFF");
  REQUIRE_OK(rig.Run(*candidate, rig.new_model));
  const auto coverage = generations.MeasureCoverage();
  REQUIRE_OK(coverage);
  CHECK(coverage->documents == 21);
  CHECK(coverage->missing == 1);
  CHECK(coverage->older == 1);
  CHECK(coverage->added == 1);
  CHECK(coverage->dead_letters == 1);
  CHECK(coverage->ratio() == Approx(19.0 / 21));
  CHECK(coverage->examples == std::vector<std::string>{"doc1", "versioned"});
  REQUIRE_OK(rig.Promote(rig.new_model, {.min_coverage = 0.9}));
}

TEST_CASE("a gate of the host's own decides, and recall is one that is ready") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  Generations generations = rig.Open();
  RecallGate recall{.embedders = {&rig.old_model, &rig.new_model}, .queries = {}};
  {
    auto live = generations.OpenLive();
    REQUIRE_OK(live);
    auto queries = SampleQueries(live->sink(), "memory", 7, 1);
    REQUIRE_OK(queries);
    CHECK(queries->size() == 7);
    CHECK(queries->front().text.find(" of ") != std::string::npos);
    CHECK(SampleQueries(live->sink(), "memory", 7, 1)->front().text == queries->front().text);
    CHECK(SampleQueries(live->sink(), "memory", 100, 1)->size() == 20);
    recall.queries = *std::move(queries);
  }
  for (Query& query : recall.queries) {
    query.top_k = 1;
    query.mode = SearchMode::kVector;
  }
  SECTION("refused by the host") {
    REQUIRE_OK(rig.Run(rig.new_model));
    int asked = 0;
    const absl::Status status = rig.Promote(rig.new_model, {.quality = [&](Index& live, Index& candidate) {
                                              ++asked;
                                              CHECK(live.LoadRecipe()->dimension == 16);
                                              CHECK(candidate.LoadRecipe()->dimension == 24);
                                              return absl::FailedPreconditionError("not good enough");
                                            }});
    CHECK(Says(status, "not good enough"));
    CHECK(asked == 1);
    CHECK(generations.List()->live.recipe->dimension == 16);
  }
  SECTION("the candidate finds what the live one finds") {
    REQUIRE_OK(rig.Run(rig.new_model));
    recall.min_recall = 1;
    REQUIRE_OK(rig.Promote(rig.new_model, {.quality = recall}));
  }
  SECTION("the candidate finds other documents") {
    auto candidate = generations.OpenFor(rig.RecipeOf(rig.new_model));
    REQUIRE_OK(candidate);
    for (int i = 0; i < 20; ++i) {  // the same ids, with the texts of the document after it
      rig.source.Put("doc" + std::to_string(i),
                     "first of " + std::to_string((i + 1) % 20) + "\n\nsecond of " + std::to_string((i + 1) % 20));
    }
    REQUIRE_OK(rig.Run(*candidate, rig.new_model));
    const absl::Status status = rig.Promote(rig.new_model, {.quality = recall});
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(Says(status, "0.0 %"));
  }
}

TEST_CASE("dropped generations give their space back") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  Generations generations = rig.Open();
  REQUIRE_OK(generations.DropCandidate());
  REQUIRE_OK(generations.DropPrevious());
  {
    auto open = generations.OpenFor(rig.RecipeOf(rig.new_model));
    REQUIRE_OK(open);
    CHECK(absl::IsUnavailable(generations.DropCandidate()));
    CHECK(generations.List()->candidate.has_value());
  }
  REQUIRE_OK(generations.DropCandidate());
  CHECK(rig.CountFiles() == 1);

  REQUIRE_OK(rig.Run(rig.new_model));
  REQUIRE_OK(rig.Promote(rig.new_model));
  CHECK(rig.CountFiles() == 2);
  REQUIRE_OK(generations.DropPrevious());
  CHECK(rig.CountFiles() == 1);
  CHECK(absl::IsNotFound(generations.Rollback()));

  HashEmbedder third({.dimension = 8, .fingerprint = "third model"});
  REQUIRE_OK(rig.Run(third));
  REQUIRE_OK(rig.Promote(third));
  HashEmbedder fourth({.dimension = 4, .fingerprint = "fourth model"});
  REQUIRE_OK(rig.Run(fourth));
  REQUIRE_OK(rig.Promote(fourth));
  CHECK(rig.CountFiles() == 2);  // live and previous; the one before went with the promotion
}

TEST_CASE("searches beside promotions and rollbacks are of one generation each, and none fails") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  rig.source.Clear();
  for (int i = 0; i < 20; ++i) {
    rig.source.Put("doc" + std::to_string(i), "anew " + std::to_string(i) + "\n\nand more of " + std::to_string(i));
  }
  REQUIRE_OK(rig.Run(rig.new_model));
  Generations generations = rig.Open();
  const auto index = OpenLiveIndex(rig.folder);
  REQUIRE_OK(index);
  Embedder* const both[] = {&rig.old_model, &rig.new_model};
  const auto retriever = Retriever::Open(**index, both);
  REQUIRE_OK(retriever);

  std::atomic<bool> done = false;
  std::atomic<int> failed = 0;
  std::atomic<int> mixed = 0;
  std::atomic<int> answers[2] = {};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        const auto hits = retriever->Search({.text = "of 3", .top_k = 100});
        if (!hits.ok() || hits->size() != 40) {
          ++failed;
          continue;
        }
        int old_ones = 0;
        for (const Hit& hit : *hits) {
          old_ones += hit.text.starts_with("first") || hit.text.starts_with("second") ? 1 : 0;
        }
        if (old_ones != 0 && old_ones != 40) ++mixed;
        ++answers[old_ones == 0 ? 1 : 0];
      }
    });
  }
  while (answers[0] < 10) std::this_thread::yield();
  REQUIRE_OK(rig.Promote(rig.new_model));
  for (int i = 0; i < 200 || answers[1] < 10; ++i) REQUIRE_OK(generations.Rollback());
  if (generations.List()->live.recipe->dimension == 16) REQUIRE_OK(generations.Rollback());
  REQUIRE_OK(generations.DropPrevious());  // under readers that have it open
  const int before = answers[1];
  while (answers[1] < before + 10 && failed == 0) std::this_thread::yield();
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(failed == 0);
  CHECK(mixed == 0);
}

TEST_CASE("what changes the folder waits for nobody and harms nobody") {
  Rig rig;
  REQUIRE_OK(rig.Run(rig.old_model));
  REQUIRE_OK(rig.Run(rig.new_model));
  Generations generations = rig.Open();
  Generations another = rig.Open();
  REQUIRE_OK(rig.Promote(rig.new_model, {.quality = [&](Index&, Index&) {
                           CHECK(absl::IsUnavailable(another.Promote(rig.RecipeOf(rig.new_model))));
                           CHECK(absl::IsUnavailable(another.Rollback()));
                           CHECK(absl::IsUnavailable(another.DropCandidate()));
                           CHECK(another.List().ok());
                           return absl::OkStatus();
                         }}));
  CHECK(another.List()->live.recipe->dimension == 24);
}

TEST_CASE("a folder of generations that is damaged says what is damaged") {
  Rig rig;
  CHECK(absl::IsNotFound(OpenLiveIndex(rig.folder).status()));
  CHECK(absl::IsNotFound(Generations::Open(rig.folder + "/deeper/still").status()));
  CHECK(absl::IsInvalidArgument(Generations::Open("").status()));
  REQUIRE_OK(rig.Run(rig.old_model));
  const std::string current = rig.folder + "/CURRENT";
  SECTION("CURRENT is missing") {
    std::filesystem::remove(current);
    CHECK(absl::IsDataLoss(Generations::Open(rig.folder).status()));
  }
  SECTION("the first creation was interrupted") {
    std::filesystem::remove_all(rig.folder);
    rig.Open();
    std::filesystem::remove(current);
    rig.Open();
    REQUIRE_OK(rig.Run(rig.old_model));
  }
  SECTION("CURRENT has other content") {
    const std::string good = [&] {
      std::ifstream file(current);
      return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    for (std::size_t size = 0; size < good.size(); ++size) {
      for (const char* end : {"", "x", "\n", "live 1\n"}) {
        const std::string text = good.substr(0, size) + end;
        if (text == good) continue;
        std::ofstream(current) << text;
        const absl::Status status = Generations::Open(rig.folder).status();
        INFO(text);
        CHECK(absl::IsDataLoss(status));
        CHECK(absl::IsDataLoss(OpenLiveIndex(rig.folder).status()));
      }
    }
    std::ofstream(current) << good << std::string(10000, '1');
    CHECK(absl::IsDataLoss(Generations::Open(rig.folder).status()));
  }
  SECTION("the live generation is missing") {
    std::filesystem::remove(rig.Open().List()->live.path);
    CHECK(absl::IsDataLoss(rig.Open().OpenLive().status()));
    CHECK(absl::IsDataLoss(rig.Run(rig.old_model)));
  }
  SECTION("a file of the folder's name") {
    std::ofstream(rig.dir / "file") << "x";
    CHECK(absl::IsFailedPrecondition(Generations::Open(rig.dir / "file").status()));
  }
}
