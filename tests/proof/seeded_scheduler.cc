#include "proof/seeded_scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace ragpipe::proof {
namespace {

constexpr std::uint64_t kMostSteps = 10'000'000;
constexpr absl::Duration kLongestStall = absl::Seconds(2);

}  // namespace

SeededScheduler::SeededScheduler(SchedulerOptions options)
    : on_stuck([](const std::string& what) {
        fmt::print(stderr, "{}\n", what);
        std::abort();
      }),
      options_(options),
      random_(options.seed) {}

SeededScheduler::~SeededScheduler() = default;

void SeededScheduler::Govern(const std::function<void()>& body) {
  {
    const std::lock_guard guard(mutex_);
    running_ = &Add();
    running_->id = std::this_thread::get_id();
  }
  current_ = this;
  body();
  current_ = nullptr;
  const std::lock_guard guard(mutex_);
  running_->has_ended = true;
  const auto alive = std::find_if(threads_.begin(), threads_.end(), [](const auto& thread) { return !thread->has_ended; });
  if (alive != threads_.end()) Stuck("a thread outlives the body that started it");
  threads_.clear();
  running_ = nullptr;
}

absl::Time SeededScheduler::Now() const {
  const std::lock_guard guard(mutex_);
  return now_;
}

void SeededScheduler::Sleep(absl::Duration duration) {
  const absl::Time end = Now() + duration;
  while (Now() < end) Block(nullptr, end);
}

std::uint64_t SeededScheduler::steps() const {
  const std::lock_guard guard(mutex_);
  return steps_;
}

std::uint64_t SeededScheduler::trace() const {
  const std::lock_guard guard(mutex_);
  return trace_;
}

void SeededScheduler::LetOthersRun() {
  std::unique_lock lock(mutex_);
  if (Dice() < options_.switch_rate) running_->priority = Dice();
  if (Dice() < options_.stall_rate) return BlockLocked(lock, nullptr, now_ + kLongestStall * Dice());
  if (Dice() < options_.early_wakes) {
    Governed& lucky = *threads_[random_() % threads_.size()];
    if (!lucky.has_ended) lucky.can_run = true;
  }
  PassOn(lock);
}

void SeededScheduler::Block(const void* what, absl::Time deadline) {
  std::unique_lock lock(mutex_);
  BlockLocked(lock, what, deadline);
}

void SeededScheduler::WakeOne(const void* what) {
  const std::lock_guard guard(mutex_);
  std::vector<Governed*> waiting;
  for (const auto& thread : threads_) {
    if (!thread->can_run && !thread->has_ended && thread->awaited == what) waiting.push_back(thread.get());
  }
  if (!waiting.empty()) waiting[random_() % waiting.size()]->can_run = true;
}

void SeededScheduler::WakeAll(const void* what) {
  const std::lock_guard guard(mutex_);
  for (const auto& thread : threads_) {
    if (!thread->has_ended && thread->awaited == what) thread->can_run = true;
  }
}

std::thread SeededScheduler::Start(std::function<void()> body) {
  std::thread thread;
  {
    const std::lock_guard guard(mutex_);
    Governed& governed = Add();
    thread = std::thread([this, &governed, body = std::move(body)] {
      {
        std::unique_lock lock(mutex_);
        governed.turn.wait(lock, [&] { return running_ == &governed; });
      }
      current_ = this;
      body();
      current_ = nullptr;
      End();
    });
    governed.id = thread.get_id();
  }
  LetOthersRun();
  return thread;
}

void SeededScheduler::Join(std::thread& thread) {
  {
    std::unique_lock lock(mutex_);
    const auto found =
        std::find_if(threads_.begin(), threads_.end(), [&](const auto& one) { return one->id == thread.get_id(); });
    Governed* const joined = found->get();
    while (!joined->has_ended) BlockLocked(lock, joined, absl::InfiniteFuture());
    joined->id = {};  // another thread may be given it
  }
  thread.join();
}

void SeededScheduler::ScheduledClock::WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                                                absl::Time deadline) {
  lock.unlock();
  scheduler_.Block(&wake, deadline);
  lock.lock();
}

SeededScheduler::Governed& SeededScheduler::Add() {
  Governed& thread = *threads_.emplace_back(std::make_unique<Governed>());
  thread.number = threads_.size();
  thread.priority = Dice();
  return thread;
}

void SeededScheduler::Choose() {
  if (++steps_ == kMostSteps) Stuck("no end after ten million steps");
  running_ = nullptr;
  while (running_ == nullptr) {
    for (const auto& thread : threads_) {
      if (!thread->can_run || thread->has_ended) continue;
      if (running_ == nullptr || thread->priority > running_->priority) running_ = thread.get();
    }
    if (running_ == nullptr) WakeByTime();
  }
  running_->awaited = nullptr;
  trace_ = (trace_ ^ (running_->number + static_cast<std::uint64_t>(absl::ToUnixNanos(now_)))) * 0x9E3779B97F4A7C15;
  trace_ ^= trace_ >> 29;
}

void SeededScheduler::WakeByTime() {
  absl::Time earliest = absl::InfiniteFuture();
  for (const auto& thread : threads_) {
    if (!thread->has_ended) earliest = std::min(earliest, thread->deadline);
  }
  if (earliest == absl::InfiniteFuture()) Stuck("deadlock: every thread waits for another");
  now_ = std::max(now_, earliest);
  for (const auto& thread : threads_) {
    if (thread->deadline <= now_) thread->can_run = true;
  }
}

void SeededScheduler::PassOn(std::unique_lock<std::mutex>& lock) {
  Governed* const self = running_;
  Choose();
  if (running_ == self) return;
  running_->turn.notify_one();
  self->turn.wait(lock, [&] { return running_ == self; });
}

void SeededScheduler::BlockLocked(std::unique_lock<std::mutex>& lock, const void* what, absl::Time deadline) {
  Governed& self = *running_;
  self.can_run = deadline <= now_;
  self.awaited = what;
  self.deadline = deadline;
  PassOn(lock);
  self.deadline = absl::InfiniteFuture();
}

void SeededScheduler::End() {
  const std::lock_guard guard(mutex_);
  Governed& self = *running_;
  self.has_ended = true;
  for (const auto& thread : threads_) {
    if (thread->awaited == &self) thread->can_run = true;
  }
  Choose();
  running_->turn.notify_one();
}

void SeededScheduler::Stuck(const std::string& what) {
  std::string threads;
  for (const auto& thread : threads_) {
    if (thread->has_ended) continue;
    threads += fmt::format(" {}{}", thread->number, thread->can_run ? " can run;" : " waits;");
  }
  on_stuck(fmt::format("{} (step {}; threads:{})", what, steps_, threads));
  std::abort();
}

}  // namespace ragpipe::proof
