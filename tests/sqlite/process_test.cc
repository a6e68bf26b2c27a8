#include <absl/status/status.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fixture.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

// A child process that runs `body` and exits with what it returns. Checks do not work in there.
class Child {
 public:
  template <class Body>
  explicit Child(const Body& body) : pid_(fork()) {
    if (pid_ == 0) _exit(body());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  void Kill() {
    kill(pid_, SIGKILL);
    Wait();
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

// One process tells another to go on.
class Signal {
 public:
  Signal() { REQUIRE(pipe(ends_.data()) == 0); }
  ~Signal() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void Send() { [[maybe_unused]] const auto sent = write(ends_[1], "x", 1); }
  bool Await() {
    char byte;
    return read(ends_[0], &byte, 1) == 1;
  }

 private:
  std::array<int, 2> ends_{};
};

// `count` records of one document, all of one version; two-dimensional.
TestWrite Generation(int generation, int count) {
  TestWrite write{.document_id = "doc", .version = {std::to_string(generation), {}}, .replace_all = true};
  for (int i = 0; i < count; ++i) {
    write.upserts.push_back(
        {.id = "r" + std::to_string(i), .text = "generation" + std::to_string(generation), .vector = {1, 0}});
  }
  return write;
}

absl::Status CommitGeneration(Store& store, int generation, int count) {
  const LedgerEntry entry = TestEntry("doc", std::to_string(generation));
  if (absl::Status status = Write(store.sink(), Generation(generation, count)); !status.ok()) return status;
  return store.checkpoint().Commit({.source = "source", .entries = {&entry, 1}});
}

TEST_CASE("a second writer in another process is refused at once, with the holder's id") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Signal opened;
  Signal done;
  Child holder([&] {
    auto store = Store::Open(path);
    opened.Send();
    done.Await();
    return store.ok() ? 0 : 1;
  });
  REQUIRE(opened.Await());
  const absl::Status status = Store::Open(path).status();
  CHECK(status.code() == absl::StatusCode::kUnavailable);
  CHECK(std::string(status.message()).find("process " + std::to_string(holder.pid())) != std::string::npos);
  REQUIRE_OK(OpenIndex(path));
  SECTION("until it closes") {
    done.Send();
    CHECK(holder.Wait() == 0);
  }
  SECTION("or dies") { holder.Kill(); }
  REQUIRE_OK(Store::Open(path));
}

TEST_CASE("a writer killed between write and commit leaves the last commit") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Signal written;
  Child writer([&] {
    auto store = Store::Open(path);
    if (!store.ok() || !store->sink().EnsureCollection({TestRecipe(2)}).ok()) return 1;
    if (!CommitGeneration(*store, 1, 300).ok()) return 2;
    // Enough to leave the cache, so that the log holds pages of the unfinished transaction.
    for (int i = 0; i < 10; ++i) {
      TestWrite big{.document_id = "big" + std::to_string(i)};
      big.upserts.push_back({.id = big.document_id, .text = std::string(8 << 20, '.'), .vector = {1, 0}});
      if (!Write(store->sink(), big).ok()) return 3;
    }
    if (!Write(store->sink(), Generation(2, 10)).ok()) return 4;
    written.Send();
    pause();
    return 0;
  });
  REQUIRE(written.Await());
  CHECK(std::filesystem::file_size(path + "-wal") > (1U << 20));
  writer.Kill();
  {
    auto index = OpenIndex(path);  // recovers the log, without a writer
    REQUIRE_OK(index);
    CHECK(FindAll(**index, kRight).size() == 300);
  }
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  CHECK(FindAll(store->index(), kRight).size() == 300);
  CHECK(FindText(store->index(), "generation2").empty());
  CHECK(store->checkpoint().ListDocuments("source", "", 10).value() == std::vector<std::string>{"doc"});
  REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(CommitGeneration(*store, 3, 5));
  CHECK(FindAll(store->index(), kRight).size() == 5);
  store = absl::CancelledError("closed");
  RequireSoundFile(path);
}

TEST_CASE("writers killed at any moment leave whole commits") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  int last = 0;
  for (int round = 0; round < 8; ++round) {
    Signal started;
    Child writer([&] {
      auto store = Store::Open(path);
      if (!store.ok() || !store->sink().EnsureCollection({TestRecipe(2)}).ok()) return 1;
      for (int generation = last + 1;; ++generation) {
        if (!CommitGeneration(*store, generation, 1 + generation % 300).ok()) return 2;
        if (generation == last + 1) started.Send();
      }
    });
    REQUIRE(started.Await());
    usleep(static_cast<useconds_t>(3000 * round + 100));
    writer.Kill();
    auto store = Store::Open(path);
    REQUIRE_OK(store);
    const auto hits = store->index().Search({.vector = kRight, .text = {}, .top_k = 1000, .mode = SearchMode::kVector});
    REQUIRE_OK(hits);
    REQUIRE_FALSE(hits->empty());
    const int generation = std::stoi(hits->front().version.token);
    CHECK(generation > last);
    last = generation;
    CHECK(hits->size() == static_cast<std::size_t>(1 + generation % 300));
    CHECK(FindText(store->index(), "generation" + std::to_string(generation)).size() == hits->size());
    const std::vector<std::string_view> ids = {"doc"};
    std::vector<std::optional<LedgerEntry>> entries;
    REQUIRE_OK(store->checkpoint().FindEntries("source", ids, entries));
    REQUIRE(entries[0].has_value());
    CHECK(entries[0]->version.token == std::to_string(generation));
  }
  RequireSoundFile(path);
}

