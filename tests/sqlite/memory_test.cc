// What a store does when SQLite gets no memory, at whichever allocation.
#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "fixture.h"
#include "support/failing_memory.h"
#include "support/memory_disk.h"
#include "support/seed.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

// Calls `attempt` with the first allocation failing, then with some later ones, until it meets no failure. The program in
// tests/proof/faults.cc fails each.
template <class Attempt>
void FailAtMany(bool lasting, const Attempt& attempt) {
  FailingMemory::Install();
  RAGPIPE_RANDOM_TEST(random);
  std::uint64_t failures = 1;
  for (std::uint64_t at = 1; failures > 0; at += 1 + random() % (1 + at / 10)) {
    INFO("allocation " << at);
    const TempDir dir;
    MemoryDisk disk;
    attempt(dir / "index.db", [&] { FailingMemory::Fail(at, lasting); });
    failures = FailingMemory::failures();
    FailingMemory::Heal();
  }
}

absl::Status Add(Store& store, const std::string& id) {
  if (absl::Status status = store.sink().EnsureCollection({TestRecipe(2)}); !status.ok()) return status;
  absl::Status status = Write(store.sink(), {.document_id = id, .upserts = {{.id = id, .text = "words", .vector = {1, 0}}}});
  return status.ok() ? Commit(store.checkpoint()) : status;
}

TEST_CASE("a store that cannot be opened for want of memory says so, and opens later") {
  const bool lasting = GENERATE(false, true);
  FailAtMany(lasting, [](const std::string& path, const auto& fail) {
    fail();
    const absl::Status status = Store::Open(path).status();
    if (FailingMemory::failures() > 0) CHECK(status.code() != absl::StatusCode::kFailedPrecondition);  // no fault of the file
    FailingMemory::Heal();
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    REQUIRE_OK(Add(*store, "a"));
  });
}

TEST_CASE("a search without memory fails, and the next one answers") {
  const bool lasting = GENERATE(false, true);
  FailAtMany(lasting, [](const std::string& path, const auto& fail) {
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    REQUIRE_OK(Add(*store, "a"));
    fail();
    const auto hits = store->index().Search({.vector = kRight, .text = "words"});
    FailingMemory::Pause(true);
    if (hits.ok()) CHECK(RecordIds(*hits) == std::vector<std::string>{"a"});
    CHECK(FindAll(store->index(), kRight) == std::vector<std::string>{"a"});
    CHECK(FindText(store->index(), "words") == std::vector<std::string>{"a"});
    FailingMemory::Pause(false);
  });
}

TEST_CASE("what was written without memory is never committed by half") {
  const bool lasting = GENERATE(false, true);
  FailAtMany(lasting, [](const std::string& path, const auto& fail) {
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    REQUIRE_OK(Add(*store, "a"));
    const TestWrite two{.document_id = "b",
                        .upserts = {{.id = "b0", .text = "x", .vector = {1, 0}}, {.id = "b1", .text = "y", .vector = {1, 0}}}};
    fail();
    const bool written = Write(store->sink(), two).ok();
    FailingMemory::Pause(true);
    const absl::Status status = Commit(store->checkpoint());
    CHECK(status.ok() == written);
    CHECK(FindAll(store->index(), kRight).size() == (written ? 3 : 1));
    if (!written) {
      CHECK(Add(*store, "c").code() == absl::StatusCode::kFailedPrecondition);
      store = absl::CancelledError("closed");
      store = Store::Open(path);
      REQUIRE_OK(store);
    }
    REQUIRE_OK(Add(*store, "c"));
    REQUIRE_OK(Write(store->sink(), two));
    REQUIRE_OK(Commit(store->checkpoint()));
    CHECK(FindAll(store->index(), kRight).size() == 4);
    RequireSoundFile(path);
    FailingMemory::Pause(false);
  });
}

}  // namespace
}  // namespace ragpipe::sqlite
