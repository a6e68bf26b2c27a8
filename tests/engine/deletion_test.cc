// Deletion by event and by absence, and the guard.
#include <string>

#include "engine/rig.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

void PutMany(Rig& rig, int begin, int end) {
  for (int i = begin; i < end; ++i) rig.source.Put("doc" + std::to_string(i), "text " + std::to_string(i));
}

void DeleteMany(Rig& rig, int begin, int end) {
  for (int i = begin; i < end; ++i) rig.source.Delete("doc" + std::to_string(i));
}

}  // namespace

TEST_CASE("a delete event removes the document's records") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  rig.source.Put("a", "one\n\ntwo");
  rig.source.Put("b", "three");
  REQUIRE_OK(rig.Run());
  rig.source.Delete("a");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 1);
  CHECK(rig.report.chunks.deleted == 2);
  rig.CheckIndexEqualsSource();
  CHECK(rig.store.entries("memory").size() == 1);
}

TEST_CASE("deleting what the index never held changes nothing") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  Change change;
  change.kind = Change::Kind::kDelete;
  change.document_id = "never there";
  rig.source.Push(change);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
  CHECK(rig.report.complete);
}

TEST_CASE("without a ledger a delete event still removes the records") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed}, {.keeps_ledger = false});
  rig.source.Put("a", "one\n\ntwo");
  REQUIRE_OK(rig.Run());
  rig.source.Delete("a");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 1);
  CHECK(rig.store.records().empty());
}

TEST_CASE("what a complete snapshot does not list is deleted") {
  Rig rig;
  PutMany(rig, 0, 30);
  REQUIRE_OK(rig.Run());
  DeleteMany(rig, 0, 5);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 5);
  CHECK(rig.report.documents.seen == 30);
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("an incomplete snapshot deletes nothing and is not reported complete") {
  Rig rig;
  PutMany(rig, 0, 10);
  REQUIRE_OK(rig.Run());
  rig.source.Delete("doc3");
  rig.source.Push(SnapshotIncomplete{"", absl::PermissionDeniedError("folder 'private' cannot be listed")});
  SECTION("only so") {}
  SECTION("also when the source then says that it is complete") { rig.source.Push(SnapshotComplete{""}); }
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 0);
  CHECK_FALSE(rig.report.complete);
  REQUIRE(rig.report.problems.size() == 1);
  CHECK(rig.report.problems[0].find("folder 'private'") != std::string::npos);
  CHECK(rig.store.records().size() == 10);
}

TEST_CASE("the guard refuses a mass deletion, applies the rest and says so") {
  Rig rig;
  PutMany(rig, 0, 60);
  REQUIRE_OK(rig.Run());
  DeleteMany(rig, 0, 21);
  rig.source.Put("new", "new text");
  const absl::Status status = rig.Run();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(std::string(status.message()).find("21 documents") != std::string::npos);
  CHECK(rig.report.deletions_refused == 21);
  CHECK(rig.report.documents.deleted == 0);
  CHECK(rig.report.documents.processed == 1);
  CHECK_FALSE(rig.report.complete);
  CHECK(rig.store.records().size() == 61);

  SECTION("a host that means it raises the guard") {
    rig.options.deletion_guard.max_percent = 100;
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 21);
    rig.CheckIndexEqualsSource();
  }
  SECTION("a host that approves the count shown gets that many deletions") {
    rig.options.deletion_guard.approved_deletions = rig.report.deletions_refused;
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 21);
    rig.CheckIndexEqualsSource();
  }
  SECTION("an approval does not cover one more than it was given for") {
    rig.options.deletion_guard.approved_deletions = rig.report.deletions_refused;
    DeleteMany(rig, 21, 22);
    CHECK(absl::IsFailedPrecondition(rig.Run()));
    CHECK(rig.report.deletions_refused == 22);
    CHECK(rig.report.documents.deleted == 0);
    CHECK(rig.report.problems.at(0).find("approved_deletions to 22") != std::string::npos);
  }
  SECTION("few documents pass whatever their share") {
    PutMany(rig, 0, 1);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 20);
  }
}