TEST_CASE("a reader process sees whole commits only, while they happen") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  auto store = Store::Open(path);
  REQUIRE_OK(store);
  REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(CommitGeneration(*store, 1, 2));
  Signal ready;
  // Opens SQLite in the child only: connections do not survive a fork.
  Child reader([&] {
    auto index = OpenIndex(path);
    auto checkpoint = OpenCheckpoint(path);
    if (!index.ok() || !checkpoint.ok()) return 1;
    int last = 0;
    for (int reads = 0; last < 150; ++reads) {
      const auto hits = (*index)->Search({.vector = kRight, .text = "generation" + std::to_string(last), .top_k = 1000});
      if (!hits.ok() || hits->empty()) return 2;
      const int generation = std::stoi(hits->front().version.token);
      if (generation < last || hits->size() != static_cast<std::size_t>(1 + generation % 300)) return 3;
      for (const Hit& hit : *hits) {
        if (hit.version != hits->front().version || hit.text != "generation" + std::to_string(generation)) return 4;
      }
      const auto documents = (*checkpoint)->ListDocuments("source", "", 10);
      if (!documents.ok() || documents->size() != 1) return 5;
      last = generation;
      if (reads == 0) ready.Send();
    }
    return 0;
  });
  REQUIRE(ready.Await());
  for (int generation = 2; generation <= 150; ++generation)
    REQUIRE_OK(CommitGeneration(*store, generation, 1 + generation % 300));
  CHECK(reader.Wait() == 0);
}

