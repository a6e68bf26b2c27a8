// P8. A host's own embedder and sink speak HTTP/1.1 over loopback, with and without TLS, to services that they reach through a
// proxy which cuts, stalls, doubles, spoils and refuses what passes (fault_proxy.h). Random programs of changes run beside
// that; then the network heals, and what the service holds is compared with chunks and vectors made anew from the documents.
// The seed decides the program, the stages and the order of faults; threads and sockets are real, so which request meets which
// fault may differ when it is replayed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proof/connection.h"
#include "proof/fault_proxy.h"
#include "proof/http_service.h"
#include "proof/http_stages.h"
#include "proof/proof.h"
#include "ragpipe/observer.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/retry.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/check_embedder.h"
#include "ragpipe/testing/check_vector_sink.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/testing/model.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/random_program.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using namespace ragpipe::testing;
using namespace std::chrono_literals;
using Random = std::mt19937_64;
using Mode = MemorySourceOptions::Mode;

#ifdef RAGPIPE_SANITIZED
constexpr std::chrono::milliseconds kTimeout = 300ms;
#else
constexpr std::chrono::milliseconds kTimeout = 60ms;
#endif
constexpr std::chrono::milliseconds kPatience = 2min;  // while nothing is wrong: no check depends on speed

constexpr int kEnoughAttempts =
    8;  // after the heal: more than connections that were kept, each of which may hold an old answer

bool OneIn(Random& random, std::uint64_t n) { return random() % n == 0; }

template <class T>
T AnyOf(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + static_cast<std::ptrdiff_t>(random() % choices.size()));
}

