// P6. An allocation of C++ fails in a process that runs the pipeline: one, a hundred, or all from then on, in the engine, in a
// stage or in the host. The run ends truly well, says an error, or the process ends; it never says OK to what is not, and never
// hangs. What it leaves is as after a kill, and the next run makes it right. Most processes end: a thread of the engine cannot
// go on without memory.
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "proof/kill_child.h"
#include "proof/kill_judge.h"
#include "proof/kill_model.h"
#include "proof/process.h"
#include "proof/proof.h"
#include "support/failing_new.h"
#include "support/temp_dir.h"
#include "testing/hash.h"

namespace ragpipe::proof {
namespace {

constexpr unsigned kSecondsToHang = 60;
constexpr std::uint64_t kNever = ~std::uint64_t{0} >> 1;

enum class End { kWell, kError, kCrash, kHang };

struct Way {
  std::uint64_t at = kNever;
  std::uint64_t count = 1;
};

End RunAndWait(const ChildTask& task, const Way& way) {
  std::vector<std::string> arguments = {fmt::format("{}", way.at), fmt::format("{}", way.count)};
  for (std::string& argument : ToArguments(task)) arguments.push_back(std::move(argument));
  Process child("--child", arguments, task.folder / "told");
  const int status = child.Wait();
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? End::kHang : End::kCrash;
  return WEXITSTATUS(status) == 0 ? End::kWell : End::kError;
}

/// Prints how many allocations there were, and how many failed.
int RunChildWithout(const std::vector<std::string>& arguments) {
  alarm(kSecondsToHang);
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 2;  // most of them have something to say
  FailingNew::Fail(std::stoull(arguments[0]), std::stoull(arguments[1]));
  const int code = RunChild({arguments.begin() + 2, arguments.end()});
  FailingNew::Heal();
  fmt::print("{} {}\n", FailingNew::allocations(), FailingNew::failures());
  return code;
}

class Exhaustions {
 public:
  explicit Exhaustions(Tally& tally) : tally_(tally) {}

  void Run(std::uint64_t seed) {
    std::uint64_t random = seed;
    const TempDir folder;
    ChildTask task;
    task.folder = folder.path();
    task.seed = seed;
    task.source = testing::NextRandom(random) % 2 == 0 ? SourceKind::kFeed : SourceKind::kFolder;
    task.stores = testing::NextRandom(random) % 4 != 0 ? Stores::kOne : Stores::kTwo;
    const char change = "csm"[testing::NextRandom(random) % 3];
    if (change != 'c') {
      Grow(task, 'c');
      RunAndWait(task, {});
    }
    TakeJournal(task.folder);
    const std::map<std::string, int> before = KillModel(task.seed, task.history).versions();
    const KillModel model = Grow(task, change);
    Way way;
    way.at = 1 + testing::NextRandom(random) % CountOf(task, change);
    const std::uint64_t counts[] = {1, 1, 100, kNever - way.at};
    way.count = counts[testing::NextRandom(random) % 4];
    const std::string replay = fmt::format("--first {} --cases 1 ({} from allocation {})", seed,
                                           way.count > 100 ? "all" : fmt::format("{}", way.count), way.at);
    tally_.Case();
    const End end = RunAndWait(task, way);
    ++ends_[end];
    const ChildJournal journal = TakeJournal(task.folder);
    if (end == End::kHang) tally_.Violation(replay, "the run hangs");
    const absl::StatusOr<KilledContents> left = ReadContents(task, model, Where::kInPlace);
    const absl::Status judged =
        end == End::kWell ? CheckDone(task, left, model) : CheckLeft(task, left, journal, before, model);
    if (!judged.ok()) tally_.Violation(replay, (end == End::kWell ? "says OK, and " : "") + judged.ToString());

    if (RunAndWait(task, {}) != End::kWell) tally_.Violation(replay, "the next run fails");
    const absl::Status done = CheckDone(task, ReadContents(task, model, Where::kInPlace), model);
    if (!done.ok()) tally_.Violation(replay, "after the next run: " + done.ToString());
  }

  std::uint64_t ends(End end) { return ends_[end]; }

 private:
  /// How many allocations a run without a failure makes.
  std::uint64_t CountOf(const ChildTask& task, char change) {
    std::uint64_t& count = counts_[{task.source, task.stores, change}];
    if (count > 0) return count;
    const TempDir folder;
    ChildTask unharmed = task;
    unharmed.folder = folder.path();
    unharmed.history.clear();
    if (change != 'c') {
      Grow(unharmed, 'c');
      RunAndWait(unharmed, {});
    }
    Grow(unharmed, change);
    RunAndWait(unharmed, {});
    std::ifstream(unharmed.folder / "told") >> count;
    return count = std::max<std::uint64_t>(count, 1);
  }

  Tally& tally_;
  std::map<std::tuple<SourceKind, Stores, char>, std::uint64_t> counts_;
  std::map<End, std::uint64_t> ends_;
};

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally tally("P6", "operator new fails: no false success, no hang, and the next run makes it right");
  const auto start = std::chrono::steady_clock::now();
  Exhaustions exhaustions(tally);
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) exhaustions.Run(seed);
  if (arguments.cases >= 40 && (exhaustions.ends(End::kError) == 0 || exhaustions.ends(End::kCrash) == 0))
    tally.Violation("all", "no failure was ever met");
  tally.Spent(std::chrono::steady_clock::now() - start);
  return {tally};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) {
  if (argc > 4 && std::string_view(argv[1]) == "--child") return ragpipe::proof::RunChildWithout({argv + 2, argv + argc});
  return ragpipe::proof::Main(argc, argv, 60, ragpipe::proof::Prove);
}
