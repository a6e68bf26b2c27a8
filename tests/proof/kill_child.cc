#include "proof/kill_child.h"

#include <absl/status/status.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "proof/kill_model.h"
#include "proof/kill_points.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/virtual_clock.h"

namespace ragpipe::proof {
namespace {

using testing::Call;
using testing::CallInfo;

/// Lines of a letter and a value. What was written outlives the process.
class Journal {
 public:
  explicit Journal(const std::filesystem::path& folder)
      : file_(open((folder / "journal").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {}
  ~Journal() { close(file_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void Write(char what, std::string_view value) {
    const std::string line = fmt::format("{} {}\n", what, value);
    if (write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::perror("journal");
  }

 private:
  int file_;
};

/// Writes down what was committed.
class ReportingCheckpoint final : public Checkpoint {
 public:
  ReportingCheckpoint(Checkpoint& checkpoint, Journal& journal) : checkpoint_(checkpoint), journal_(journal) {}

  absl::Status Commit(const CommitRequest& request) override {
    absl::Status status = checkpoint_.Commit(request);
    if (!status.ok()) return status;
    for (const LedgerEntry& entry : request.entries) {
      if (!entry.content_hash.empty()) journal_.Write('c', entry.document_id);  // else it is only about to be written
    }
    for (const std::string& id : request.forgotten) journal_.Write('c', id);
    return status;
  }
  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override {
    return checkpoint_.LoadCursors(source);
  }
  const void* transaction() const override { return checkpoint_.transaction(); }
  bool keeps_ledger() const override { return true; }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override { return checkpoint_.LoadRecipe(); }
  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> ids,
                           std::vector<std::optional<LedgerEntry>>& out) override {
    return checkpoint_.FindEntries(source, ids, out);
  }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    return checkpoint_.ListDocuments(source, after, limit);
  }
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override {
    return checkpoint_.ListDeadLetters(source, after, limit);
  }

 private:
  Checkpoint& checkpoint_;
  Journal& journal_;
};

/// A sink that knows nothing of the checkpoint: what Write() returned is durable, as in a remote store.
class DurableSink final : public VectorSink {
 public:
  explicit DurableSink(sqlite::Store& store) : store_(store) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override {
    absl::Status status = store_.sink().EnsureCollection(spec);
    return status.ok() ? MakeDurable() : status;
  }
  absl::Status Write(std::span<const DocumentWrite> writes) override {
    absl::Status status = store_.sink().Write(writes);
    return status.ok() ? MakeDurable() : status;
  }
  absl::Status Flush() override { return absl::OkStatus(); }
  bool patches_payload() const override { return store_.sink().patches_payload(); }
  absl::Status FindVectors(std::span<const std::string_view> keys, std::vector<std::vector<float>>& out) override {
    return store_.sink().FindVectors(keys, out);
  }

 private:
  absl::Status MakeDurable() {
    CommitRequest request;
    request.source = "own";
    return store_.checkpoint().Commit(request);
  }

  sqlite::Store& store_;
};

/// The feed that the history left: each child replays it with the same cursors.
std::unique_ptr<Source> OpenFeed(const KillModel& model) {
  auto source = std::make_unique<testing::MemorySource>(
      testing::MemorySourceOptions{.mode = testing::MemorySourceOptions::Mode::kFeed, .lazy = true, .events_per_call = 7});
  for (const auto& changes : model.steps()) {
    for (const KillModel::Change& change : changes) {
      if (!change.version.has_value()) {
        source->Delete(change.id);
        continue;
      }
      Document document;
      document.id = change.id;
      document.text = model.TextOf(change.id, *change.version);
      document.version.token = fmt::format("v{}", *change.version);
      source->Put(std::move(document));
    }
  }
  return source;
}

/// The files, at a time when none of them is new: so each has a version token.
std::unique_ptr<Source> OpenFolder(const std::filesystem::path& folder, Clock& later) {
  return std::make_unique<fs::DirectorySource>((folder / "documents").string(),
                                               fs::DirectorySourceOptions{.name = "folder", .clock = &later});
}

int Fail(const absl::Status& status) {
  fmt::print(stderr, "child: {}\n", status.ToString());
  return 1;
}

int Run(const ChildTask& task) {
  const KillPoint& point = KillPoints()[task.point];
  WatchFileCalls(point.file_call, point.kind == KillPoint::Kind::kFile ? task.hit : 0);
  Journal journal(task.folder);
  testing::FaultPlan plan;
  plan.On(
      Call::kLoad,
      [&journal](const CallInfo& call) {
        journal.Write('l', call.subjects.front());
        return false;
      },
      testing::Run(Die));
  const auto when = testing::Nth(task.hit);
  if (point.kind == KillPoint::Kind::kBeforeStage) plan.On(point.call, when, testing::Run(Die));
  if (point.kind == KillPoint::Kind::kAfterStage) plan.On(point.call, when, testing::RunAfter(Die));

  const KillModel model(task.seed, task.history);
  testing::VirtualClock later(absl::Now() + absl::Hours(1));
  const std::unique_ptr<Source> source = task.source == SourceKind::kFeed ? OpenFeed(model) : OpenFolder(task.folder, later);
  const testing::ParagraphChunker chunker;
  testing::HashEmbedder embedder({.limits = {.texts = 4}, .on_call = [&journal](const EmbedRequest& request) {
                                    for (const std::string_view text : request.texts) {
                                      journal.Write('e', text.substr(0, text.find(',')));
                                    }
                                    return absl::OkStatus();
                                  }});
  {
    auto store = sqlite::Store::Open(task.folder / "index.db");
    if (!store.ok()) return Fail(store.status());
    auto second = task.stores == Stores::kTwo ? sqlite::Store::Open(task.folder / "ledger.db") : absl::UnknownError("none");
    if (task.stores == Stores::kTwo && !second.ok()) return Fail(second.status());
    DurableSink durable(*store);
    ReportingCheckpoint checkpoint(task.stores == Stores::kTwo ? second->checkpoint() : store->checkpoint(), journal);

    testing::FaultySource faulty_source(*source, plan);
    testing::FaultyChunker faulty_chunker(chunker, plan);
    testing::FaultyEmbedder faulty_embedder(embedder, plan);
    testing::FaultySink faulty_sink(task.stores == Stores::kTwo ? durable : store->sink(), plan);
    testing::FaultyCheckpoint faulty_checkpoint(checkpoint, plan);
    PipelineOptions options;
    options.memory_budget = std::size_t{16} << 10;
    options.commit_documents = 4;
    options.chunk_workers = 2;
    options.deletion_guard.max_percent = 100;
    Pipeline pipeline{faulty_source, faulty_chunker, faulty_embedder, faulty_sink, faulty_checkpoint, options};
    RunReport report;
    if (absl::Status status = pipeline.Run(report); !status.ok()) return Fail(status);
    if (!report.complete) return Fail(absl::InternalError(ToText(report)));
  }
  for (const KillPoint& counted : KillPoints()) {
    const int calls = counted.kind == KillPoint::Kind::kTime   ? 1
                      : counted.kind == KillPoint::Kind::kFile ? CountOf(counted.file_call)
                                                               : plan.calls(counted.call);
    journal.Write('n', fmt::format("{}", calls));
  }
  return 0;
}

}  // namespace

std::vector<std::string> ToArguments(const ChildTask& task) {
  return {task.folder.string(),
          fmt::format("{}", task.seed),
          task.history,
          task.source == SourceKind::kFeed ? "feed" : "folder",
          task.stores == Stores::kOne ? "one" : "two",
          fmt::format("{}", task.point),
          fmt::format("{}", task.hit)};
}

int RunChild(const std::vector<std::string>& arguments) {
  if (arguments.size() != 7) return 2;
  ChildTask task;
  task.folder = arguments[0];
  task.seed = std::stoull(arguments[1]);
  task.history = arguments[2];
  task.source = arguments[3] == "feed" ? SourceKind::kFeed : SourceKind::kFolder;
  task.stores = arguments[4] == "one" ? Stores::kOne : Stores::kTwo;
  task.point = std::stoul(arguments[5]);
  task.hit = std::stoi(arguments[6]);
  return Run(task);
}

ChildJournal TakeJournal(const std::filesystem::path& folder) {
  ChildJournal journal;
  std::ifstream file(folder / "journal");
  for (std::string line; std::getline(file, line);) {
    if (line.size() < 2) continue;
    std::string value = line.substr(2);
    if (line[0] == 'l') journal.loaded.push_back(std::move(value));
    if (line[0] == 'e') journal.embedded.push_back(std::move(value));
    if (line[0] == 'c') journal.committed.push_back(std::move(value));
    if (line[0] == 'n') journal.calls.push_back(std::stoi(value));
  }
  std::filesystem::remove(folder / "journal");
  return journal;
}

}  // namespace ragpipe::proof