TEST_CASE("a small share passes whatever the number") {
  Rig rig;
  PutMany(rig, 0, 100);
  REQUIRE_OK(rig.Run());
  DeleteMany(rig, 0, 30);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 30);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("with confirm_absence a document is deleted when a later complete listing lacks it, too") {
  Rig rig;
  rig.options.deletion_guard.confirm_absence = true;
  PutMany(rig, 0, 30);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  const auto all = rig.source.documents();
  DeleteMany(rig, 0, 3);
  rig.source.Push(SnapshotComplete{});  // a second one of the same listing confirms nothing
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 0);
  CHECK(rig.report.deletions_deferred == 3);
  CHECK_FALSE(rig.report.complete);
  rig.CheckIndexHolds(all);

  SECTION("still absent") {
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 3);
    CHECK(rig.report.deletions_deferred == 0);
    CHECK(rig.report.complete);
    rig.CheckIndexEqualsSource();
  }
  SECTION("back again, and absent once more: the count begins anew") {
    rig.source.Put(all.at("doc1"));  // the same version
    Document edited = all.at("doc2");
    edited.version = {};
    edited.text = "another text";
    rig.source.Put(edited);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 1);
    rig.CheckIndexEqualsSource();
    CHECK(rig.report.complete);
    const auto before = rig.source.documents();
    DeleteMany(rig, 1, 3);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 0);
    CHECK(rig.report.deletions_deferred == 2);
    rig.CheckIndexHolds(before);
  }
  SECTION("the guard watches what would be deleted") {
    DeleteMany(rig, 3, 28);
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.deleted == 3);
    CHECK(rig.report.deletions_deferred == 25);
    CHECK(absl::IsFailedPrecondition(rig.Run()));
    CHECK(rig.report.deletions_refused == 25);
    CHECK(rig.store.records().size() == 27);
  }
}

TEST_CASE("an empty listing of a large source is refused") {
  Rig rig;
  PutMany(rig, 0, 100);
  REQUIRE_OK(rig.Run());
  rig.source.Clear();
  CHECK(absl::IsFailedPrecondition(rig.Run()));
  CHECK(rig.store.records().size() == 100);
}

TEST_CASE("two sources in one store do not delete each other's documents") {
  Rig rig;
  MemorySource other({.name = "other"});
  rig.source.Put("a", "same text");
  other.Put("a", "same text");
  REQUIRE_OK(rig.Run());
  Pipeline pipeline{other, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.store.records().size() == 2);
  other.Clear();
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.deleted == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a document that goes between listing and reading is deleted by its absence") {
  struct Vanishing final : Source {
    struct Stream final : ChangeStream {
      absl::Status Next(absl::Time, std::vector<Event>& out) override {
        Change change;
        change.document_id = "a";
        change.version.token = "2";
        out.emplace_back(change);
        out.emplace_back(SnapshotComplete{});
        out.emplace_back(EndOfFeed{});
        return absl::OkStatus();
      }
      absl::StatusOr<Document> Load(const Change&) override { return absl::NotFoundError("gone"); }
    };
    std::string_view name() const override { return "memory"; }
    absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
      return std::make_unique<Stream>();
    }
  };
  Rig rig;
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  Pipeline pipeline{Vanishing{}, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  CHECK(rig.report.documents.superseded == 1);
  CHECK(rig.report.documents.deleted == 1);
  CHECK(rig.store.records().empty());
  CheckReport(rig.report);
}

TEST_CASE("the snapshot of one named partition says nothing of the others") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed, .partitions = 2});
  PutMany(rig, 0, 10);
  REQUIRE_OK(rig.Run());
  rig.source.Push(SnapshotComplete{"0"});
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.deleted == 0);
  rig.CheckIndexEqualsSource();
}