// Writes until there is no space, and goes on when there is again. Returns 0, or the step that went wrong.
template <class TakeSpace, class GiveSpace>
int RunOutOfSpace(const std::string& path, absl::StatusCode expected, bool small_commits, const TakeSpace& take_space,
                  const GiveSpace& give_space) {
  auto store = Store::Open(path);
  if (!store.ok() || !store->sink().EnsureCollection({TestRecipe(2)}).ok()) return 1;
  if (!CommitGeneration(*store, 1, 50).ok()) return 2;
  if (!take_space()) return 3;
  absl::Status status;
  bool committing = false;
  for (int i = 0; status.ok() && i < 1000; ++i) {
    TestWrite big{.document_id = "big" + std::to_string(i)};
    big.upserts.push_back({.id = big.document_id, .text = std::string(1 << 20, '.'), .vector = {1, 0}});
    committing = false;
    status = Write(store->sink(), big);
    if (!status.ok() || !small_commits) continue;
    committing = true;
    status = Commit(store->checkpoint());
  }
  if (status.code() != expected) return 4;
  if (committing != small_commits) return 5;
  // What failed is not committed behind the caller's back, however often it asks.
  const LedgerEntry entry = TestEntry("lie");
  for (int i = 0; i < 2; ++i) {
    if (store->checkpoint().Commit({.source = "source", .entries = {&entry, 1}}).code() != expected) return 6;
    if (Write(store->sink(), TestWrite{.document_id = "more"}).code() != expected) return 7;
  }
  if (!store->index().Search({.vector = kRight, .text = {}, .mode = SearchMode::kVector}).ok()) return 8;
  if (!give_space()) return 9;
  if (!store->sink().EnsureCollection({TestRecipe(2)}).ok()) return 10;
  if (!CommitGeneration(*store, 2, 60).ok()) return 11;
  if (store->checkpoint().ListDocuments("source", "", 10).value() != std::vector<std::string>{"doc"}) return 12;
  const auto hits = store->index().Search({.vector = {}, .text = "generation2", .top_k = 100, .mode = SearchMode::kText});
  return hits.ok() && hits->size() == 60 ? 0 : 13;
}

TEST_CASE("a file that may not grow ends the run, and the last commit stands") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  const bool small_commits = GENERATE(true, false);  // the commit fails; or a write that leaves the cache
  auto limit_files = [](rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
  };
  Child writer([&] {
    signal(SIGXFSZ, SIG_IGN);
    return RunOutOfSpace(
        path, absl::StatusCode::kInternal, small_commits, [&] { return limit_files(3 << 20); },
        [&] { return limit_files(RLIM_INFINITY); });
  });
  CHECK(writer.Wait() == 0);
  RequireSoundFile(path);
}

TEST_CASE("a full disk ends the run, and the last commit stands") {
  const TempDir dir;
  const bool small_commits = GENERATE(true, false);
  constexpr int kNotAllowed = 77;
  Child writer([&] {
    // A small file system of this child's own, where it may have one.
    const std::string folder = dir.path().string();
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNotAllowed;
    if (mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=8m") != 0) return kNotAllowed;
    auto resize = [&folder](const char* size) { return mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT, size) == 0; };
    return RunOutOfSpace(
        dir / "index.db", absl::StatusCode::kFailedPrecondition, small_commits, [] { return true; },
        [&] { return resize("size=64m"); });
  });
  const int result = writer.Wait();
  if (result == kNotAllowed) {
    WARN("needs the right to mount");
  } else {
    CHECK(result == 0);
  }
}

TEST_CASE("a checkpoint used without the sink may try a failed commit again") {
  const TempDir dir;
  const std::string path = dir / "index.db";
  Child writer([&] {
    signal(SIGXFSZ, SIG_IGN);
    auto store = Store::Open(path);
    if (!store.ok()) return 1;
    LedgerEntry entry = TestEntry("big");
    entry.content_hash = std::string(4 << 20, 'h');
    const rlimit limit{2 << 20, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    if (store->checkpoint().Commit({.source = "source", .entries = {&entry, 1}}).code() != absl::StatusCode::kInternal)
      return 3;
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &unlimited) != 0) return 4;
    if (!store->checkpoint().Commit({.source = "source", .entries = {&entry, 1}}).ok()) return 5;
    return 0;
  });
  CHECK(writer.Wait() == 0);
  auto checkpoint = OpenCheckpoint(path);
  REQUIRE_OK(checkpoint);
  CHECK((*checkpoint)->ListDocuments("source", "", 10)->size() == 1);
}

}  // namespace
}  // namespace ragpipe::sqlite
