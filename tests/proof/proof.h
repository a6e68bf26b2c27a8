#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ragpipe::proof {

/// What a proof program was asked for.
struct Arguments {
  std::uint64_t cases = 0;  ///< seeds, kills or faults: what the program counts
  std::uint64_t first = 1;  ///< the first seed: `--first 77 --cases 1` replays seed 77
};

/// Counts the cases of one promise and tells of each that broke it. Threading: one thread.
class Tally {
 public:
  /// `promise`: as engines name it ("P1"). `what`: what is promised, in a few words.
  Tally(std::string_view promise, std::string_view what) : promise_(promise), what_(what) {}

  void Case(std::uint64_t count = 1) { cases_ += count; }

  /// Prints what was wrong and how to see it again ("--first 77 --cases 1"); a case counts as often as it says here.
  void Violation(std::string_view how_to_replay, std::string_view what_was_wrong);

  /// Adds to the time that the promise took. Time is told, never judged.
  void Spent(std::chrono::steady_clock::duration time) { spent_ += time; }

  const std::string& promise() const { return promise_; }
  const std::string& what() const { return what_; }
  std::uint64_t cases() const { return cases_; }
  std::uint64_t violations() const { return violations_; }
  double seconds() const { return std::chrono::duration<double>(spent_).count(); }

 private:
  std::string promise_;
  std::string what_;
  std::uint64_t cases_ = 0;
  std::uint64_t violations_ = 0;
  std::chrono::steady_clock::duration spent_{};
};

/// The body of main(): reads `--cases N`, `--first S` and `--json`, runs the proof and prints one row, or one JSON object, a
/// promise. Returns 0 when something was tried and nothing was broken, else 1, and 2 for arguments it does not know.
int Main(int argc, char** argv, std::uint64_t default_cases, const std::function<std::vector<Tally>(const Arguments&)>& prove);

}  // namespace ragpipe::proof
