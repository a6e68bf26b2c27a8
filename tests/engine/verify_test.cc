// Verify() and Repair(): what somebody else did to the index is found and mended, and nothing else is touched.
#include <algorithm>
#include <string>

#include "engine/rig.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"
#include "support/seed.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

struct VerifyRig : Rig {
  using Rig::Rig;

  VerifyReport Verify(const VerifyOptions& verify_options = {}) {
    Pipeline pipeline{source, chunker, embedder, store.sink(), store.checkpoint(), options};
    VerifyReport found;
    REQUIRE_OK(pipeline.Verify(verify_options, found));
    CHECK(found.is_sound() == (found.damaged_documents == 0));
    return found;
  }

  RepairReport Repair() {
    Pipeline pipeline{source, chunker, embedder, store.sink(), store.checkpoint(), options};
    RepairReport repaired;
    REQUIRE_OK(pipeline.Repair(repaired));
    return repaired;
  }

  StoredRecord RecordOf(const std::string& document_id, std::size_t position = 0) {
    for (const auto& [id, record] : store.records()) {
      if (record.document_id == document_id && record.position == position) return record;
    }
    FAIL("no record " << position << " of " << document_id);
    return {};
  }
};

}  // namespace

TEST_CASE("an index that nobody touched is sound") {
  VerifyRig rig;
  rig.source.Put("a", "one\n\ntwo", {{"n", std::int64_t{1}}});
  rig.source.Put("b", "three");
  rig.source.Put("blank", "");
  CHECK(rig.Verify().is_sound());  // also before the first run
  REQUIRE_OK(rig.Run());
  const VerifyReport report = rig.Verify();
  CHECK(report.is_sound());
  CHECK(report.documents == 3);
  CHECK(report.records == 3);
  CHECK(report.examples.empty());
  const auto texts = rig.embedder.counts().texts;
  const RepairReport repaired = rig.Repair();
  CHECK(repaired.run.documents.seen == 0);  // nothing to do
  CHECK(rig.embedder.counts().texts == texts);
}

