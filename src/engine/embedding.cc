#include "engine/embedding.h"

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "engine/circuit_breaker.h"
#include "engine/validation.h"
#include "ragpipe/embedder.h"
#include "ragpipe/observer.h"
#include "ragpipe/retry.h"

namespace ragpipe::internal {
namespace {

class EmbedCaller {
 public:
  explicit EmbedCaller(State& state) : state_(state) {}

  void Run() {
    while (TakeBatch()) {
      vectors_.resize(batch_.size() * state_.dimension);
      verdicts_.assign(batch_.size(), absl::OkStatus());
      absl::Status status = Embed(0, batch_.size());
      if (status.ok()) {
        Deliver();
      } else if (!state_.IsAborting()) {
        state_.Abort(std::move(status));
      }
      batch_.clear();
      MutexLock lock(state_.mutex);
      --state_.embed_calls;
      if (state_.IsQuietBeforeWriting()) state_.WakeDownstream();
    }
  }

 private:
  /// Waits for a full batch, or for any text when no more can come to fill one. False = the run is over.
  bool TakeBatch() {
    MutexLock lock(state_.mutex);
    while (true) {
      if (state_.finished || state_.phase == State::Phase::kAborting) return false;
      if (!state_.to_embed.empty() && (IsFull() || state_.IsQuietBeforeEmbedding())) {
        Pack();
        if (!batch_.empty()) break;
        if (state_.IsQuietBeforeWriting()) state_.WakeDownstream();
        continue;
      }
      state_.embedders_wake.Wait(lock);
    }
    ++state_.embed_calls;
    if (!state_.to_embed.empty()) state_.embedders_wake.NotifyOne();
    return true;
  }

  bool IsFull() const RAGPIPE_REQUIRES(state_.mutex) {
    const EmbedLimits& limits = state_.embed_limits;
    return state_.to_embed.size() >= limits.texts || state_.embed_bytes >= limits.bytes || state_.embed_tokens >= limits.tokens;
  }

  void Pack() RAGPIPE_REQUIRES(state_.mutex) {
    const EmbedLimits& limits = state_.embed_limits;
    std::size_t bytes = 0;
    std::size_t tokens = 0;
    while (!state_.to_embed.empty() && batch_.size() < limits.texts) {
      EmbedItem& item = state_.to_embed.front();
      // Else another text of the document was refused, or nobody may write it any more.
      const bool is_wanted = item.task->outcome != Outcome::kFailed && !state_.IsLost(*item.task);
      if (is_wanted && !batch_.empty() && (bytes + item.text.size() > limits.bytes || tokens + item.tokens > limits.tokens)) {
        break;
      }
      state_.embed_bytes -= item.text.size();
      state_.embed_tokens -= item.tokens;
      if (is_wanted) {
        bytes += item.text.size();
        tokens += item.tokens;
        batch_.push_back(std::move(item));
      } else {
        FinishRow(item.task);
      }
      state_.to_embed.pop_front();
    }
  }

  /// Embeds a part of the batch; what is wrong with single texts goes to `verdicts_`. An error ends the run.
  absl::Status Embed(std::size_t begin, std::size_t end) {
    const std::span<float> out(vectors_.data() + begin * state_.dimension, (end - begin) * state_.dimension);
    std::vector<std::string_view> texts;
    texts.reserve(end - begin);
    std::size_t bytes = 0;
    std::size_t tokens = 0;
    bool tokens_are_estimated = false;
    for (std::size_t i = begin; i < end; ++i) {
      texts.push_back(batch_[i].text);
      bytes += batch_[i].text.size();
      tokens += batch_[i].tokens;
      tokens_are_estimated = tokens_are_estimated || batch_[i].tokens_are_estimated;
    }
    absl::Status status = Call([&] {
      {
        MutexLock lock(state_.mutex);
        ++state_.report.embed.calls;
        state_.report.embed.texts += texts.size();
        state_.report.embed.tokens += tokens;
        state_.report.embed.tokens_are_estimated = state_.report.embed.tokens_are_estimated || tokens_are_estimated;
        state_.report.bytes.embedded += bytes;
      }
      EmbedRequest request;
      request.texts = texts;
      request.deadline = state_.clock.Now() + state_.options.embed_timeout;
      return state_.stages.embedder.Embed(request, out);
    });
    if (!status.ok()) {
      if (!IsBadItem(status)) return status;
      if (end - begin == 1) {
        verdicts_[begin] = std::move(status);
        return absl::OkStatus();
      }
      const std::size_t middle = begin + (end - begin) / 2;
      RAGPIPE_RETURN_IF_ERROR(Embed(begin, middle));
      return Embed(middle, end);
    }
    const bool may_be_zero = state_.options.metric != Metric::kCosine;
    for (std::size_t i = begin; i < end; ++i) verdicts_[i] = CheckVector(Row(i), may_be_zero);
    return absl::OkStatus();
  }

