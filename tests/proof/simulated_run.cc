#include "proof/simulated_run.h"

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/thread.h"
#include "proof/rebalanced_source.h"
#include "proof/seeded_scheduler.h"
#include "ragpipe/adapters.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/testing/fault_plan.h"
#include "ragpipe/testing/faulty_stages.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/model.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/random_program.h"

namespace ragpipe::proof {
namespace {

using namespace ragpipe::testing;
using Random = std::mt19937_64;

constexpr std::size_t kPage = 1000;

std::size_t Below(Random& random, std::size_t bound) { return static_cast<std::size_t>(random() % bound); }
bool OneIn(Random& random, std::size_t n) { return Below(random, n) == 0; }

template <class T>
T AnyOf(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + static_cast<std::ptrdiff_t>(Below(random, choices.size())));
}

/// Other chunks than ParagraphChunker's: another recipe.
absl::StatusOr<std::vector<Chunk>> SplitWhole(const Document& document) {
  std::vector<Chunk> chunks;
  if (document.text.empty()) return chunks;
  chunks.emplace_back();
  chunks.back().range = {0, document.text.size()};
  return chunks;
}

/// Everything of a run that the seed decides, apart from who runs when.
struct Setup {
  Setup(std::uint64_t seed, StoreKind chosen) : store(std::move(chosen)) {
    Random random(seed);
    using Mode = MemorySourceOptions::Mode;
    using Versions = MemorySourceOptions::Versions;
    source.mode = OneIn(random, 3) ? Mode::kSnapshot : Mode::kFeed;
    source.endless = OneIn(random, 2);
    source.lazy = OneIn(random, 3);
    source.partitions = source.mode == Mode::kFeed && OneIn(random, 2) ? 3 : 1;
    source.versions = AnyOf(random, {Versions::kNone, Versions::kToken, Versions::kTokenAndOrdinal});
    source.events_per_call = AnyOf<std::size_t>(random, {1, 3, 100});
    program.redelivers = source.mode == Mode::kFeed && source.versions == Versions::kTokenAndOrdinal && !OneIn(random, 3);
    program.most_documents = AnyOf<std::size_t>(random, {3, 8, 15});
    program.vocabulary = AnyOf<std::size_t>(random, {4, 30});
    embedder.dimension = 4;
    embedder.limits.texts = AnyOf<std::size_t>(random, {1, 3, 64});
    embedder.limits.calls = AnyOf(random, {1, 2, 3});
    options.memory_budget = AnyOf<std::size_t>(random, {1, 20'000, std::size_t{1} << 30});
    options.chunk_workers = AnyOf(random, {1, 2, 3});
    options.commit_interval = AnyOf(random, {absl::Milliseconds(1), absl::Seconds(1), absl::Hours(1)});
    options.commit_documents = AnyOf<std::size_t>(random, {1, 2, 5, 1000});
    options.record_ids = OneIn(random, 4) ? RecordIds::kDocumentIndex : RecordIds::kContent;
    options.deletion_guard.max_percent = 100;
    options.retry.max_attempts = 4;
    options.random_seed = seed + 1;
    scheduler.seed = seed;
    scheduler.switch_rate = AnyOf(random, {1.0, 0.2, 0.03});
    scheduler.stall_rate = AnyOf(random, {0.0, 0.0, 0.01});
    scheduler.early_wakes = AnyOf(random, {0.0, 0.02});  // they hide a notification that is missing
    Random other_random(seed ^ 0x5C4E3A);                // its own: the choices above stay those of the seed
    if (OneIn(other_random, 4)) DeclareSchema(other_random);
    rebalances = source.partitions > 1 && OneIn(other_random, 2);
  }

  void DeclareSchema(Random& random) {
    using Policy = SchemaPolicy;
    options.schema.fields = {{"edition", FieldType::kInteger, OneIn(random, 2)}, {"score", FieldType::kDouble}};
    options.schema.undeclared = AnyOf(random, {Policy::kEvolve, Policy::kFreeze, Policy::kDiscardField, Policy::kDeadLetter});
    options.schema.mistyped = AnyOf(random, {Policy::kEvolve, Policy::kFreeze, Policy::kDiscardField, Policy::kDeadLetter});
    options.schema.missing = AnyOf(random, {Policy::kEvolve, Policy::kFreeze, Policy::kDeadLetter});
    program.odd_fields = true;
  }

  bool has_schema() const { return !options.schema.fields.empty(); }

  MemorySourceOptions source;
  RandomProgramOptions program;
  StoreKind store;
  HashEmbedderOptions embedder;
  PipelineOptions options;
  SchedulerOptions scheduler;
  bool rebalances = false;  ///< partitions are taken away and given back
};

/// What a seed tried, and what came of it.
struct Outcome {
  std::vector<std::string> violations;
  std::vector<std::string> story;               // for whoever replays it
  std::map<std::string, StoredRecord> records;  // by id
  std::uint64_t trace = 0;
  std::uint64_t steps = 0;
  std::uint64_t runs = 0;
  std::uint64_t interruptions = 0;  // Stop, Cancel or destruction of a run in progress
  std::uint64_t crashes = 0;
  std::uint64_t faults = 0;
  std::uint64_t unknown_outcomes = 0;
  std::uint64_t redeliveries = 0;
  std::uint64_t rebalances = 0;    // partitions that were taken away
  std::uint64_t timed_stops = 0;   // whose time was compared with what it may take
  std::uint64_t counted_runs = 0;  // whose embedded texts were compared with the minimum
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Setup setup)
      : setup_(std::move(setup)),
        random_(seed * 2 + 1),
        scheduler_(setup_.scheduler),
        source_(WithClock(setup_.source)),
        program_(source_, seed * 2, setup_.program),
        store_(setup_.store.make()) {
    setup_.options.clock = &scheduler_.clock();
    scheduler_.on_stuck = [this, seed](const std::string& what) {
      for (const std::string& line : outcome_.story) fmt::print(stderr, "  {}\n", line);
      fmt::print(stderr, "P18 broken, --first {} --cases 1: {}\n", seed, what);
      std::fflush(nullptr);
      std::_Exit(1);
    };
    MakeRecipe(0);
  }

  Outcome Run() {
    scheduler_.Govern([this] {
      const std::size_t steps = 2 + Below(random_, 4);
      for (std::size_t i = 0; i < steps && outcome_.violations.empty(); ++i) Step();
      if (outcome_.violations.empty()) Finish();
    });
    for (StoredRecord& record : Records()) {
      std::string id = record.id;
      outcome_.records.emplace(std::move(id), std::move(record));
    }
    if (const std::string damage = store_->FindDamage(); !damage.empty()) Violate(damage);
    outcome_.trace = scheduler_.trace();
    outcome_.steps = scheduler_.steps();
    outcome_.redeliveries = program_.redeliveries();
    if (rebalanced_source_ != nullptr) outcome_.rebalances += rebalanced_source_->checks();
    return std::move(outcome_);
  }

 private:
  using SimulatedPipeline = Pipeline<Source&, Chunker&, Embedder&, VectorSink&, Checkpoint&>;

  MemorySourceOptions WithClock(MemorySourceOptions options) {
    options.clock = &scheduler_.clock();
    return options;
  }

  void MakeRecipe(std::size_t number) {
    if (number % 2 == 0) {
      chunker_ = std::make_unique<ParagraphChunker>();
    } else {
      chunker_ = std::make_unique<FunctionChunker>("whole", SplitWhole);
    }
    setup_.embedder.fingerprint = number < 2 ? "hash" : "another";
    embedder_ = std::make_unique<HashEmbedder>(setup_.embedder);
  }

  /// Some changes, then a run with some faults, ended somehow.
  void Step() {
    Change(Below(random_, 12));
    if (is_frozen_) Thaw();
    if (OneIn(random_, 8)) {
      MakeRecipe(Below(random_, 4));
      setup_.options.on_recipe_change = OnRecipeChange::kRebuild;
      was_rebuilt_ = true;
      Tell("another recipe");
    }
    is_settled_ = false;
    plan_ = std::make_unique<FaultPlan>(random_());
    longest_delay_ = absl::ZeroDuration();
    const bool crashes = PlanFaults();
    const bool clean = !plan_has_rules_;
    RunOnce(clean);
    if (destroyed_at_.has_value()) CheckStop(*std::exchange(destroyed_at_, std::nullopt), absl::ZeroDuration());
    outcome_.faults += static_cast<std::uint64_t>(plan_->faults(Call::kAny));
    if (crashes) {
      ++outcome_.crashes;
      const bool kept = OneIn(random_, 2);
      Tell(kept ? "crash; what is not flushed stays if it can" : "crash");
      store_->Crash(kept ? MemoryStore::UnflushedWrites::kKept : MemoryStore::UnflushedWrites::kLost);
    }
    // A sink of its own may be ahead of the ledger until the next run.
    if (setup_.store.options.shared_transaction) {
      Check("after a step", CheckLedger(source_.name(), store_->checkpoint(), Records()));
    }
    was_settled_ = is_settled_;
    settled_documents_ = program_.documents();
    program_.TakeChanges();
    was_rebuilt_ = false;
  }

  /// After faults have ended, one run makes the index right.
  void Finish() {
    plan_ = std::make_unique<FaultPlan>(1);
    plan_has_rules_ = false;
    is_finishing_ = true;
    if (setup_.has_schema()) ReadAndMend();
    // What was set aside stays so until the document changes again.
    const auto letters = store_->checkpoint().ListDeadLetters(source_.name(), "", SIZE_MAX);
    for (const DeadLetter& letter : *letters) {
      Tell("again: " + letter.document_id);
      program_.Repeat(letter.document_id);
    }
    Tell("the last run");
    RunReport report;
    {
      SimulatedPipeline pipeline = MakePipeline();
      source_.End();
      const absl::Status status = pipeline.Run(report);
      ++outcome_.runs;
      if (!status.ok()) return Violate("the run without faults failed: " + status.ToString());
    }
    Check("the last report", CheckReport(report));
    if (!report.complete) Violate("the run without faults is not complete: " + ToJson(report));
    CheckAll("at the end");
  }

  /// What a schema keeps out is set aside by a run that reads everything; then it is mended at the source.
  void ReadAndMend() {
    Thaw();  // whether a run froze depends on who ran when, and the index must not
    Tell("a run that reads everything, under: " + SchemaName());
    RunReport report;
    {
      SimulatedPipeline pipeline = MakePipeline();
      source_.End();
      const absl::Status status = pipeline.Run(report);
      ++outcome_.runs;
      if (!status.ok()) return Violate("the run that reads everything failed: " + status.ToString());
    }
    Check("the report", CheckReport(report));
    CheckKeptOut();
    program_.Mend([this](const Document& document) { return IsKeptOut(document); });
  }

  /// The host's answer to a run that froze: another schema, and so another index.
  void Thaw() {
    Schema& schema = setup_.options.schema;
    for (SchemaPolicy* const policy : {&schema.undeclared, &schema.mistyped, &schema.missing}) {
      if (*policy != SchemaPolicy::kFreeze) continue;
      *policy = policy == &schema.missing ? SchemaPolicy::kEvolve : SchemaPolicy::kDiscardField;
      setup_.options.on_recipe_change = OnRecipeChange::kRebuild;
      was_rebuilt_ = true;
    }
    is_frozen_ = false;
  }

  bool FreezesOnSomething() const {
    const Schema& schema = setup_.options.schema;
    return schema.undeclared == SchemaPolicy::kFreeze || schema.mistyped == SchemaPolicy::kFreeze ||
           schema.missing == SchemaPolicy::kFreeze;
  }

  std::string SchemaName() const {
    const Schema& schema = setup_.options.schema;
    return fmt::format("undeclared {}, mistyped {}, missing {}", ToString(schema.undeclared), ToString(schema.mistyped),
                       ToString(schema.missing));
  }

  bool IsKeptOut(const Document& document) const { return !UnderSchema(setup_.options.schema, document).has_value(); }

  /// The documents that the schema keeps out are dead letters. True when no others are.
  bool CheckKeptOut() {
    const auto letters = store_->checkpoint().ListDeadLetters(source_.name(), "", SIZE_MAX);
    std::set<std::string> set_aside;
    for (const DeadLetter& letter : *letters) set_aside.insert(letter.document_id);
    for (const auto& [id, document] : program_.documents()) {
      if (IsKeptOut(document) && set_aside.erase(id) == 0) {
        Violate(fmt::format("{} is not as declared ({}), and is no dead letter", id, SchemaName()));
      }
    }
    return set_aside.empty();
  }

  void Change(std::size_t operations) {
    for (std::size_t i = 0; i < operations; ++i) Tell(program_.Next());
  }

  /// True when the run is to end as a killed process would.
  bool PlanFaults() {
    plan_has_rules_ = !OneIn(random_, 3);
    if (!plan_has_rules_) return false;
    std::vector<std::size_t> kinds(1 + Below(random_, 3));
    for (std::size_t& kind : kinds) kind = Below(random_, 8);
    std::sort(kinds.begin(), kinds.end());  // refusals come first, and so win: no stage refuses what it has taken already
    bool crashes = false;
    for (const std::size_t kind : kinds) crashes = PlanFault(kind) || crashes;
    return crashes;
  }

  bool PlanFault(std::size_t kind) {
    const double rate = AnyOf(random_, {0.02, 0.1, 0.3});
    const int nth = 1 + static_cast<int>(Below(random_, 30));
    switch (kind) {
      case 2:
        Tell(fmt::format("faults: each call is busy at {}", rate));
        plan_->On(Call::kAny, AtRate(rate), Fail(absl::UnavailableError("busy")));
        return false;
      case 3: {
        const Call call = AnyOf(random_, {Call::kWrite, Call::kFlush, Call::kCommit, Call::kEmbed, Call::kEnsureCollection,
                                          Call::kAcknowledge, Call::kStreamChanges, Call::kSplit});
        Tell(fmt::format("faults: replies of call {} are lost at {}", static_cast<int>(call), rate));
        plan_->On(call, AtRate(rate), FailAfter(absl::DeadlineExceededError("no reply")));
        ++outcome_.unknown_outcomes;
        return false;
      }
      case 4:
        Tell(fmt::format("faults: delays at {}", rate));
        plan_->On(Call::kAny, AtRate(rate), testing::Run([this, pause = NewDelay()] { scheduler_.Sleep(pause); }));
        return false;
      case 5:
        Tell(fmt::format("faults: events come twice at {}", rate));
        plan_->On(Call::kNext, AtRate(rate), WrongResult());
        return false;
      case 0: {
        const std::string word = fmt::format("chapter {} ", Below(random_, setup_.program.vocabulary));
        Tell("faults: the embedder refuses " + word);
        plan_->On(Call::kEmbed, About([word](std::string_view text) { return text.find(word) != std::string_view::npos; }),
                  Fail(absl::InvalidArgumentError("refused")));
        return false;
      }
      case 1: {
        const Call call = AnyOf(random_, {Call::kLoad, Call::kSplit, Call::kWrite});
        const std::string id = fmt::format("doc{}", Below(random_, 10));
        Tell(fmt::format("faults: call {} refuses {}", static_cast<int>(call), id));
        plan_->On(call, About([id](std::string_view subject) { return subject == id; }),
                  Fail(absl::InvalidArgumentError("refused")));
        return false;
      }
      case 6:
        Tell(fmt::format("faults: call {} throws", nth));
        plan_->On(Call::kAny, Nth(nth), Throw());
        return false;
      default:
        Tell(fmt::format("faults: killed at call {}", nth));
        plan_->On(Call::kAny, From(nth), Fail(absl::AbortedError("killed")));
        return true;
    }
  }

  absl::Duration NewDelay() {
    const absl::Duration delay = absl::Milliseconds(1 << Below(random_, 12));
    longest_delay_ = std::max(longest_delay_, delay);
    return delay;
  }

  SimulatedPipeline MakePipeline() {
    faulty_source_ = std::make_unique<FaultySource>(source_, *plan_);
    faulty_chunker_ = std::make_unique<FaultyChunker>(*chunker_, *plan_);
    faulty_embedder_ = std::make_unique<FaultyEmbedder>(*embedder_, *plan_);
    faulty_sink_ = std::make_unique<FaultySink>(store_->sink(), *plan_);
    faulty_checkpoint_ = std::make_unique<FaultyCheckpoint>(store_->checkpoint(), *plan_);
    Source* source = faulty_source_.get();
    if (setup_.rebalances) {
      if (rebalanced_source_ != nullptr) outcome_.rebalances += rebalanced_source_->checks();
      const RebalanceOptions options{setup_.options.random_seed + outcome_.runs, !is_finishing_};
      rebalanced_source_ = std::make_unique<RebalancedSource>(*faulty_source_, store_->checkpoint(), options,
                                                              [this](std::string what) { Violate(std::move(what)); });
      source = rebalanced_source_.get();
    }
    return SimulatedPipeline{*source, *faulty_chunker_, *faulty_embedder_, *faulty_sink_, *faulty_checkpoint_, setup_.options};
  }

  void RunOnce(bool clean) {
    SimulatedPipeline pipeline = MakePipeline();
    const std::uint64_t texts_before = embedder_->counts().texts;
    RunReport report;
    absl::Status status;
    const std::size_t how = setup_.source.endless ? 1 + Below(random_, 4) : Below(random_, 6);
    ++outcome_.runs;
    if (how == 0 || how > 4) {
      status = pipeline.Run(report);
    } else if (how == 1) {  // a run that is left to settle before it is stopped
      status = pipeline.Start();
      if (setup_.source.endless) Live();
      AwaitQuiet(pipeline);
      const absl::Time begin = scheduler_.Now();
      status = pipeline.Stop(absl::Hours(1), report);
      CheckStop(begin, absl::Hours(1));
    } else if (how == 2) {
      status = pipeline.Start();
      Live();
      const absl::Duration grace = AnyOf(random_, {absl::ZeroDuration(), absl::Milliseconds(10), absl::Minutes(1)});
      const absl::Time begin = scheduler_.Now();
      status = pipeline.Stop(grace, report);
      CheckStop(begin, grace);
      ++outcome_.interruptions;
      clean = false;
    } else if (how == 3) {
      status = pipeline.Start();
      Live();
      const absl::Time begin = scheduler_.Now();
      pipeline.Cancel();
      status = pipeline.Stop(absl::Minutes(1), report);
      CheckStop(begin, absl::ZeroDuration());
      ++outcome_.interruptions;
      clean = false;
    } else {  // destroyed while it runs
      status = pipeline.Start();
      Live();
      ++outcome_.interruptions;
      destroyed_at_ = scheduler_.Now();
      return;
    }
    Tell(fmt::format("ended by way {}: {} {}", how, status.ToString(), ToJson(report)));
    Check("the report", CheckReport(report));
    is_frozen_ = absl::IsFailedPrecondition(status) && FreezesOnSomething() &&
                 std::string(status.message()).find("PipelineOptions::schema") != std::string::npos;
    if (is_frozen_) clean = false;
    if (clean && !status.ok()) Violate("a run without faults failed: " + status.ToString());
    if (clean) Compare(report, embedder_->counts().texts - texts_before);
  }

  /// A run that was told to end at `begin` has ended in time: the grace, the call that ran, and a last Flush(), Commit() and
  /// Acknowledge(). Threads that stall have no bound.
  void CheckStop(absl::Time begin, absl::Duration grace) {
    if (setup_.scheduler.stall_rate > 0) return;
    ++outcome_.timed_stops;
    constexpr absl::Duration kPoll = absl::Milliseconds(100);  // the longest that MemorySource waits for a change
    const absl::Duration took = scheduler_.Now() - begin;
    const absl::Duration allowed = grace + kPoll + longest_delay_ * 4;
    if (took > allowed) {
      Violate(fmt::format("stopping took {} with a grace of {}; {} were allowed", absl::FormatDuration(took),
                          absl::FormatDuration(grace), absl::FormatDuration(allowed)));
    }
  }

  /// The world goes on while a run does.
  void Live() {
    for (std::size_t i = Below(random_, 6); i > 0; --i) {
      scheduler_.Sleep(AnyOf(random_, {absl::ZeroDuration(), absl::Milliseconds(1), absl::Milliseconds(150)}));
      Change(Below(random_, 4));
    }
  }

  /// Until nothing has happened for longer than any thread stalls, or for five minutes: an outage may have no end.
  void AwaitQuiet(SimulatedPipeline& pipeline) {
    const int enough = setup_.scheduler.stall_rate > 0 ? 10 : 3;
    std::uint64_t seen = 0;
    int quiet_seconds = 0;
    for (int seconds = 0; seconds < 300 && quiet_seconds < enough && pipeline.IsRunning(); ++seconds) {
      scheduler_.Sleep(absl::Seconds(1));
      const RunReport::Documents documents = pipeline.Report().documents;
      quiet_seconds = documents.seen == seen && documents.pending == 0 ? quiet_seconds + 1 : 0;
      seen = documents.seen;
    }
  }

  /// After a run without faults that read everything. What it embedded lies between the bounds, if one like it came before.
  void Compare(const RunReport& report, std::uint64_t texts) {
    const auto letters = store_->checkpoint().ListDeadLetters(source_.name(), "", 1);
    if (CheckKeptOut()) CheckAll("after a run without faults");
    is_settled_ = letters->empty() && report.documents.pending == 0;
    if (!was_settled_ || !is_settled_ || was_rebuilt_) return;
    const bool finds = setup_.store.options.finds_vectors;
    const bool keeps_moved =
        finds || (setup_.store.options.patches_payload && setup_.options.record_ids == RecordIds::kContent);
    const std::vector<ModelChange> changes = program_.TakeChanges();
    const auto bounds = CountTextsToEmbed(settled_documents_, changes, *chunker_, finds, keeps_moved, setup_.source.lazy);
    ++outcome_.counted_runs;
    if (texts < bounds->least || texts > bounds->most) {
      Violate(fmt::format("{} texts were embedded; at least {} and at most {} had to be", texts, bounds->least, bounds->most));
    }
  }

  Model ModelNow() {
    return {std::string(source_.name()), program_.documents(), chunker_.get(), embedder_.get(), setup_.options.schema};
  }

  std::vector<StoredRecord> Records() {
    std::vector<StoredRecord> records;
    std::string after;
    while (true) {
      const auto ids = store_->sink().ListDocuments(source_.name(), after, kPage);
      if (!ids.ok()) Violate("the sink does not list its documents: " + ids.status().ToString());
      if (!ids.ok() || ids->empty()) return records;
      const std::vector<std::string_view> views(ids->begin(), ids->end());
      const absl::Status status = store_->sink().ReadRecords(source_.name(), views, records);
      if (!status.ok()) Violate("the sink does not read its records: " + status.ToString());
      after = ids->back();
    }
  }

  void CheckAll(std::string_view when) {
    Check(when, CheckIndex(ModelNow(), Records()));
    Check(when, CheckLedger(source_.name(), store_->checkpoint(), Records()));
  }

  void Check(std::string_view when, const std::vector<Finding>& findings) {
    if (!findings.empty()) Violate(fmt::format("{}: {}", when, ToText(findings)));
  }

  void Violate(std::string what) { outcome_.violations.push_back(std::move(what)); }
  void Tell(std::string what) { outcome_.story.push_back(std::move(what)); }

  Setup setup_;
  Random random_;
  SeededScheduler scheduler_;
  MemorySource source_;
  RandomProgram program_;
  std::unique_ptr<StoreUnderTest> store_;
  std::unique_ptr<Chunker> chunker_;
  std::unique_ptr<HashEmbedder> embedder_;
  std::unique_ptr<FaultPlan> plan_;
  bool plan_has_rules_ = false;
  absl::Duration longest_delay_;  // that the plan lets a call take
  bool is_finishing_ = false;
  std::optional<absl::Time> destroyed_at_;  // the last run, if it was
  std::unique_ptr<FaultySource> faulty_source_;
  std::unique_ptr<RebalancedSource> rebalanced_source_;
  std::unique_ptr<FaultyChunker> faulty_chunker_;
  std::unique_ptr<FaultyEmbedder> faulty_embedder_;
  std::unique_ptr<FaultySink> faulty_sink_;
  std::unique_ptr<FaultyCheckpoint> faulty_checkpoint_;
  bool is_settled_ = true;                             // the last run read everything, without faults
  bool was_settled_ = true;                            // so did the one before
  bool was_rebuilt_ = false;                           // the next run has another recipe
  bool is_frozen_ = false;                             // the last run ended at a document that is not as declared
  std::map<std::string, Document> settled_documents_;  // as the run before read them
  Outcome outcome_;
};

/// What must not depend on who ran when.
bool HasSameContent(const Outcome& a, const Outcome& b) {
  const auto contents = [](const Outcome& outcome) {
    std::map<std::string, StoredRecord> records = outcome.records;
    for (auto& [id, record] : records) {
      record.version = {};
      record.updated_at = {};
    }
    return records;
  };
  return contents(a) == contents(b);
}

void PrintStory(const Outcome& outcome) {
  for (const std::string& line : outcome.story) fmt::print(stderr, "  {}\n", line);
}

}  // namespace

std::vector<Tally> Simulate(const Arguments& arguments, const std::function<StoreKind(std::uint64_t)>& choose_store) {
  Tally committed("P1", "after a crash, ledger and index hold the same, and nothing is lost");
  Tally exact("P3", "after any fault and one clean run, the index equals the model");
  Tally unknown("P9", "an applied call whose reply was lost counts once");
  Tally late("P11", "late and repeated changes: the newest version stands");
  Tally same("P16", "same seed, same run; other thread counts, same index");
  Tally stops("P18", "Stop, Cancel and destruction at any moment end");
  Tally in_time("P18", "they end within the grace, one call and a last commit");
  Tally rebalanced("-", "partitions: revoked is committed first, of lost ones nothing is");
  Tally minimum("-", "texts embedded are the minimum");
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    const std::string replay = fmt::format("--first {} --cases 1", seed);
    const auto begin = std::chrono::steady_clock::now();
    const Setup setup(seed, choose_store(Random(seed ^ 0x5106E)()));
    const Outcome outcome = Simulation(seed, setup).Run();
    exact.Spent(std::chrono::steady_clock::now() - begin);
    exact.Case();
    committed.Case(outcome.crashes);
    unknown.Case(outcome.unknown_outcomes);
    late.Case(outcome.redeliveries);
    stops.Case(outcome.interruptions);
    in_time.Case(outcome.timed_stops);
    rebalanced.Case(outcome.rebalances);
    minimum.Case(outcome.counted_runs);
    for (const std::string& violation : outcome.violations) exact.Violation(replay, violation);
    if (!outcome.violations.empty() && arguments.cases == 1) PrintStory(outcome);
    if (!outcome.violations.empty()) continue;

    const auto again_begin = std::chrono::steady_clock::now();
    const Outcome again = Simulation(seed, setup).Run();
    Setup other = setup;
    other.options.chunk_workers = setup.options.chunk_workers % 3 + 1;
    other.embedder.limits.calls = setup.embedder.limits.calls % 3 + 1;
    const Outcome elsewhere = Simulation(seed, other).Run();
    same.Spent(std::chrono::steady_clock::now() - again_begin);
    same.Case();
    if (again.trace != outcome.trace || again.steps != outcome.steps || again.records != outcome.records) {
      same.Violation(replay, fmt::format("the second run differs: {} steps, then {}", outcome.steps, again.steps));
    }
    if (!elsewhere.violations.empty()) {
      if (arguments.cases == 1) PrintStory(elsewhere);
      exact.Violation(replay, "with other thread counts: " + elsewhere.violations.front());
    } else if (!HasSameContent(outcome, elsewhere)) {
      same.Violation(replay, "with other thread counts the index differs");
    }
  }
  return {committed, exact, unknown, late, same, stops, in_time, rebalanced, minimum};
}

}  // namespace ragpipe::proof
