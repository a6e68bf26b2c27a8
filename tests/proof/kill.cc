// Processes that die by SIGKILL at every point of a commit, while another process reads: nothing committed is lost, no reader
// sees half a document, and the next run makes the index right and pays for nothing twice.
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "proof/kill_child.h"
#include "proof/kill_judge.h"
#include "proof/kill_model.h"
#include "proof/kill_points.h"
#include "proof/kill_reader.h"
#include "proof/process.h"
#include "proof/proof.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"
#include "support/temp_dir.h"
#include "testing/hash.h"

namespace ragpipe::proof {
namespace {

using Clock = std::chrono::steady_clock;

enum class End { kByItself, kKilled, kWrong };

End RunAndWait(const ChildTask& task, Clock::duration kill_after = {}) {
  Process child("--child", ToArguments(task));
  if (kill_after > Clock::duration()) {
    std::this_thread::sleep_for(kill_after);
    child.Send(SIGKILL);
  }
  const int status = child.Wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return End::kByItself;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? End::kKilled : End::kWrong;
}

struct Tallies {
  Tally committed{"P1", "killed at any point: the file is sound, what was committed is there, whole"};
  Tally readers{"P2", "reads of another process beside the kills: every document is whole"};
  Tally rerun{"P3", "rerun after a kill: nothing lost, orphaned, doubled or stale"};
  Tally rerun_of_two{"P3", "the same, with records and ledger in two stores"};
  Tally resume{"P15", "rerun after a kill: nothing committed is read or embedded again"};
};

/// One kill: how the index came to be, what the killed run does, where it dies, and what happens next.
struct Case {
  ChildTask task;
  char change = 'c';          ///< of the killed run, as KillModel says
  bool edited_after = false;  ///< documents change again before the rerun
  bool killed_again = false;  ///< the rerun is killed, too
  Where judged = Where::kInPlace;
  Clock::duration kill_after{};
};

/// How often a run without a kill passes each point, and how long it takes.
struct Profile {
  std::vector<int> calls;
  Clock::duration duration{};
};

class Kills {
 public:
  explicit Kills(Tallies& tallies) : tallies_(tallies) {}

  void Run(std::uint64_t number) {
    const TempDir folder;
    Case kill = MakeCase(number, folder.path());
    const std::string replay =
        fmt::format("--first {} --cases 1 ({}, hit {}, {} documents, {}, {}{}{})", number,
                    ToString(KillPoints()[kill.task.point]), kill.task.hit,
                    kill.change == 'c'   ? "first"
                    : kill.change == 's' ? "some"
                                         : "most",
                    kill.task.source == SourceKind::kFeed ? "feed" : "folder",
                    kill.task.stores == Stores::kOne ? "one store" : "two stores", kill.killed_again ? ", killed again" : "",
                    kill.edited_after ? ", edited before the rerun" : "");
    RunCase(kill, replay);
  }

 private:
  /// A case is a function of its number, but for how often a point is passed, which threads decide.
  Case MakeCase(std::uint64_t number, const std::filesystem::path& folder) {
    std::vector<std::size_t> points;  // those at which most can happen, more often
    for (std::size_t point = 0; point < KillPoints().size(); ++point) {
      const KillPoint& p = KillPoints()[point];
      const bool is_rich = p.kind == KillPoint::Kind::kTime || p.file_call == FileCall::kWrite ||
                           p.file_call == FileCall::kSync || p.file_call == FileCall::kSharedMemory;
      points.insert(points.end(), is_rich && p.kind != KillPoint::Kind::kBeforeStage ? 4 : 1, point);
    }
    constexpr std::string_view kChanges = "csm";
    const std::uint64_t kinds = points.size() * kChanges.size() * 4;
    std::uint64_t kind = number * 100'003 % kinds;  // a prime: each kind once in `kinds` numbers
    auto take = [&kind](std::uint64_t count) { return std::exchange(kind, kind / count) % count; };

    Case kill;
    kill.task.folder = folder;
    kill.task.seed = number;
    kill.task.point = points[take(points.size())];
    kill.change = kChanges[take(kChanges.size())];
    kill.task.source = take(2) == 0 ? SourceKind::kFeed : SourceKind::kFolder;
    kill.task.stores = take(2) == 0 ? Stores::kOne : Stores::kTwo;
    std::uint64_t random = number;
    const Profile& profile = ProfileOf(kill);
    if (profile.calls[kill.task.point] == 0) kill.task.point = KillPoints().size() - 1;
    kill.task.hit = 1 + static_cast<int>(testing::NextUniform(random) * profile.calls[kill.task.point]);
    const double when = testing::NextUniform(random);
    if (KillPoints()[kill.task.point].kind == KillPoint::Kind::kTime) kill.kill_after = Part(profile.duration, when);
    kill.edited_after = testing::NextUniform(random) < 0.5;
    kill.killed_again = testing::NextUniform(random) < 0.25;
    kill.judged = testing::NextUniform(random) < 0.5 ? Where::kInPlace : Where::kInCopy;
    return kill;
  }

  static Clock::duration Part(Clock::duration whole, double part) {
    return std::chrono::duration_cast<Clock::duration>(whole * part);
  }

  const Profile& ProfileOf(const Case& kill) {
    Profile& profile = profiles_[{kill.task.source, kill.task.stores, kill.change}];
    if (!profile.calls.empty()) return profile;
    const TempDir folder;
    ChildTask task = kill.task;
    task.folder = folder.path();
    Prepare(task, kill.change);
    TakeJournal(task.folder);
    Grow(task, kill.change);
    const auto begin = Clock::now();
    RunAndWait(task);
    profile.duration = Clock::now() - begin;
    profile.calls = TakeJournal(task.folder).calls;
    profile.calls.resize(KillPoints().size(), 1);  // a child that failed will fail again, where it is judged
    return profile;
  }