/// Everything that the seed decides, apart from faults and programs.
struct Setup {
  explicit Setup(std::uint64_t seed) {
    Random random(seed);
    is_continuous = OneIn(random, 3);
    has_tls = OneIn(random, 3);
    ledger_in_file = OneIn(random, 3);
    is_stopped = !is_continuous && OneIn(random, 3);
    source.mode = is_continuous || OneIn(random, 2) ? Mode::kFeed : Mode::kSnapshot;
    source.endless = is_continuous || is_stopped;
    source.lazy = OneIn(random, 3);
    source.events_per_call = AnyOf<std::size_t>(random, {1, 3, 100});
    source.partitions = source.mode == Mode::kFeed && OneIn(random, 2) ? 3 : 1;
    service.embedder.dimension = AnyOf<std::size_t>(random, {8, 8, 8, 2000});  // many: a message is more than a buffer holds
    service.store.shared_transaction = false;
    service.store.patches_payload = sink.patches_payload = !OneIn(random, 3);
    service.store.finds_vectors = sink.finds_vectors = !OneIn(random, 3);
    service.most_texts = AnyOf<std::size_t>(random, {2, 64});
    service.most_documents = AnyOf<std::size_t>(random, {2, 1000});
    if (OneIn(random, 3)) service.refused_word = fmt::format("chapter {} ", random() % 30);
    if (OneIn(random, 3)) service.refused_document = fmt::format("doc{}", random() % 8);
    limits.texts = AnyOf<std::size_t>(random, {1, 4, 64});
    limits.calls = AnyOf(random, {1, 2, 3});
    options.memory_budget = AnyOf<std::size_t>(random, {1, 20'000, std::size_t{32} << 20});
    options.chunk_workers = AnyOf(random, {1, 2});
    options.commit_interval = AnyOf(random, {absl::Milliseconds(1), absl::Milliseconds(100)});
    options.commit_documents = AnyOf<std::size_t>(random, {1, 3, 1000});
    options.record_ids = OneIn(random, 4) ? RecordIds::kDocumentIndex : RecordIds::kContent;
    options.deletion_guard.max_percent = 100;
    options.retry.max_attempts = is_continuous ? 1'000'000 : AnyOf(random, {3, 8});
    options.retry.initial_backoff = absl::Milliseconds(1);
    options.retry.max_backoff = absl::Milliseconds(4);
    options.random_seed = seed + 1;
  }

  bool is_continuous = false;  ///< one run outlasts all faults
  bool is_stopped = false;     ///< runs are started, and stopped in the middle of faults
  bool has_tls = false;
  bool ledger_in_file = false;
  MemorySourceOptions source;
  HttpServiceOptions service;
  HttpSinkOptions sink;
  EmbedLimits limits;
  PipelineOptions options;
};

/// Sees whether the pauses that the service asks for are kept.
class PauseWatch final : public Observer {
 public:
  void OnRetry(Stage stage, const absl::Status& error, int /*attempt*/, absl::Duration pause) override {
    const std::optional<absl::Duration> asked = GetRetryAfter(error);
    if (!asked.has_value()) return;
    ++pauses;
    if (pause >= *asked) return;
    cut_short =
        fmt::format("{}: {} asked for, {} kept", ToString(stage), absl::FormatDuration(*asked), absl::FormatDuration(pause));
  }

  std::uint64_t pauses = 0;  // as the next, to be read when nothing runs
  std::string cut_short;
};

/// What the seeds tried, by name.
using Tried = std::map<std::string, std::uint64_t>;

class Case {
 public:
  Case(std::uint64_t seed, const TlsPair& tls)
      : setup_(seed),
        random_(seed * 2 + 1),
        source_(setup_.source),
        program_(source_, seed * 2),
        service_(setup_.service),
        proxy_(service_.port(), setup_.has_tls ? tls.server : nullptr, seed),
        client_([this] { return proxy_.Resolve(); }, setup_.has_tls ? tls.client : nullptr),
        model_(setup_.service.embedder),
        embedder_(client_, model_.dimension(), model_.Fingerprint(), setup_.limits),
        sink_(client_, setup_.sink) {
    client_.SetTimeout(kPatience);
    setup_.options.observer = &watch_;
    if (setup_.ledger_in_file) {
      auto store = sqlite::Store::Open(folder_ / "ledger.db");
      if (store.ok()) file_.emplace(*std::move(store));
      if (!store.ok()) Violate(store.status().ToString());
    }
  }

  void Run() {
    if (violations.empty()) setup_.is_continuous ? RunContinuously() : RunAgainAndAgain();
    if (violations.empty() && stuck.empty()) Finish();
    Expect(violations, "a pause", watch_.cut_short);
  }

  bool is_continuous() const { return setup_.is_continuous; }

  void Count(Tried& tried) const {
    const auto faults = proxy_.counts();
    for (std::size_t i = 0; i < kFaults; ++i) tried[std::string(ToString(static_cast<NetworkFault>(i)))] += faults[i];
    tried["requests on a used connection"] += client_.reused();
    tried["answers of other requests"] += client_.misplaced();
    tried["changes that came twice"] += service_.counts().repeated;
    tried["changes that came late"] += service_.counts().outdated;
    tried["pauses asked for"] += watch_.pauses;
    tried["refused documents"] += refused_;
    tried[setup_.is_stopped ? "stopped" : "not stopped"] += 1;
    tried[setup_.has_tls ? "with TLS" : "without TLS"] += 1;
    tried[setup_.ledger_in_file ? "with a ledger in a file" : "with a ledger in memory"] += 1;
  }

  std::vector<std::string> violations;       // after the heal
  std::vector<std::string> false_successes;  // beside the faults
  std::string stuck;                         // the continuous run, if it did not catch up
  std::vector<std::string> story;            // for whoever replays it
  std::uint64_t runs_beside = 0;             // and comparisons
  double drained_s = 0;

 private:
  using HttpPipeline = Pipeline<Source&, Chunker&, Embedder&, VectorSink&, Checkpoint&>;

  HttpPipeline MakePipeline() { return {source_, chunker_, embedder_, sink_, checkpoint(), setup_.options}; }
  Checkpoint& checkpoint() { return file_.has_value() ? file_->checkpoint() : memory_.checkpoint(); }

  void Change(std::uint64_t operations) {
    for (; operations > 0; --operations) Tell(program_.Next());
    changes_ += program_.TakeChanges().size();
  }

  void BeginFaults() {
    const double rate = AnyOf(random_, {0.05, 0.2, 0.5, 1.0});
    Tell(fmt::format("faults at {}", rate));
    client_.SetTimeout(kTimeout);
    proxy_.Begin(rate);
  }

  void Heal() {
    Tell("the network heals");
    client_.SetTimeout(kPatience);
    proxy_.Heal();
    healed_ = std::chrono::steady_clock::now();
  }

  double SinceHeal() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - healed_).count(); }

