// What a store does when SQLite gets no memory, at whichever allocation.
#include <absl/status/status.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "fixture.h"
#include "support/failing_memory.h"
#include "support/failing_new.h"
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

// A write whose `at`-th allocation fails, in a process of its own, which may end. Exits with 0 when all was right, 1 when not,
// and 2 when there was no such allocation.
[[noreturn]] void WriteWithout(std::uint64_t at, const std::string& path) {
  std::set_terminate([] { _exit(0); });
  const TestRecord first{.id = "b0", .text = "some words", .vector = {1, 0}};
  const TestRecord second{.id = "b1", .text = "more words", .vector = {0, 1}};
  const std::vector<Record> records = {first.View(), second.View()};
  const Metadata metadata;
  const DocumentWrite write = {.source = "source", .document_id = "b", .metadata = &metadata, .upserts = records};
  auto store = Store::Open(path);
  if (!store.ok() || !Add(*store, "a").ok() || !store->sink().EnsureCollection({TestRecipe(2)}).ok()) _exit(1);
  bool failed = false;
  FailingNew::Fail(at, 1);
  try {
    failed = !store->sink().Write({&write, 1}).ok();
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  const std::uint64_t failures = FailingNew::failures();
  FailingNew::Heal();
  if (failed) {
    if (Commit(store->checkpoint()).ok() || store->sink().Write({&write, 1}).ok()) _exit(1);
    if (FindAll(store->index(), kRight) != std::vector<std::string>{"a"}) _exit(1);
    if (!store->sink().EnsureCollection({TestRecipe(2)}).ok() || !store->sink().Write({&write, 1}).ok()) _exit(1);
  }
  if (!Commit(store->checkpoint()).ok() || FindAll(store->index(), kRight).size() != 3) _exit(1);
  _exit(failures > 0 ? 0 : 2);
}

TEST_CASE("what a write did before operator new threw is not committed") {
  int status = 0;
  for (std::uint64_t at = 1; !WIFEXITED(status) || WEXITSTATUS(status) != 2; ++at) {
    INFO("allocation " << at);
    const TempDir dir;
    const pid_t child = fork();
    if (child == 0) WriteWithout(at, dir / "index.db");
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) != 1);
    auto store = Store::Open(dir / "index.db");
    REQUIRE_OK(store);
    CHECK(FindAll(store->index(), kRight).size() == FindText(store->index(), "words").size());
    RequireSoundFile(dir / "index.db");
  }
}

}  // namespace
}  // namespace ragpipe::sqlite
