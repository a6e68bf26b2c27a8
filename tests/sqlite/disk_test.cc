// What a store does when the disk fails. The programs in tests/proof/ do the same at every place.
#include <absl/status/status.h>

#include <random>
#include <string>
#include <utility>

#include "fixture.h"
#include "support/memory_disk.h"
#include "support/seed.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

absl::Status Add(Store& store, const std::string& id) {
  if (absl::Status status = store.sink().EnsureCollection({TestRecipe(2)}); !status.ok()) return status;
  absl::Status status = Write(store.sink(), {.document_id = id, .upserts = {{.id = id, .text = "words", .vector = {1, 0}}}});
  return status.ok() ? Commit(store.checkpoint()) : status;
}

constexpr MemoryDisk::Fault kNoSyncs = {.operations = MemoryDisk::kSync, .lasting = true, .code = SQLITE_IOERR_FSYNC};

TEST_CASE("after a failed sync a store writes no more until it is opened again") {
  const TempDir dir;
  MemoryDisk disk;
  auto store = Store::Open(dir / "index.db");
  REQUIRE_OK(store);
  REQUIRE_OK(Add(*store, "a"));
  disk.Fail(kNoSyncs);
  CHECK(Add(*store, "b").code() == absl::StatusCode::kInternal);
  disk.Heal();
  const absl::Status status = Add(*store, "b");
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(std::string(status.message()).find("open it again") != std::string::npos);
  CHECK(Commit(store->checkpoint()).code() == absl::StatusCode::kFailedPrecondition);
  CHECK(FindAll(store->index(), kRight) == std::vector<std::string>{"a"});  // it still answers

  store = absl::CancelledError("closed");
  store = Store::Open(dir / "index.db");
  REQUIRE_OK(store);
  REQUIRE_OK(Add(*store, "b"));
  CHECK(FindAll(store->index(), kRight) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what an opened store recovered outlives a power cut") {
  const TempDir dir;
  RAGPIPE_RANDOM_TEST(random);
  for (int i = 0; i < 30; ++i) {
    MemoryDisk disk;
    auto store = Store::Open(dir / "index.db");
    REQUIRE_OK(store);
    REQUIRE_OK(Add(*store, "a"));
    disk.Fail(kNoSyncs);
    REQUIRE_FALSE(Add(*store, "b").ok());
    disk.Freeze(true);  // the process is killed; what it wrote for "b" is in the system's memory
    store = absl::CancelledError("closed");
    disk.Freeze(false);
    disk.Heal();

    store = Store::Open(dir / "index.db");
    REQUIRE_OK(store);
    const bool more = i % 2 == 0;
    if (more) REQUIRE_OK(Add(*store, "c"));
    const std::vector<std::string> held = FindAll(store->index(), kRight);
    disk.Put(dir / "left.db", disk.CutPower(dir / "index.db", random));
    auto left = Store::Open(dir / "left.db");
    REQUIRE_OK(left);
    CHECK(FindAll(left->index(), kRight) == held);
    RequireSoundFile(dir / "left.db");
  }
}

}  // namespace
}  // namespace ragpipe::sqlite