  /// Runs beside faults, as a timer would start them; then one without.
  void RunAgainAndAgain() {
    for (std::uint64_t runs = 1 + random_() % 3; runs > 0; --runs) {
      Change(1 + random_() % 12);
      BeginFaults();
      RunReport report;
      const absl::Status status = RunBesideFaults(report);
      Tell(fmt::format("{} {}", status.ToString(), ToJson(report)));
      ++runs_beside;
      Expect(false_successes, "a run beside faults", ToText(CheckReport(report)));
      const bool must_be_done = report.complete || (status.ok() && !setup_.is_stopped);
      if (must_be_done) Expect(false_successes, "OK or complete beside faults", CheckSettled(report));
      if (!status.ok() && !IsTransient(status)) false_successes.push_back("not of the network: " + status.ToString());
      if (!status.ok() && report.complete) false_successes.push_back("complete, and failed: " + status.ToString());
      Heal();
    }
    source_.End();
    if (OneIn(random_, 2)) Change(1 + random_() % 5);
    setup_.options.retry.max_attempts = kEnoughAttempts;
    RunReport report;
    const absl::Status status = MakePipeline().Run(report);
    drained_s = SinceHeal();
    Tell(fmt::format("{} {}", status.ToString(), ToJson(report)));
    if (!status.ok()) return Violate("the run after the heal failed: " + status.ToString());
    Expect(violations, "after the heal", CheckSettled(report));
  }

