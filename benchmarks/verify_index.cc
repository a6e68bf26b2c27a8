// What does Pipeline::Verify() cost? Fills a store with documents of 4.4 KB in the mean, then, in a process of its own each,
// reads ledger, records and vectors once in the order of the file, by SQLite alone, and verifies all of it. Prints seconds of
// each, and how much memory a process holds at most beyond what it holds with the store open.
//
//     verify_index [DOCUMENTS]      default 100000; the store is a file of 1.2 GB beside the program, kept for the next time
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "corpus.h"
#include "null_embedder.h"
#include "ragpipe/default_model/default_model.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/markdown_chunker.h"

using namespace ragpipe;

namespace {

double PeakMib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double Seconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// As many documents, each made from its number when it is loaded.
class Documents final : public Source, public ChangeStream {
 public:
  explicit Documents(std::size_t count) : count_(count) {}

  std::string_view name() const override { return "documents"; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
    return std::make_unique<Documents>(count_);
  }
  absl::Status Next(absl::Time, std::vector<Event>& out) override {
    for (int i = 0; i < 256 && next_ < count_; ++i, ++next_) {
      Change change;
      change.document_id = std::to_string(next_);
      change.version.token = "1";
      change.size_hint = 4400;
      out.emplace_back(std::move(change));
    }
    if (next_ == count_) out.emplace_back(EndOfFeed{});
    return absl::OkStatus();
  }
  absl::StatusOr<Document> Load(const Change& change) override {
    std::mt19937_64 random(std::stoull(change.document_id));
    Document document;
    document.id = change.document_id;
    document.media_type = "text/markdown";
    document.text = MakeMarkdown(random, 1000 + random() % 6800);
    document.metadata = {{"number", static_cast<std::int64_t>(random() % 1000)}};
    return document;
  }

 private:
  std::size_t count_;
  std::size_t next_ = 0;
};

template <class Use>
int WithPipeline(const std::string& path, std::size_t count, const Use& use) {
  auto model = embed::DefaultModel();
  auto store = sqlite::Store::Open(path);
  if (!model.ok() || !store.ok()) return 1;
  auto chunker = text::MarkdownChunker::Create(model->tokenizer(), {.max_tokens = 512});
  if (!chunker.ok()) return 1;
  Pipeline pipeline{Documents{count}, *std::move(chunker), NullEmbedder{384}, store->sink(), store->checkpoint()};
  const absl::Status status = use(pipeline);
  if (!status.ok()) std::fprintf(stderr, "verify_index: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

int Fill(const std::string& path, std::size_t count) {
  return WithPipeline(path, count, [](auto& pipeline) {
    RunReport report;
    return pipeline.Run(report);
  });
}

int Read(const std::string& path) {
  const auto begin = std::chrono::steady_clock::now();
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) return 1;
  std::size_t bytes = 0;
  for (const char* sql :
       {"SELECT * FROM ledger", "SELECT * FROM documents", "SELECT * FROM records", "SELECT * FROM vectors"}) {
    sqlite3_stmt* row = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &row, nullptr) != SQLITE_OK) return 1;
    while (sqlite3_step(row) == SQLITE_ROW) {
      for (int column = 0; column < sqlite3_column_count(row); ++column) {
        sqlite3_column_blob(row, column);
        bytes += static_cast<std::size_t>(sqlite3_column_bytes(row, column));
      }
    }
    sqlite3_finalize(row);
  }
  sqlite3_close(db);
  std::printf("read    %6.2f s, %zu MiB\n", Seconds(begin), bytes >> 20);
  return 0;
}

int Verify(const std::string& path, std::size_t count) {
  return WithPipeline(path, count, [](auto& pipeline) {
    const double before = PeakMib();
    const auto begin = std::chrono::steady_clock::now();
    VerifyReport report;
    absl::Status status = pipeline.Verify({}, report);
    const double seconds = Seconds(begin);
    std::printf("verify  %6.2f s, %llu documents, %llu records, %llu damaged; %.0f documents/s; %.0f MiB beyond %.0f\n",
                seconds, static_cast<unsigned long long>(report.documents), static_cast<unsigned long long>(report.records),
                static_cast<unsigned long long>(report.damaged_documents), static_cast<double>(report.documents) / seconds,
                PeakMib() - before, before);
    return status;
  });
}

/// In a process of its own: the memory of one step is not another's.
template <class Step>
bool Run(const Step& step) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int code = step();
    std::fflush(stdout);
    _exit(code);
  }
  int code = 1;
  waitpid(child, &code, 0);
  return code == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const std::string path = std::string(argv[0]) + "." + std::to_string(count) + ".db";
  const bool is_filled = std::filesystem::exists(path);
  if (!is_filled && !Run([&] { return Fill(path, count); })) return 1;
  for (int i = 0; i < 3; ++i) {
    if (!Run([&] { return Read(path); }) || !Run([&] { return Verify(path, count); })) return 1;
  }
  return 0;
}