TEST_CASE("every kind of damage is found, named and mended") {
  const auto mode = GENERATE(MemorySourceOptions::Mode::kSnapshot, MemorySourceOptions::Mode::kFeed);
  VerifyRig rig({.mode = mode});
  for (int i = 0; i < 20; ++i) rig.source.Put("doc" + std::to_string(10 + i), "text " + std::to_string(i) + "\n\nmore");
  REQUIRE_OK(rig.Run());
  std::uint64_t bought = 0;
  Damage expected = Damage::kMissing;
  StoredRecord record = rig.RecordOf("doc15");
  SECTION("a record is missing") {
    rig.store.Remove(record.id);
    bought = 1;
  }
  SECTION("a record is there twice") {
    record.id = "another";
    rig.store.Overwrite(record);
    expected = Damage::kExtra;
  }
  SECTION("a record holds another text's vector") {
    record.text_key = std::string(16, 'k');
    rig.store.Overwrite(record);
    expected = Damage::kStale;
    bought = 1;
  }
  SECTION("the text was altered") {
    record.text = "text, altered";
    rig.store.Overwrite(record);
    expected = Damage::kWrongContent;
  }
  SECTION("the metadata was altered") {
    record.metadata["n"] = true;
    rig.store.Overwrite(record);
    expected = Damage::kWrongContent;
  }
  SECTION("the place in the document was altered") {
    ++record.chunk.range.begin;
    rig.store.Overwrite(record);
    expected = Damage::kWrongContent;
  }
  SECTION("the vector has another dimension") {
    record.vector.push_back(1);
    rig.store.Overwrite(record);
    expected = Damage::kWrongVector;
    bought = 1;
  }
  SECTION("the vector is not finite") {
    record.vector[0] = std::numeric_limits<float>::quiet_NaN();
    rig.store.Overwrite(record);
    expected = Damage::kWrongVector;
    bought = 1;
  }
  SECTION("a document that nobody knows") {
    record.id = "another";
    record.document_id = "doc15-copy";
    rig.store.Overwrite(record);
    expected = Damage::kExtra;
  }
  const VerifyReport found = rig.Verify();
  CHECK(found.damaged_documents == 1);
  CHECK(found.missing + found.extra + found.stale + found.wrong_content + found.wrong_vector == 1);
  REQUIRE(found.examples.size() == 1);
  CHECK(found.examples[0].damage == expected);
  CHECK_THAT(found.examples[0].document_id, Catch::StartsWith("doc15"));
  CHECK_THAT(ToText(found), Catch::Contains(std::string(ToString(expected))));
  CHECK_THAT(ToJson(found), Catch::Contains("\"damaged_documents\":1"));

  const auto texts = rig.embedder.counts().texts;
  const RepairReport repaired = rig.Repair();
  CHECK(repaired.found.damaged_documents == 1);
  CHECK(repaired.left.is_sound());
  CHECK(repaired.run.complete);
  CHECK(rig.embedder.counts().texts - texts == bought);
  rig.CheckIndexEqualsSource();
  CHECK(rig.Verify().is_sound());
  CHECK(rig.Repair().run.documents.seen == 0);  // idempotent
  REQUIRE_OK(rig.Run());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("everything lost is bought again, once") {
  VerifyRig rig({.mode = MemorySourceOptions::Mode::kFeed});
  for (int i = 0; i < 200; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  for (const auto& [id, record] : rig.store.records()) rig.store.Remove(id);
  const VerifyReport found = rig.Verify({.max_examples = 3});
  CHECK(found.damaged_documents == 200);
  CHECK(found.missing == 200);
  CHECK(found.examples.size() == 3);
  const auto texts = rig.embedder.counts().texts;
  rig.Repair();
  CHECK(rig.embedder.counts().texts - texts == 200);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a damaged document that has gone meanwhile leaves nothing behind") {
  const auto mode = GENERATE(MemorySourceOptions::Mode::kSnapshot, MemorySourceOptions::Mode::kFeed);
  VerifyRig rig({.mode = mode});
  rig.source.Put("a", "one\n\ntwo");
  rig.source.Put("b", "three");
  REQUIRE_OK(rig.Run());
  rig.store.Remove(rig.RecordOf("a").id);
  rig.source.Delete("a");
  CHECK(rig.Repair().left.is_sound());
  rig.CheckIndexEqualsSource();
  CHECK(rig.store.records().size() == 1);
}

TEST_CASE("a repair keeps the dead letter of a damaged document, with its body") {
  VerifyRig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "no \xFF text");
  REQUIRE_OK(rig.Run());
  rig.store.Remove(rig.RecordOf("a").id);

  FaultPlan plan;  // killed in the run that follows the doubt
  plan.On(Call::kStreamChanges, Always(), Fail(absl::InternalError("killed")));
  FaultySource source(rig.source, plan);
  Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  RepairReport repaired;
  CHECK_FALSE(pipeline.Repair(repaired).ok());
  const auto letters = rig.store.checkpoint().ListDeadLetters("memory", "", 10);
  REQUIRE_OK(letters);
  REQUIRE(letters->size() == 1);
  CHECK(letters->at(0).document.has_value());
  CHECK(letters->at(0).attempts == 1);

  rig.source.Put("a", "one\n\ntwo, mended");
  rig.Repair();
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a sample compares a part, always the same") {
  VerifyRig rig;
  for (int i = 0; i < 2000; ++i) rig.source.Put("doc" + std::to_string(i), "text");
  REQUIRE_OK(rig.Run());
  const VerifyReport tenth = rig.Verify({.sample = 0.1, .seed = 7});
  CHECK(tenth.documents > 140);
  CHECK(tenth.documents < 260);
  CHECK(rig.Verify({.sample = 0.1, .seed = 7}).documents == tenth.documents);
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  VerifyReport report;
  for (const double sample : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(absl::IsFailedPrecondition(pipeline.Verify({.sample = sample}, report)));
  }
}

TEST_CASE("what cannot be compared is refused, with why") {
  SECTION("no ledger") {
    Rig rig({}, {.keeps_ledger = false});
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    VerifyReport report;
    CHECK(absl::IsFailedPrecondition(pipeline.Verify({}, report)));
  }
  SECTION("no listing") {
    Rig rig({}, {.lists_records = false});
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    VerifyReport report;
    CHECK(absl::IsFailedPrecondition(pipeline.Verify({}, report)));
  }
  SECTION("another recipe") {
    Rig rig({}, {}, {.fingerprint = "model-1"});
    rig.source.Put("a", "text");
    REQUIRE_OK(rig.Run());
    HashEmbedder other({.fingerprint = "model-2"});
    Pipeline pipeline{rig.source, rig.chunker, other, rig.store.sink(), rig.store.checkpoint(), rig.options};
    VerifyReport report;
    const absl::Status status = pipeline.Verify({}, report);
    CHECK(absl::IsFailedPrecondition(status));
    CHECK_THAT(std::string(status.message()), Catch::Contains("model-2"));
  }
}

TEST_CASE("any number of workers finds the same damage, in the order of the ids") {
  RAGPIPE_RANDOM_TEST(random);
  VerifyRig rig;
  for (int i = 0; i < 1000; ++i) rig.source.Put("doc" + std::to_string(1000 + i), "text " + std::to_string(i) + "\n\nmore");
  REQUIRE_OK(rig.Run());
  for (int i = 0; i < 40; ++i) {
    StoredRecord record = rig.RecordOf("doc" + std::to_string(1000 + 25 * i + static_cast<int>(random() % 25)));
    if (random() % 2 == 0) {
      rig.store.Remove(record.id);
    } else {
      record.text += "altered";
      rig.store.Overwrite(record);
    }
  }
  rig.options.chunk_workers = 1;
  const VerifyReport alone = rig.Verify({.max_examples = 7});
  CHECK(alone.documents == 1000);
  CHECK(alone.records == 2000);
  CHECK(alone.damaged_documents == 40);
  CHECK(alone.missing + alone.wrong_content == 40);
  REQUIRE(alone.examples.size() == 7);
  for (const int workers : {2, 3, 16}) {
    rig.options.chunk_workers = workers;
    const VerifyReport together = rig.Verify({.max_examples = 7});
    CHECK(together.documents == alone.documents);
    CHECK(together.records == alone.records);
    CHECK(together.damaged_documents == alone.damaged_documents);
    CHECK(together.missing == alone.missing);
    CHECK(together.wrong_content == alone.wrong_content);
    REQUIRE(together.examples.size() == 7);
    for (std::size_t i = 0; i < 7; ++i) {
      CHECK(together.examples[i].document_id == alone.examples[i].document_id);
      CHECK(together.examples[i].record_id == alone.examples[i].record_id);
      CHECK(together.examples[i].damage == alone.examples[i].damage);
      if (i > 0) CHECK(together.examples[i - 1].document_id < together.examples[i].document_id);
    }
  }
}

TEST_CASE("what one worker cannot read ends the comparison") {
  VerifyRig rig;
  for (int i = 0; i < 300; ++i) rig.source.Put("doc" + std::to_string(1000 + i), "text " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  rig.options.chunk_workers = 3;
  const auto call = GENERATE(Call::kReadRecords, Call::kFindEntries);
  for (int n = 1; n <= 5; ++n) {
    FaultPlan plan;
    plan.On(call, Nth(n), Fail(absl::InternalError("the disk is gone")));
    FaultySink sink(rig.store.sink(), plan);
    FaultyCheckpoint checkpoint(rig.store.checkpoint(), plan);
    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, sink, checkpoint, rig.options};
    VerifyReport report;
    const absl::Status status = pipeline.Verify({}, report);
    CHECK(absl::IsInternal(status));
    CHECK_THAT(std::string(status.message()), Catch::Contains("the disk is gone"));
    CHECK(pipeline.Verify({}, report).ok());  // nothing is left behind
    CHECK(report.documents == 300);
  }
}

TEST_CASE("a repair may be killed anywhere: the next one, or a run and a repair, finish it") {
  RAGPIPE_RANDOM_TEST(random);
  int kills = 0;
  for (int n = 1; n < 400; ++n) {
    const bool shared = random() % 2 == 0;
    VerifyRig rig({.mode = random() % 2 == 0 ? MemorySourceOptions::Mode::kFeed : MemorySourceOptions::Mode::kSnapshot},
                  {.shared_transaction = shared});
    rig.options.retry.max_attempts = 1;
    rig.options.commit_documents = 7;
    for (int i = 0; i < 30; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i) + "\n\nmore");
    REQUIRE_OK(rig.Run());
    for (int i = 0; i < 10; ++i) {
      StoredRecord record = rig.RecordOf("doc" + std::to_string(3 * i + static_cast<int>(random() % 3)));
      switch (random() % 4) {
        case 0:
          rig.store.Remove(record.id);
          break;
        case 1:
          record.text += "altered";
          rig.store.Overwrite(record);
          break;
        case 2:
          record.id += "again";
          rig.store.Overwrite(record);
          break;
        default:
          record.id += "elsewhere";
          record.document_id = "unknown" + std::to_string(i);
          rig.store.Overwrite(record);
      }
    }
    FaultPlan plan;
    plan.On(Call::kAny, From(n), Fail(absl::InternalError("killed")));
    FaultySource source(rig.source, plan);
    FaultySink sink(rig.store.sink(), plan);
    FaultyCheckpoint checkpoint(rig.store.checkpoint(), plan);
    RepairReport repaired;
    absl::Status status;
    {
      Pipeline pipeline{source, rig.chunker, rig.embedder, sink, checkpoint, rig.options};
      status = pipeline.Repair(repaired);
    }
    rig.store.Crash(random() % 2 == 0 ? MemoryStore::UnflushedWrites::kLost : MemoryStore::UnflushedWrites::kKept);
    if (status.ok()) break;
    ++kills;
    INFO("killed at call " << n);
    if (random() % 2 == 0) REQUIRE_OK(rig.Run());
    rig.Repair();
    rig.CheckIndexEqualsSource();
    CHECK(rig.Verify().is_sound());
  }
  CHECK(kills > 30);
  CHECK(kills < 398);  // it came to an end
}