  absl::Status RunBesideFaults(RunReport& report) {
    HttpPipeline pipeline = MakePipeline();
    if (!setup_.is_stopped) return pipeline.Run(report);
    if (absl::Status status = pipeline.Start(); !status.ok()) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 100));
    return pipeline.Stop(absl::Milliseconds(random_() % 2 * 20), report);
  }

  /// One run that outlasts all faults.
  void RunContinuously() {
    HttpPipeline pipeline = MakePipeline();
    if (const absl::Status status = pipeline.Start(); !status.ok()) return Violate("Start(): " + status.ToString());
    for (std::uint64_t periods = 1 + random_() % 3; periods > 0; --periods) {
      BeginFaults();
      for (std::uint64_t changes = 1 + random_() % 6; changes > 0; --changes) {
        Change(1 + random_() % 3);
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 40));
      }
      Heal();
      if (OneIn(random_, 2)) std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 20));
    }
    RunReport report = pipeline.Report();
    const auto is_drained = [&] { return report.documents.seen == changes_ && report.documents.pending == 0; };
    while (!is_drained() && pipeline.IsRunning() && SinceHeal() < std::chrono::duration<double>(kPatience).count()) {
      std::this_thread::sleep_for(1ms);
      report = pipeline.Report();
    }
    drained_s = SinceHeal();
    const bool has_caught_up = is_drained();
    const absl::Status status = pipeline.Stop(absl::Minutes(1), report);
    Tell(fmt::format("{} {}", status.ToString(), ToJson(report)));
    if (!has_caught_up || !status.ok()) {
      stuck = status.ToString() + " " + ToJson(report);
    } else {
      Expect(violations, "after the heal", CheckSettled(report));
    }
  }

  /// The service takes what it refused; then ledger and service are compared, by the library, too.
  void Finish() {
    service_.RefuseNothing();
    setup_.options.retry.max_attempts = kEnoughAttempts;
    RunReport report;
    absl::Status status = MakePipeline().ReplayDeadLetters({}, report);
    if (!status.ok()) return Violate("ReplayDeadLetters(): " + status.ToString());
    Expect(violations, "after ReplayDeadLetters()", CheckSettled(report));
    for (const bool faulty : {true, false}) {
      if (faulty) BeginFaults();
      VerifyReport verified;
      status = MakePipeline().Verify({}, verified);
      if (faulty) Heal();
      if (faulty) ++runs_beside;
      std::vector<std::string>& broken = faulty ? false_successes : violations;
      if (!status.ok() && !(faulty && IsTransient(status))) broken.push_back("Verify(): " + status.ToString());
      if (status.ok() && !verified.is_sound()) broken.push_back("Verify() of a sound index: " + ToText(verified));
    }
    source_.End();
    status = MakePipeline().Run(report);
    if (!status.ok() || !report.complete || report.documents.processed + report.documents.deleted + report.embed.calls != 0) {
      Violate("a run with nothing new: " + status.ToString() + " " + ToJson(report));
    }
  }

  /// Of documents that the service refuses the index keeps what it had; else it holds what the source does. Empty = sound.
  std::string CheckSettled(const RunReport& report) {
    std::vector<StoredRecord> records;
    for (auto& [id, record] : service_.records()) records.push_back(record);
    std::string fault = ToText(CheckReport(report)) + ToText(CheckLedger(source_.name(), checkpoint(), records));
    Model model{std::string(source_.name()), program_.documents(), &chunker_, &model_};
    const std::set<std::string> refused = Refused(model);
    for (const std::string& id : refused) model.documents.erase(id);
    std::erase_if(records, [&](const StoredRecord& record) { return refused.count(record.document_id) != 0; });
    fault += ToText(CheckIndex(model, records));
    std::set<std::string> letters;
    const auto listed = checkpoint().ListDeadLetters(source_.name(), "", SIZE_MAX);
    for (const DeadLetter& letter : *listed) letters.insert(letter.document_id);
    if (letters != refused) fault += fmt::format("{} dead letters, {} refused documents", letters.size(), refused.size());
    if (report.complete && !refused.empty()) fault += "it says that it is complete";
    // A run that is stopped did not see the end of its feed; a document may be refused, and gone later in the same run.
    const bool should_be = refused.empty() && !setup_.is_continuous && report.documents.failed == 0;
    if (should_be && !report.complete) fault += "it does not say that it is complete";
    refused_ += refused.size();
    return fault;
  }

  std::set<std::string> Refused(const Model& model) {
    std::set<std::string> refused;
    const HttpServiceOptions rules = service_.options();
    const auto records = ExpectedRecords(model);
    for (const StoredRecord& record : *records) {
      const bool has_word = !rules.refused_word.empty() && record.text.find(rules.refused_word) != std::string::npos;
      if (has_word || record.document_id == rules.refused_document) refused.insert(record.document_id);
    }
    return refused;
  }

  void Expect(std::vector<std::string>& broken, std::string_view when, const std::string& fault) {
    if (!fault.empty()) broken.push_back(fmt::format("{}: {}", when, fault));
  }
  void Violate(std::string what) { violations.push_back(std::move(what)); }
  void Tell(std::string what) { story.push_back(std::move(what)); }

  Setup setup_;
  Random random_;
  MemorySource source_;
  RandomProgram program_;
  std::uint64_t changes_ = 0;
  HttpService service_;
  FaultProxy proxy_;
  HttpClient client_;
  HashEmbedder model_;  // what the service embeds with
  HttpEmbedder embedder_;
  HttpSink sink_;
  ParagraphChunker chunker_;
  TempDir folder_;
  std::optional<sqlite::Store> file_;
  PauseWatch watch_;
  MemoryStore memory_{{.shared_transaction = false}};
  std::chrono::steady_clock::time_point healed_;
  std::uint64_t refused_ = 0;
};

