#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"

namespace ragpipe::testing {

/// The calls that can go wrong.
enum class Call {
  kAny,  ///< in FaultPlan::On(): all of the below, numbered together
  kStreamChanges,
  kNext,
  kLoad,
  kAcknowledge,
  kSplit,
  kEmbed,
  kEnsureCollection,
  kWrite,
  kFlush,
  kFindVectors,
  kLoadCursors,
  kCommit,
  kLoadRecipe,
  kFindEntries,
  kListDocuments,
  kListDeadLetters,
  kListStored,  ///< VectorSink::ListDocuments()
  kReadRecords,
};

/// One call, as a condition sees it.
struct CallInfo {
  int number = 0;                              ///< of calls of this kind, from 1
  std::span<const std::string_view> subjects;  ///< the texts of kEmbed, the document ids of kLoad, kSplit, kWrite and kCommit
  double dice = 0;                             ///< uniform in [0, 1), from the plan's seed and `number`
};

using When = std::function<bool(const CallInfo&)>;

RAGPIPE_EXPORT When Always();
RAGPIPE_EXPORT When Nth(int number);                                         ///< that call only
RAGPIPE_EXPORT When From(int number);                                        ///< that call and all after it
RAGPIPE_EXPORT When Between(int first, int last);                            ///< both included
RAGPIPE_EXPORT When AtRate(double rate);                                     ///< each call with this probability
RAGPIPE_EXPORT When About(std::function<bool(std::string_view)> predicate);  ///< holds for one of the subjects

/// What then happens.
struct Fault {
  enum class Kind { kFail, kFailAfter, kThrow, kDelay, kRun, kRunAfter, kWrongResult };

  Kind kind = Kind::kFail;
  absl::Status status = {};
  absl::Duration delay = {};
  std::function<void()> run = {};
};

RAGPIPE_EXPORT Fault Fail(absl::Status status);            ///< the call is not made
RAGPIPE_EXPORT Fault FailAfter(absl::Status status);       ///< the call is made and its result lost: a reply that never came
RAGPIPE_EXPORT Fault Throw();                              ///< a std::runtime_error; the call is not made
RAGPIPE_EXPORT Fault Delay(absl::Duration delay);          ///< really slept, then the call is made
RAGPIPE_EXPORT Fault Run(std::function<void()> run);       ///< does this, then the call is made
RAGPIPE_EXPORT Fault RunAfter(std::function<void()> run);  ///< the call is made, then this is done
RAGPIPE_EXPORT Fault WrongResult();                        ///< OK with a wrong result; faulty_stages.h says which

/// What goes wrong, and when. The stages of faulty_stages.h ask it at every call; of the rules that apply to one, the first
/// given wins.
///
///     FaultPlan plan;
///     plan.On(Call::kEmbed, Nth(3), Fail(absl::UnavailableError("busy")));
///     plan.On(Call::kEmbed, About([](std::string_view text) { return text.starts_with("poison"); }),
///             Fail(absl::InvalidArgumentError("refused")));
///     plan.On(Call::kWrite, AtRate(0.1), FailAfter(absl::DeadlineExceededError("no reply")));
///     plan.On(Call::kAny, From(17), Fail(absl::InternalError("killed")));  // a crash, as the stores see it
///
/// Threading: from any thread. The number of a call among those that run at once is a matter of luck.
class RAGPIPE_EXPORT FaultPlan final {
 public:
  explicit FaultPlan(std::uint64_t seed = 1);

  void On(Call call, When when, Fault fault);
  void Clear();  ///< from now on nothing goes wrong; calls are counted on

  int calls(Call call) const;   ///< made so far
  int faults(Call call) const;  ///< of those, the ones that a rule applied to

  /// Counts the call and says what shall happen to it: a copy of its own, of kind kDelay and no delay when nothing.
  Fault Next(Call call, std::span<const std::string_view> subjects = {});

 private:
  struct Rule {
    Call call;
    When when;
    Fault fault;
    std::uint64_t seed;
  };

  mutable std::mutex mutex_;
  std::uint64_t random_;
  std::vector<Rule> rules_;
  std::map<Call, int> calls_;
  std::map<Call, int> faults_;
};

}  // namespace ragpipe::testing
