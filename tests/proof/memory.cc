// P14. Documents of 10 B to 60 MB, bodies read as the engine asks for them, while nobody stalls, or the sink, the embedder or
// the checkpoint does. What was read and not written stays within the budget, or is one document; and the peak of resident
// memory, as the kernel tells it of a process of its own, within 1.25 of the budget and a little more. Where one document takes
// more than the budget, that takes its place.
#include <absl/status/status.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "proof/process.h"
#include "proof/proof.h"
#include "ragpipe/adapters.h"
#include "ragpipe/pipeline.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

constexpr std::size_t kMib = std::size_t{1} << 20;
constexpr std::size_t kDimension = 384;
constexpr std::size_t kChunkBytes = 2048;
constexpr std::size_t kLargest = 60'000'000;

// A chunk's share of a document's memory: bytes, vector, and what the engine knows of it.
constexpr std::size_t kBytesOfChunk = kChunkBytes + kDimension * sizeof(float) + 1024;

// What a process has beside the budget: stacks, the listing, the last answers to its allocations.
constexpr std::size_t kSlack = 12 * kMib;

// What thousands of small documents take beyond their bytes: malloc rounds them up, and cannot give back what lies between
// them.
constexpr double kOfAllocator = 1.25;

#ifdef RAGPIPE_SANITIZED
constexpr bool kMeasures = false;  // a sanitizer has shadow memory, and a heap that keeps what is freed
#else
constexpr bool kMeasures = true;
#endif

enum class Stall { kNobody, kSink, kEmbedder, kCheckpoint };
constexpr std::string_view kStalls[] = {"nobody", "the sink", "the embedder", "the checkpoint"};

struct Case {
  explicit Case(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    stall = static_cast<Stall>(seed % 4);
    budget = (random() % 2 == 0 ? 8 : 48) * kMib;
    const std::size_t most = seed / 4 % 3 == 0 ? kLargest : seed / 4 % 3 == 1 ? 1'000'000 : 20'000;
    std::uniform_real_distribution<double> logarithm(std::log(10.0), std::log(static_cast<double>(most)));
    for (std::size_t sum = 0; sum < 3 * budget; sum += sizes.back())
      sizes.push_back(static_cast<std::size_t>(std::exp(logarithm(random))));
    if (most == kLargest) sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(random() % sizes.size()), kLargest);
  }

  std::size_t limit() const {
    const std::size_t largest = *std::max_element(sizes.begin(), sizes.end());
    const std::size_t counted = std::max(budget, largest / kChunkBytes * kBytesOfChunk);
    return static_cast<std::size_t>(kOfAllocator * static_cast<double>(counted)) + kSlack;
  }

  Stall stall = Stall::kNobody;
  std::size_t budget = 0;
  std::vector<std::size_t> sizes;
};

/// What was read and not written, as the stages see it.
class Meter {
 public:
  explicit Meter(std::size_t budget) : budget_(budget) {}

  void Sent(std::size_t changes) {
    const std::lock_guard lock(mutex_);
    sent_ += changes;
  }
  void Asked() {
    const std::lock_guard lock(mutex_);
    ++reads_;
    constexpr std::size_t kLeastOfDocument = 1024;
    const std::size_t ahead = sent_ - written_;
    if (ahead > 1 && ahead * kLeastOfDocument > budget_) Keep(fmt::format("asks for more with {} changes ahead", ahead));
  }
  void Read(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    ++reads_;
    ++held_;
    bytes_ += bytes;
    if (held_ > 1 && bytes_ > budget_) Keep(fmt::format("holds {} bodies of {} bytes", held_, bytes_));
  }
  void Written(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    --held_;
    ++written_;
    bytes_ -= bytes;
  }

  /// Waits until nothing was read for a while: what a stage does that stalls.
  void AwaitQuiet() {
    for (std::uint64_t before = ~std::uint64_t{0}; before != reads();) {
      before = reads();
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    const std::lock_guard lock(mutex_);
    read_while_stalled_ = held_ + written_;
  }

  std::uint64_t reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }
  std::size_t read_while_stalled() const { return read_while_stalled_; }
  const std::string& wrong() const { return wrong_; }

 private:
  void Keep(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  mutable std::mutex mutex_;
  const std::size_t budget_;
  std::uint64_t reads_ = 0;
  std::size_t sent_ = 0;
  std::size_t held_ = 0;
  std::size_t written_ = 0;
  std::size_t bytes_ = 0;
  std::size_t read_while_stalled_ = 0;
  std::string wrong_;
};

/// Documents of the given sizes, whose bodies are made when they are read.
class Bodies final : public Source, public ChangeStream {
 public:
  Bodies(const std::vector<std::size_t>& sizes, Meter& meter) : sizes_(sizes), meter_(meter) {}

  std::string_view name() const override { return "bodies"; }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor>) override {
    return std::make_unique<Bodies>(sizes_, meter_);
  }
  absl::Status Next(absl::Time, std::vector<Event>& out) override {
    meter_.Asked();
    const std::size_t end = std::min(next_ + 100, sizes_.size());
    meter_.Sent(end - next_);
    for (; next_ < end; ++next_) {
      Change change;
      change.document_id = fmt::format("{}", next_);
      change.size_hint = sizes_[next_];
      out.emplace_back(std::move(change));
    }
    if (next_ == sizes_.size()) out.emplace_back(EndOfFeed{});
    return absl::OkStatus();
  }
  absl::StatusOr<Document> Load(const Change& change) override {
    meter_.Read(change.size_hint);
    Document document;
    document.id = change.document_id;
    document.text.assign(change.size_hint, 'x');
    for (std::size_t i = 0; i < document.text.size(); i += kChunkBytes)  // no two chunks are equal
      document.text.replace(i, std::min<std::size_t>(20, document.text.size() - i),
                            fmt::format("{:>10}{:>10}", change.document_id, i));
    document.text.resize(change.size_hint);
    return document;
  }