  /// The index as it is before the killed run.
  static void Prepare(ChildTask& task, char change) {
    if (change == 'c') return;
    Grow(task, 'c');
    ChildTask unharmed = task;
    unharmed.hit = 0;
    RunAndWait(unharmed);
  }

  void RunCase(Case& kill, const std::string& replay) {
    const auto begin = Clock::now();
    ChildTask& task = kill.task;
    Prepare(task, kill.change);
    TakeJournal(task.folder);
    const std::map<std::string, int> before = KillModel(task.seed, task.history).versions();
    Process reader("--reader", {task.folder.string(), fmt::format("{}", task.seed)});
    while (!std::filesystem::exists(task.folder / "reading")) std::this_thread::sleep_for(std::chrono::milliseconds(1));

    KillModel model = Grow(task, kill.change);
    End end = RunAndWait(task, kill.kill_after);
    ChildJournal journal = TakeJournal(task.folder);
    if (end == End::kKilled) tallies_.committed.Case();
    if (end == End::kKilled && kill.killed_again) {
      const Profile& profile = ProfileOf(kill);
      std::uint64_t random = task.seed + 1;
      ChildTask unharmed = task;
      unharmed.hit = 0;
      end = RunAndWait(unharmed, Part(profile.duration, testing::NextUniform(random)) + Clock::duration(1));
      ChildJournal second = TakeJournal(task.folder);
      if (end == End::kKilled) tallies_.committed.Case();
      second.committed.insert(second.committed.end(), journal.committed.begin(), journal.committed.end());
      journal = std::move(second);
    }
    if (end == End::kWrong) tallies_.committed.Violation(replay, "the child failed instead of dying");
    const absl::StatusOr<KilledContents> left = ReadContents(task, model, kill.judged);
    if (const absl::Status status = CheckLeft(task, left, journal, before, model); !status.ok()) {
      tallies_.committed.Violation(replay, status.ToString());
    }
    tallies_.committed.Spent(Clock::now() - begin);

    const auto again = Clock::now();
    if (kill.edited_after) model = Grow(task, 's');
    Tally& rerun = task.stores == Stores::kOne ? tallies_.rerun : tallies_.rerun_of_two;
    rerun.Case();
    task.hit = 0;
    if (RunAndWait(task) != End::kByItself) rerun.Violation(replay, "the rerun failed");
    const ChildJournal resumed = TakeJournal(task.folder);
    if (const absl::Status status = CheckDone(task, ReadContents(task, model, Where::kInPlace), model); !status.ok()) {
      rerun.Violation(replay, status.ToString());
    }
    rerun.Spent(Clock::now() - again);
    if (left.ok() && end == End::kKilled && kill.judged == Where::kInPlace) {
      tallies_.resume.Case();
      if (const absl::Status status = CheckResume(task, *left, journal, resumed, model); !status.ok()) {
        tallies_.resume.Violation(replay, status.ToString());
      }
    }

    reader.Send(SIGTERM);
    reader.Wait();
    const ReaderNotes notes = TakeReaderNotes(task.folder);
    tallies_.readers.Case(notes.reads);
    tallies_.readers.Spent(Clock::now() - begin);
    for (const std::string& violation : notes.violations) tallies_.readers.Violation(replay, violation);
  }

  static absl::Status CheckResume(const ChildTask& task, const KilledContents& left, const ChildJournal& killed,
                                  const ChildJournal& resumed, const KillModel& model) {
    std::set<std::string> deleted;  // a feed tells of each deletion, also where the document came again
    for (const auto& changes : model.steps()) {
      for (const KillModel::Change& change : changes) {
        if (!change.version.has_value()) deleted.insert(change.id);
      }
    }
    for (const std::string& text : resumed.embedded) {
      if (deleted.contains(text.substr(text.rfind(' ') + 1))) continue;
      if (left.texts.contains(text)) return absl::InternalError(fmt::format("'{}' was embedded again", text));
    }
    if (task.stores == Stores::kTwo) return absl::OkStatus();  // what only the records hold is read again
    std::size_t read_twice = 0;
    for (const std::string& id : resumed.loaded) {
      const auto held = left.documents.find(id);
      const auto wanted = model.versions().find(id);
      if (held != left.documents.end() && wanted != model.versions().end() && held->second == wanted->second) {
        return absl::InternalError(fmt::format("{} was committed and read again", id));
      }
      read_twice += std::find(killed.loaded.begin(), killed.loaded.end(), id) != killed.loaded.end() ? 1U : 0U;
    }
    if (read_twice > kMostDocumentsInFlight)
      return absl::InternalError(fmt::format("{} documents were read again", read_twice));
    return absl::OkStatus();
  }

  Tallies& tallies_;
  std::map<std::tuple<SourceKind, Stores, char>, Profile> profiles_;
};

std::vector<Tally> Prove(const Arguments& arguments) {
  Tallies tallies;
  Kills kills(tallies);
  for (std::uint64_t number = arguments.first; number < arguments.first + arguments.cases; ++number) kills.Run(number);
  return {tallies.committed, tallies.readers, tallies.rerun, tallies.rerun_of_two, tallies.resume};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "--child") return ragpipe::proof::RunChild({argv + 2, argv + argc});
  if (role == "--reader") return ragpipe::proof::RunReader({argv + 2, argv + argc});
  return ragpipe::proof::Main(argc, argv, 300, ragpipe::proof::Prove);
}
