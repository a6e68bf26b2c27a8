// A service that keeps an index up to date while it answers questions from it. Changes come for as long as the process lives,
// here as lines on standard input:
//
//     put ID TEXT      index a document, or its new text
//     delete ID        remove it
//     ask QUESTION     the three best answers, with everything in them that was accepted before
//     report           what was done so far
//     quit             the same as the end of the input, SIGINT or SIGTERM: finish what was accepted, then leave
//
//     cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/ragpipe/is/installed
//     cmake --build build
//     build/service notes.db
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/recursive_chunker.h"

namespace {

// Together below the 30 seconds that container platforms wait between SIGTERM and SIGKILL.
constexpr absl::Duration kPatience = absl::Seconds(20);  // for what was accepted to reach the index
constexpr absl::Duration kGrace = absl::Seconds(5);      // for work in flight

/// An endless feed of what the host puts into it. Changes are numbered, and a change's number is its cursor: so the source
/// learns from Acknowledge() how far the index is. The numbers begin anew with each process, so they are no versions.
/// Threading: from any thread.
class QueueSource final : public ragpipe::Source {
 public:
  std::string_view name() const override { return "queue"; }

  absl::StatusOr<std::unique_ptr<ragpipe::ChangeStream>> StreamChanges(
      std::span<const ragpipe::PartitionCursor> /*since*/) override {
    return std::make_unique<Stream>(*this);
  }

  void Put(std::string id, std::string text) {
    ragpipe::Change change;
    change.document_id = id;
    ragpipe::Document& document = change.document.emplace();
    document.id = std::move(id);
    document.text = std::move(text);
    document.media_type = "text/plain";
    document.updated_at = absl::Now();
    Push(std::move(change));
  }

  void Delete(std::string id) {
    ragpipe::Change change;
    change.kind = ragpipe::Change::Kind::kDelete;
    change.document_id = std::move(id);
    Push(std::move(change));
  }

  /// False when what was accepted so far is not in the index within `timeout`.
  bool AwaitIndexed(absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    const std::uint64_t accepted = accepted_;
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [&] { return indexed_ >= accepted; });
  }

 private:
  class Stream final : public ragpipe::ChangeStream {
   public:
    explicit Stream(QueueSource& source) : source_(source) {}

    absl::Status Next(absl::Time deadline, std::vector<ragpipe::Event>& out) override {
      constexpr std::size_t kEventsPerCall = 100;
      std::unique_lock lock(source_.mutex_);
      source_.changed_.wait_until(lock, absl::ToChronoTime(deadline), [this] { return !source_.queue_.empty(); });
      for (std::size_t i = 0; i < kEventsPerCall && !source_.queue_.empty(); ++i) {
        out.emplace_back(std::move(source_.queue_.front()));
        source_.queue_.pop_front();
      }
      return absl::OkStatus();
    }

    absl::Status Acknowledge(std::span<const ragpipe::PartitionCursor> committed) override {
      const std::lock_guard lock(source_.mutex_);
      for (const ragpipe::PartitionCursor& position : committed) {
        std::from_chars(position.cursor.data(), position.cursor.data() + position.cursor.size(), source_.indexed_);
      }
      source_.changed_.notify_all();
      return absl::OkStatus();
    }

   private:
    QueueSource& source_;
  };

  void Push(ragpipe::Change change) {
    const std::lock_guard lock(mutex_);
    change.resume_after = std::to_string(++accepted_);
    queue_.push_back(std::move(change));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ragpipe::Change> queue_;
  std::uint64_t accepted_ = 0;  // the number of the newest change
  std::uint64_t indexed_ = 0;   // all up to this one are committed
};

/// Lines of standard input, until its end or a signal. The signals are blocked in every thread and arrive here as readable
/// bytes, so nothing runs in a signal handler.
class Commands {
 public:
  explicit Commands(int signal_fd) : signal_fd_(signal_fd) {}

  std::optional<std::string> Next() {
    while (true) {
      if (const std::size_t end = unread_.find('\n'); end != std::string::npos) {
        std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        return line;
      }
      std::array<pollfd, 2> inputs = {{{STDIN_FILENO, POLLIN, 0}, {signal_fd_, POLLIN, 0}}};
      if (poll(inputs.data(), inputs.size(), -1) < 0 && errno != EINTR) return std::nullopt;
      if (inputs[1].revents != 0) return std::nullopt;
      if (inputs[0].revents == 0) continue;
      std::array<char, 4096> block;
      const ssize_t size = read(STDIN_FILENO, block.data(), block.size());
      if (size <= 0) return unread_.empty() ? std::nullopt : std::optional(std::exchange(unread_, {}));
      unread_.append(block.data(), static_cast<std::size_t>(size));
    }
  }