 private:
  const std::vector<std::size_t>& sizes_;
  Meter& meter_;
  std::size_t next_ = 0;
};

absl::StatusOr<std::vector<Chunk>> Split(const Document& document) {
  std::vector<Chunk> chunks((document.text.size() + kChunkBytes - 1) / kChunkBytes);
  for (std::size_t i = 0; i < chunks.size(); ++i)
    chunks[i].range = {i * kChunkBytes, std::min(document.text.size(), (i + 1) * kChunkBytes)};
  return chunks;
}

class ConstantEmbedder final : public Embedder {
 public:
  explicit ConstantEmbedder(std::function<void()> on_call) : on_call_(std::move(on_call)) {}
  std::size_t dimension() const override { return kDimension; }
  std::string Fingerprint() const override { return "constant"; }
  absl::Status Embed(const EmbedRequest&, std::span<float> out) override {
    on_call_();
    std::fill(out.begin(), out.end(), 0.5F);
    return absl::OkStatus();
  }

 private:
  const std::function<void()> on_call_;
};

/// Runs the case. A stage that stalls does so once, in its first call.
std::string Run(const Case& what) {
  Meter meter(what.budget);
  std::mutex stalling;  // for which other calls of the stage wait
  bool has_stalled = false;
  const auto stall = [&](Stall stage) {
    const std::lock_guard lock(stalling);
    if (what.stall == stage && !std::exchange(has_stalled, true)) meter.AwaitQuiet();
  };
  FunctionSink sink([&](std::span<const DocumentWrite> writes) {
    stall(Stall::kSink);
    for (const DocumentWrite& write : writes) meter.Written(what.sizes[std::stoul(std::string(write.document_id))]);
    return absl::OkStatus();
  });
  FunctionCheckpoint checkpoint([](std::string_view) { return std::vector<PartitionCursor>(); },
                                [&](const CommitRequest&) {
                                  stall(Stall::kCheckpoint);
                                  return absl::OkStatus();
                                });
  ConstantEmbedder embedder([&] { stall(Stall::kEmbedder); });
  FunctionChunker chunker("windows", Split);
  Pipeline pipeline{
      Bodies(what.sizes, meter), chunker, embedder, sink, checkpoint, {.memory_budget = what.budget, .commit_documents = 10}};
  RunReport report;
  if (const absl::Status status = pipeline.Run(report); !status.ok()) return status.ToString();
  if (!report.complete || report.documents.processed != what.sizes.size()) return "the run is not complete: " + ToJson(report);
  if (!meter.wrong().empty()) return meter.wrong();
  if (what.stall != Stall::kNobody && (meter.read_while_stalled() == 0 || meter.read_while_stalled() == what.sizes.size()))
    return fmt::format("{} of {} documents were read while a stage stalled", meter.read_while_stalled(), what.sizes.size());
  return "";
}

/// A line of /proc/self/status, in bytes.
std::size_t ReadStatus(std::string_view name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stoul(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

/// Prints by how much the memory grew, and what was wrong.
int RunChild(std::uint64_t seed) {
  mallopt(M_MMAP_THRESHOLD, 64 << 10);  // what is freed goes back to the system, so that glibc's habits are not measured
  mallopt(M_ARENA_MAX, 2);
  Case what(seed);
  Case small(seed);
  small.stall = Stall::kNobody;
  small.sizes.assign(50, 20'000);
  Run(small);  // what is allocated once, is
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak is now what is held now
  const std::size_t before = ReadStatus("VmRSS:");
  const std::string wrong = Run(what);
  fmt::print("{} {}\n", ReadStatus("VmHWM:") - before, wrong);
  return 0;
}

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally tally("P14", "a stage stalls, documents of 10 B to 60 MB: memory within 1.25 of the budget");
  const TempDir folder;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    tally.Case();
    const Case what(seed);
    Process child("--child", {fmt::format("{}", seed)}, folder / "told");
    const int status = child.Wait();
    std::size_t grown = 0;
    std::string wrong;
    std::ifstream told(folder / "told");
    told >> grown;
    std::getline(told >> std::ws, wrong);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) wrong = fmt::format("the process ended with {}", status);
    if (wrong.empty() && kMeasures && grown > what.limit())
      wrong = fmt::format("memory grew by {} KiB; {} may be", grown / 1024, what.limit() / 1024);
    if (!wrong.empty()) {
      tally.Violation(fmt::format("--first {} --cases 1 (budget of {} MiB, {} stalls)", seed, what.budget / kMib,
                                  kStalls[static_cast<std::size_t>(what.stall)]),
                      wrong);
    }
  }
  tally.Spent(std::chrono::steady_clock::now() - start);
  return {tally};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--child") return ragpipe::proof::RunChild(std::stoull(argv[2]));
  return ragpipe::proof::Main(argc, argv, 12, ragpipe::proof::Prove);
}