/// The host's stages keep their contracts while the network is well.
std::string CheckStages() {
  struct Remote {
    HttpService service{{.embedder = {.dimension = 4}, .store = {.shared_transaction = false}}};
    HttpClient client{[this] { return service.port(); }, nullptr};
    HttpEmbedder embedder{client, 4, "hash", {}};
    HttpSink sink{client, {}};
  };
  const auto make_embedder = [] {
    const auto remote = std::make_shared<Remote>();
    return std::shared_ptr<Embedder>(remote, &remote->embedder);
  };
  const std::function<SinkUnderTest(std::shared_ptr<Remote>)> under_test = [&](std::shared_ptr<Remote> remote) {
    SinkUnderTest test;
    test.sink = std::shared_ptr<VectorSink>(remote, &remote->sink);
    test.read = [remote]() -> absl::StatusOr<std::vector<StoredRecord>> {
      std::vector<StoredRecord> records;
      for (auto& [id, record] : remote->service.records()) records.push_back(record);
      return records;
    };
    test.reopen = [&under_test, remote] { return under_test(remote); };
    return test;
  };
  VectorSinkCheckOptions options;
  options.not_stored = [](StoredRecord& record) { record.chunk.text.reset(); };
  return ToText(CheckEmbedder(make_embedder)) +
         ToText(CheckVectorSink([&] { return under_test(std::make_shared<Remote>()); }, options));
}

std::pair<std::ptrdiff_t, std::ptrdiff_t> OpenFilesAndThreads() {
  const auto count = [](const char* folder) { return std::distance(std::filesystem::directory_iterator(folder), {}); };
  return {count("/proc/self/fd"), count("/proc/self/task")};
}

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally exact("P8", "network faults of all kinds: nothing lost, doubled or stale afterwards");
  Tally truthful("P8", "runs beside network faults: none says OK or complete without being so");
  Tally drained("P8", "a continuous run catches up by itself when the network heals");
  const TlsPair tls = MakeTlsPair();
  if (const std::string fault = CheckStages(); !fault.empty()) exact.Violation("any seed", "the stages: " + fault);
  const auto before = OpenFilesAndThreads();
  Tried tried;
  std::vector<double> drain_times_s;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    const std::string replay = fmt::format("proof_network --first {} --cases 1", seed);
    const auto begin = std::chrono::steady_clock::now();
    const auto one = std::make_unique<Case>(seed, tls);
    one->Run();
    exact.Spent(std::chrono::steady_clock::now() - begin);
    exact.Case();
    truthful.Case(one->runs_beside);
    drained.Case(one->is_continuous() ? 1 : 0);
    for (const std::string& what : one->violations) exact.Violation(replay, what);
    for (const std::string& what : one->false_successes) truthful.Violation(replay, what);
    if (!one->stuck.empty()) drained.Violation(replay, one->stuck);
    if (arguments.cases == 1 && exact.violations() + truthful.violations() + drained.violations() > 0) {
      for (const std::string& line : one->story) fmt::print(stderr, "  {}\n", line);
    }
    drain_times_s.push_back(one->drained_s);
    one->Count(tried);
  }
  for (const auto& [what, count] : tried) {
    if (count == 0 && arguments.cases >= 100) exact.Violation("proof_network", "no case had: " + what);
  }
  const auto patience = std::chrono::steady_clock::now() + 10s;  // a thread that was joined may be listed for a moment
  while (OpenFilesAndThreads() != before && std::chrono::steady_clock::now() < patience) std::this_thread::sleep_for(1ms);
  if (OpenFilesAndThreads() != before) exact.Violation("proof_network", "a file, socket or thread was left");
  std::sort(drain_times_s.begin(), drain_times_s.end());
  if (!drain_times_s.empty()) {
    fmt::print(stderr, "proof_network: from the heal until drained: {:.0f} ms in the median, {:.0f} ms at most\n",
               1e3 * drain_times_s[drain_times_s.size() / 2], 1e3 * drain_times_s.back());
  }
  return {exact, truthful, drained};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  // Durability is not what is proved here: memory spares the disk.
  if (std::filesystem::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 0);
  return ragpipe::proof::Main(argc, argv, 100, ragpipe::proof::Prove);
}
