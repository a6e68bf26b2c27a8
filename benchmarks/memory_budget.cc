// Does PipelineOptions::memory_budget hold? Documents of 10 B to 60 MB, sizes drawn log-uniformly, through a real chunker into
// a sink that drops them, while nobody stalls, the sink stalls, or the embedder does: what stalls rests in its first call until
// nothing was read for half a second. Prints for each by how much the peak of resident memory exceeds that of a process that
// has run before, and its ratio to the budget. Each row is a process of its own.
//
//     memory_budget [BUDGET_MIB]
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "corpus.h"
#include "null_embedder.h"
#include "ragpipe/adapters.h"
#include "ragpipe/default_model/default_model.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/text/recursive_chunker.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kDimension = 384;
constexpr std::size_t kMib = std::size_t{1} << 20;

double PeakMib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::atomic<std::size_t> bodies_read = 0;

/// Documents of the given sizes, whose bodies are made when they are loaded.
class Bodies final : public Source, public ChangeStream {
 public:
  Bodies(std::vector<std::size_t> sizes, std::string_view text) : sizes_(std::move(sizes)), text_(text) {}

  std::string_view name() const override { return "bodies"; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
    return std::make_unique<Bodies>(sizes_, text_);
  }
  absl::Status Next(absl::Time, std::vector<Event>& out) override {
    const std::size_t end = std::min(next_ + 256, sizes_.size());
    for (; next_ < end; ++next_) {
      Change change;
      change.document_id = std::to_string(next_);
      change.size_hint = sizes_[next_];
      out.emplace_back(std::move(change));
    }
    if (next_ == sizes_.size()) out.emplace_back(EndOfFeed{});
    return absl::OkStatus();
  }
  absl::StatusOr<Document> Load(const Change& change) override {
    ++bodies_read;
    Document document;
    document.id = change.document_id;
    document.text.reserve(change.size_hint);
    while (document.text.size() < change.size_hint) {
      document.text.append(text_.substr(0, change.size_hint - document.text.size()));
    }
    return document;
  }

 private:
  std::vector<std::size_t> sizes_;
  std::string_view text_;
  std::size_t next_ = 0;
};

/// Rests in its first call until everything before it has run full; other calls wait for that one.
class Staller {
 public:
  explicit Staller(bool stalls) : stalls_(stalls) {}
  void Call() {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(stalls_, false)) return;
    for (std::size_t before = 0; before != bodies_read;) {
      before = bodies_read;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  }

 private:
  std::mutex mutex_;
  bool stalls_;
};

class StallingEmbedder final : public Embedder {
 public:
  explicit StallingEmbedder(Staller& staller) : staller_(staller) {}
  std::size_t dimension() const override { return kDimension; }
  std::string Fingerprint() const override { return null_.Fingerprint(); }
  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override {
    staller_.Call();
    return null_.Embed(request, out);
  }

 private:
  NullEmbedder null_{kDimension};
  Staller& staller_;
};

enum class Stall { kNobody, kSink, kEmbedder };

absl::Status Run(std::vector<std::size_t> sizes, std::string_view text, std::size_t budget, Stall stall) {
  auto model = embed::DefaultModel();
  if (!model.ok()) return model.status();
  auto chunker = text::RecursiveChunker::Create(model->tokenizer(), {.max_tokens = 512});
  if (!chunker.ok()) return chunker.status();
  Staller sink_staller(stall == Stall::kSink);
  Staller embedder_staller(stall == Stall::kEmbedder);
  FunctionSink sink([&sink_staller](std::span<const DocumentWrite>) {
    sink_staller.Call();
    return absl::OkStatus();
  });
  FunctionCheckpoint checkpoint([](std::string_view) { return std::vector<PartitionCursor>(); },
                                [](const CommitRequest&) { return absl::OkStatus(); });
  StallingEmbedder embedder(embedder_staller);
  Pipeline pipeline{Bodies(std::move(sizes), text), *std::move(chunker), embedder, sink, checkpoint, {.memory_budget = budget}};
  RunReport report;
  if (absl::Status status = pipeline.Run(report); !status.ok()) return status;
  return report.complete ? absl::OkStatus() : absl::InternalError("the run is not complete");
}

/// Log-uniform from `smallest` to `largest`, until they sum up to `total`.
std::vector<std::size_t> Sizes(std::size_t smallest, std::size_t largest, std::size_t total) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> logarithm(std::log(static_cast<double>(smallest)),
                                                   std::log(static_cast<double>(largest)));
  std::vector<std::size_t> sizes;
  for (std::size_t sum = 0; sum < total; sum += sizes.back()) {
    sizes.push_back(static_cast<std::size_t>(std::exp(logarithm(random))));
  }
  return sizes;
}

int Measure(std::string_view name, std::size_t budget, Stall stall, const std::vector<std::size_t>& sizes) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    std::mt19937_64 random(1);
    const std::string text = MakeMarkdown(random, kMib);
    absl::Status status = Run({100'000, 100'000, 100'000, 100'000}, text, budget, Stall::kNobody);  // caches fill
    malloc_trim(0);
    const double before = PeakMib();
    if (status.ok()) status = Run(sizes, text, budget, stall);
    const double grown = PeakMib() - before;
    if (!status.ok()) std::fprintf(stderr, "memory_budget: %s\n", status.ToString().c_str());
    std::printf("%-44.*s %8zu %12.0f %8.2f\n", static_cast<int>(name.size()), name.data(), budget / kMib, grown,
                grown / static_cast<double>(budget / kMib));
    std::fflush(stdout);
    _exit(status.ok() ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t budget = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 256) * kMib;
  const std::vector<std::size_t> all = Sizes(10, 60'000'000, 3 * budget);
  const std::vector<std::size_t> small = Sizes(10, 100'000, 2 * budget);
  std::printf("%-44s %8s %12s %8s\n", "", "budget", "grown, MiB", "ratio");
  int failed = 0;
  failed |= Measure("10 B to 60 MB", budget, Stall::kNobody, all);
  failed |= Measure("10 B to 60 MB, the sink stalls", budget, Stall::kSink, all);
  failed |= Measure("10 B to 60 MB, the embedder stalls", budget, Stall::kEmbedder, all);
  failed |= Measure("10 B to 100 KB", budget, Stall::kNobody, small);
  failed |= Measure("10 B to 100 KB, the sink stalls", budget, Stall::kSink, small);
  failed |= Measure("10 B to 100 KB, the embedder stalls", budget, Stall::kEmbedder, small);
  return failed == 0 ? 0 : 1;
}