 private:
  int signal_fd_;
  std::string unread_;
};

/// What must not be lost in a service: each change that was set aside.
struct ErrorLog final : ragpipe::Observer {
  void OnDeadLetter(const ragpipe::DeadLetter& letter) override {
    std::cerr << "service: " << letter.document_id << " was set aside: " << letter.reason << '\n';
  }
  void OnRetry(ragpipe::Stage stage, const absl::Status& error, int attempt, absl::Duration pause) override {
    std::cerr << "service: " << ToString(stage) << ", attempt " << attempt << ": " << error << "; again in " << pause << '\n';
  }
};

/// Cuts the first word off `line`.
std::string TakeWord(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t end = std::min(line.find(' ', begin), line.size());
  const std::string word(line.substr(begin, end - begin));
  line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
  return word;
}

void Print(const ragpipe::RunReport& report) {
  std::cout << report.documents.seen << " changes: " << report.documents.processed << " indexed, " << report.documents.unchanged
            << " unchanged, " << report.documents.deleted << " deleted, " << report.documents.failed << " failed, "
            << report.documents.pending << " pending; " << report.chunks.embedded << " chunks embedded" << std::endl;
}

absl::Status Answer(ragpipe::Index& index, ragpipe::Embedder& embedder, std::string_view question) {
  auto retriever = ragpipe::Retriever::Open(index, embedder);
  if (!retriever.ok()) return retriever.status();
  auto hits = retriever->Search({.text = std::string(question), .top_k = 3});
  if (!hits.ok()) return hits.status();
  for (const ragpipe::Hit& hit : *hits) std::cout << hit.document_id << ": " << hit.text << '\n';
  std::cout << hits->size() << " answers" << std::endl;
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  std::cerr << "service: " << status << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return Fail(absl::InvalidArgumentError("usage: service INDEX"));

  // Before the first thread is started: threads inherit it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
  if (signal_fd < 0) return Fail(absl::ErrnoToStatus(errno, "signalfd"));

  auto store = ragpipe::sqlite::Store::Open(argv[1]);
  if (!store.ok()) return Fail(store.status());
  auto model = ragpipe::embed::DefaultModel();
  if (!model.ok()) return Fail(model.status());
  auto chunker = ragpipe::text::RecursiveChunker::Create(model->tokenizer(), {.max_tokens = 256});
  if (!chunker.ok()) return Fail(chunker.status());

  QueueSource source;
  ErrorLog log;
  ragpipe::Pipeline pipeline{source, *chunker, *model, store->sink(), store->checkpoint(), {.observer = &log}};
  if (absl::Status status = pipeline.Start(); !status.ok()) return Fail(status);

  Commands commands(signal_fd);
  while (const std::optional<std::string> line = commands.Next()) {
    std::string_view rest = *line;
    const std::string command = TakeWord(rest);
    if (command == "put") {
      std::string id = TakeWord(rest);
      source.Put(std::move(id), std::string(rest));
    } else if (command == "delete") {
      source.Delete(TakeWord(rest));
    } else if (command == "ask") {
      if (!source.AwaitIndexed(kPatience)) std::cerr << "service: the index is behind; the answers may be old\n";
      if (absl::Status status = Answer(store->index(), *model, rest); !status.ok()) std::cerr << "service: " << status << '\n';
    } else if (command == "report") {
      Print(pipeline.Report());
    } else if (command == "quit") {
      break;
    } else if (!command.empty()) {
      std::cerr << "service: unknown command '" << command << "'; use put, delete, ask, report or quit\n";
    }
  }

  // A queue in memory dies with the process, so what was accepted gets its time; a feed that can be read again needs Stop()
  // only.
  const bool is_indexed = source.AwaitIndexed(kPatience);
  ragpipe::RunReport report;
  const absl::Status status = pipeline.Stop(kGrace, report);
  Print(report);
  if (!status.ok()) return Fail(status);
  if (!is_indexed) return Fail(absl::DeadlineExceededError("stopped before everything that was accepted was indexed"));
  return 0;
}
