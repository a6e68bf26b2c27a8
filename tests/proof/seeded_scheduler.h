#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/scheduler.h"
#include "ragpipe/clock.h"

namespace ragpipe::proof {

struct SchedulerOptions {
  std::uint64_t seed = 1;

  /// Each thread has a random priority, and the highest that can run does. With this probability a thread draws a new one
  /// when others may run: 1 = any thread is as likely as any other each time; small = some thread is starved for long, which
  /// finds what needs many steps of the others between two of its own (S. Burckhardt et al., ASPLOS 2010).
  double switch_rate = 1;

  double stall_rate = 0;      ///< with this probability a thread sleeps up to two seconds when others may run
  double early_wakes = 0.02;  ///< with this probability a waiting thread goes on for no reason when others may run
};

/// Runs the threads of an engine one at a time, and chooses at each lock, wait, notification, start, end and host call which
/// goes on: the same seed, the same interleaving. Time is virtual: it moves, to the earliest deadline, when nobody can run.
///
///     SeededScheduler scheduler({.seed = 77});
///     options.clock = &scheduler.clock();
///     scheduler.Govern([&] { status = pipeline.Run(report); });
///
/// Mutexes of a host's stages need no wrapper as long as nothing above happens while one is held.
/// Threading: one Govern() at a time; the rest from governed threads, and from any while there are none.
class SeededScheduler final : public internal::Scheduler {
 public:
  explicit SeededScheduler(SchedulerOptions options);
  ~SeededScheduler();

  /// Calls `body` as a governed thread. All threads that it starts must have ended with it.
  void Govern(const std::function<void()>& body);

  /// Called when nobody can run and nobody waits for a time, or after ten million steps. It must not return: the threads
  /// cannot be ended. Default: prints and aborts.
  std::function<void(const std::string& what)> on_stuck;

  Clock& clock() { return clock_; }
  absl::Time Now() const;
  void Sleep(absl::Duration duration);

  std::uint64_t steps() const;  ///< how often a thread was chosen
  std::uint64_t trace() const;  ///< a hash of the choices, and of their times

  void LetOthersRun() override;
  void Block(const void* what, absl::Time deadline) override;
  void WakeOne(const void* what) override;
  void WakeAll(const void* what) override;
  std::thread Start(std::function<void()> body) override;
  void Join(std::thread& thread) override;

 private:
  class ScheduledClock final : public Clock {
   public:
    explicit ScheduledClock(SeededScheduler& scheduler) : scheduler_(scheduler) {}
    absl::Time Now() override { return scheduler_.Now(); }

    /// Of hosts: the engine's own waits come to Block() directly. A notification of `wake` is not seen.
    void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override;

   private:
    SeededScheduler& scheduler_;
  };

  struct Governed {
    std::size_t number = 0;
    double priority = 0;
    bool can_run = true;
    bool has_ended = false;
    const void* awaited = nullptr;
    absl::Time deadline = absl::InfiniteFuture();
    std::thread::id id;
    std::condition_variable turn;
  };

  // With `mutex_` held.
  Governed& Add();
  double Dice() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  void Choose();
  void WakeByTime();
  void PassOn(std::unique_lock<std::mutex>& lock);
  void BlockLocked(std::unique_lock<std::mutex>& lock, const void* what, absl::Time deadline);
  void End();
  void Stuck(const std::string& what);

  const SchedulerOptions options_;
  ScheduledClock clock_{*this};

  mutable std::mutex mutex_;  // guards all below
  std::mt19937_64 random_;
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
  std::vector<std::unique_ptr<Governed>> threads_;
  Governed* running_ = nullptr;
  std::uint64_t steps_ = 0;
  std::uint64_t trace_ = 0;
};

}  // namespace ragpipe::proof
