#include <absl/status/status.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"

namespace ragpipe::sqlite {
namespace {

const std::vector<float> kRight = {1, 0};

TEST_CASE("everything that may run beside a writer does, and sees whole commits") {
  const TempDir dir;
  auto store = Store::Open(dir / "index.db");
  REQUIRE_OK(store);
  REQUIRE_OK(store->sink().EnsureCollection({TestRecipe(2)}));

  constexpr int kGenerations = 60;
  auto commit = [&](int generation) {
    TestWrite write{.document_id = "doc", .version = {std::to_string(generation), {}}, .replace_all = true};
    for (int i = 0; i <= generation % 7; ++i) {
      write.upserts.push_back(
          {.id = "r" + std::to_string(i), .text = "word", .vector = {1, static_cast<float>(generation)}, .text_key = "key"});
    }
    const LedgerEntry entry = TestEntry("doc", std::to_string(generation));
    return Write(store->sink(), write).ok() && store->checkpoint().Commit({.source = "source", .entries = {&entry, 1}}).ok();
  };
  REQUIRE(commit(1));

  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  auto repeat = [&](auto check) {
    return std::thread([&stop, &wrong, check] {
      do {
        if (!check()) ++wrong;
      } while (!stop);
    });
  };
  auto whole = [](const std::vector<Hit>& hits) {
    if (hits.empty()) return false;
    for (const Hit& hit : hits) {
      if (hit.version != hits[0].version) return false;
    }
    return hits.size() == static_cast<std::size_t>(std::stoi(hits[0].version.token) % 7 + 1);
  };
  std::vector<std::thread> threads;
  for (const SearchMode mode : {SearchMode::kVector, SearchMode::kText, SearchMode::kHybrid}) {
    threads.push_back(repeat([&store, whole, mode] {
      const auto hits = store->index().Search({.vector = kRight, .text = "word", .top_k = 100, .mode = mode});
      return hits.ok() && whole(*hits) && store->index().LoadRecipe().ok();
    }));
  }
  threads.push_back(repeat([&store] {
    const std::vector<std::string_view> keys = {"key", "other"};
    std::vector<std::vector<float>> found;
    return store->sink().FindVectors(keys, found).ok() && found[0].size() == 2 && found[1].empty();
  }));
  threads.push_back(repeat([&store] {
    const std::vector<std::string_view> ids = {"doc"};
    std::vector<std::optional<LedgerEntry>> entries;
    Checkpoint& checkpoint = store->checkpoint();
    return checkpoint.FindEntries("source", ids, entries).ok() && entries[0].has_value() &&
           checkpoint.ListDocuments("source", "", 5)->size() == 1 && checkpoint.ListDeadLetters("source", "", 5).ok() &&
           checkpoint.LoadCursors("source").ok() && checkpoint.LoadRecipe().ok();
  }));

  bool written = true;
  for (int generation = 2; generation <= kGenerations; ++generation) written = commit(generation) && written;
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(written);
  CHECK(wrong == 0);
}

TEST_CASE("a file is opened while another process creates it") {
  const TempDir dir;
  std::atomic<int> file = 0;
  std::atomic<int> wrong = 0;
  constexpr int kFiles = 40;
  auto path = [&dir](int number) { return dir / ("index" + std::to_string(number) + ".db"); };
  std::thread reader([&] {
    while (file < kFiles) {
      const absl::Status status = OpenIndex(path(file)).status();
      if (!status.ok() && !absl::IsNotFound(status)) ++wrong;
    }
  });
  for (; file < kFiles; ++file) REQUIRE_OK(Store::Open(path(file)));
  reader.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace ragpipe::sqlite
