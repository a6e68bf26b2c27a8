#include "ragpipe/testing/fault_plan.h"

#include <algorithm>
#include <utility>

#include "testing/hash.h"
#include "testing/private_status.h"

namespace ragpipe::testing {
namespace {

Fault MakeFault(Fault::Kind kind) {
  Fault fault;
  fault.kind = kind;
  return fault;
}

}  // namespace

When Always() {
  return [](const CallInfo&) { return true; };
}

When Nth(int number) { return Between(number, number); }

When From(int number) {
  return [number](const CallInfo& call) { return call.number >= number; };
}

When Between(int first, int last) {
  return [first, last](const CallInfo& call) { return call.number >= first && call.number <= last; };
}

When AtRate(double rate) {
  return [rate](const CallInfo& call) { return call.dice < rate; };
}

When About(std::function<bool(std::string_view)> predicate) {
  return [predicate = std::move(predicate)](const CallInfo& call) {
    return std::any_of(call.subjects.begin(), call.subjects.end(), predicate);
  };
}

Fault Fail(absl::Status status) {
  Fault fault = MakeFault(Fault::Kind::kFail);
  fault.status = std::move(status);
  return fault;
}

Fault FailAfter(absl::Status status) {
  Fault fault = MakeFault(Fault::Kind::kFailAfter);
  fault.status = std::move(status);
  return fault;
}

Fault Throw() { return MakeFault(Fault::Kind::kThrow); }

Fault Delay(absl::Duration delay) {
  Fault fault = MakeFault(Fault::Kind::kDelay);
  fault.delay = delay;
  return fault;
}

Fault Run(std::function<void()> run) {
  Fault fault = MakeFault(Fault::Kind::kRun);
  fault.run = std::move(run);
  return fault;
}

Fault RunAfter(std::function<void()> run) {
  Fault fault = MakeFault(Fault::Kind::kRunAfter);
  fault.run = std::move(run);
  return fault;
}

Fault WrongResult() { return MakeFault(Fault::Kind::kWrongResult); }

FaultPlan::FaultPlan(std::uint64_t seed) : random_(seed) {}

void FaultPlan::On(Call call, When when, Fault fault) {
  const std::lock_guard guard(mutex_);
  rules_.push_back({call, std::move(when), std::move(fault), NextRandom(random_)});
}

void FaultPlan::Clear() {
  const std::lock_guard guard(mutex_);
  rules_.clear();
}

int FaultPlan::calls(Call call) const {
  const std::lock_guard guard(mutex_);
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

int FaultPlan::faults(Call call) const {
  const std::lock_guard guard(mutex_);
  const auto found = faults_.find(call);
  return found == faults_.end() ? 0 : found->second;
}

Fault FaultPlan::Next(Call call, std::span<const std::string_view> subjects) {
  const std::lock_guard guard(mutex_);
  const int number = ++calls_[call];
  const int number_of_any = ++calls_[Call::kAny];
  for (const Rule& rule : rules_) {
    if (rule.call != call && rule.call != Call::kAny) continue;
    CallInfo info;
    info.number = rule.call == Call::kAny ? number_of_any : number;
    info.subjects = subjects;
    std::uint64_t random = rule.seed + static_cast<std::uint64_t>(info.number);
    info.dice = NextUniform(random);
    if (!rule.when(info)) continue;
    ++faults_[call];
    ++faults_[Call::kAny];
    Fault fault = MakeFault(rule.fault.kind);
    fault.status = PrivateStatus(rule.fault.status);
    fault.delay = rule.fault.delay;
    fault.run = rule.fault.run;
    return fault;
  }
  return Delay(absl::ZeroDuration());
}

}  // namespace ragpipe::testing