  /// Makes an embedder call, again and again while it fails with a transient code and the circuit breaker lets it. A
  /// continuous run outlasts an outage; a bounded one gives up when the attempts of one call are spent.
  absl::Status Call(absl::FunctionRef<absl::Status()> call) {
    for (int attempt = 1;; ++attempt) {
      CircuitBreaker::Entry entry = CircuitBreaker::Entry::kRefused;
      {
        MutexLock lock(state_.mutex);
        while (true) {
          if (state_.phase == State::Phase::kAborting) return absl::CancelledError("the run ended during an outage");
          entry = state_.embedder_circuit.TryEnter(state_.clock.Now());
          if (entry != CircuitBreaker::Entry::kRefused) break;
          state_.sleepers_wake.WaitUntil(lock, state_.clock, state_.embedder_circuit.next_entry());
        }
      }
      absl::Status status = state_.CallHostOnce(Stage::kEmbed, "Embedder::Embed", call);
      absl::Duration pause;
      {
        MutexLock lock(state_.mutex);
        CircuitBreaker& circuit = state_.embedder_circuit;
        if (status.ok() || !IsTransient(status)) {
          circuit.Answered();
          state_.sleepers_wake.NotifyAll();
          return status;
        }
        const absl::Time now = state_.clock.Now();
        pause = state_.Backoff(status, attempt);
        circuit.Failed(entry, now, state_.OutagePause(status, circuit.failures() + 1));
        state_.sleepers_wake.NotifyAll();
        const bool answers_nobody = circuit.failures() >= attempt;  // since the first attempt of this call
        const bool outlasts = state_.is_continuous && answers_nobody;
        if (attempt >= state_.options.retry.max_attempts && !outlasts) {
          return Annotated(fmt::format("Embedder::Embed failed {} times, last with", attempt), status);
        }
        ++state_.report.retries;
        if (circuit.is_open() && circuit.next_entry() < absl::InfiniteFuture()) {
          // The next probe is soon enough, but for a call that was told to wait longer.
          const absl::Duration told = GetRetryAfter(status).has_value() ? pause : absl::ZeroDuration();
          pause = std::max(told, circuit.next_entry() - now);
        }
      }
      state_.Observe([&](Observer& observer) { observer.OnRetry(Stage::kEmbed, status, attempt, pause); });
      if (!state_.Sleep(pause)) return absl::CancelledError("the run ended in a pause of the embedder");
    }
  }

  std::span<float> Row(std::size_t i) { return {vectors_.data() + i * state_.dimension, state_.dimension}; }

  void Deliver() {
    for (std::size_t i = 0; i < batch_.size(); ++i) {  // rows of a task are written by whoever embedded them
      if (!verdicts_[i].ok()) continue;
      const std::span<float> row = Row(i);
      const EmbedItem& item = batch_[i];
      std::copy(row.begin(), row.end(), item.task->vectors.begin() + static_cast<std::ptrdiff_t>(item.row * state_.dimension));
    }
    MutexLock lock(state_.mutex);
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      Task& task = *batch_[i].task;
      if (!verdicts_[i].ok() && task.outcome != Outcome::kFailed) {
        const ByteRange range = task.chunks[batch_[i].chunk].chunk.range;
        task.Fail(Stage::kEmbed, Annotated(fmt::format("the text of bytes [{}, {})", range.begin, range.end), verdicts_[i]));
      }
      FinishRow(batch_[i].task);
    }
  }

  void FinishRow(const TaskPtr& task) RAGPIPE_REQUIRES(state_.mutex) {
    if (--task->awaited_rows != 0) return;
    state_.to_write.push_back(task);
    state_.writer_wakes.NotifyOne();
  }

  State& state_;
  std::vector<EmbedItem> batch_;
  std::vector<float> vectors_;          // [batch_.size()][dimension]
  std::vector<absl::Status> verdicts_;  // of each text
};

}  // namespace

void RunEmbedCaller(State& state) { EmbedCaller(state).Run(); }

}  // namespace ragpipe::internal
