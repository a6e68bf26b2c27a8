#include "ragpipe/testing/check_embedder.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "testing/rules.h"

namespace ragpipe::testing {
namespace {

using Texts = std::vector<std::string_view>;

constexpr float kUnwritten = std::numeric_limits<float>::quiet_NaN();

/// The floats of one call, and whether the room behind them was left alone.
struct Vectors {
  std::vector<float> floats;
  std::size_t dimension = 0;
  bool overran = false;

  std::span<const float> Row(std::size_t i) const { return std::span(floats).subspan(i * dimension, dimension); }
};

absl::StatusOr<Vectors> Embed(Embedder& embedder, const EmbedRequest& request) {
  Vectors vectors;
  vectors.dimension = embedder.dimension();
  const std::size_t size = request.texts.size() * vectors.dimension;
  const std::size_t behind = vectors.dimension + 1;
  vectors.floats.assign(size + behind, kUnwritten);
  if (absl::Status status = embedder.Embed(request, std::span(vectors.floats).first(size)); !status.ok()) return status;
  vectors.overran = !std::all_of(vectors.floats.end() - static_cast<std::ptrdiff_t>(behind), vectors.floats.end(),
                                 [](float value) { return std::isnan(value); });
  vectors.floats.resize(size);
  return vectors;
}

absl::StatusOr<Vectors> Embed(Embedder& embedder, std::span<const std::string_view> texts) {
  EmbedRequest request;
  request.texts = texts;
  return Embed(embedder, request);
}

/// The column where the two differ.
std::optional<std::size_t> Difference(std::span<const float> a, std::span<const float> b, double tolerance) {
  if (a.size() != b.size()) return std::min(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) <= tolerance)) return i;
  }
  return std::nullopt;
}

class EmbedderCheck {
 public:
  EmbedderCheck(const EmbedderFactory& factory, const EmbedderCheckOptions& options)
      : factory_(factory), options_(options), texts_(options.texts.empty() ? AwkwardTexts() : options.texts) {}

  std::vector<Finding> Run() {
    bool usable = false;
    rules_.Check("factory", [&]() -> Verdict {
      usable = factory_() != nullptr;
      return usable ? kKept : "the factory gave no embedder";
    });
    if (!usable) return rules_.Take();
    rules_.Check("dimension", [&] { return Dimension(usable); });
    rules_.Check("limits", [&] { return Limits(); });
    rules_.Check("fingerprint.readable", [&] { return FingerprintReadable(); });
    rules_.Check("fingerprint.stable", [&] { return FingerprintStable(); });
    if (!usable) return rules_.Take();  // without a dimension nothing can be embedded
    rules_.Check("accepts", [&] { return Accepts(); });
    rules_.Check("purpose", [&] { return Purpose(); });
    rules_.Check("shape.row_major", [&] { return RowMajor(); });
    rules_.Check("finite", [&] { return Finite(); });
    if (options_.metric == Metric::kCosine) rules_.Check("not_zero", [&] { return NotZero(); });
    rules_.Check("deterministic", [&] { return Deterministic(); });
    rules_.Check("batch_independent", [&] { return BatchIndependent(); });
    rules_.Check("concurrent", [&] { return Concurrent(); });
    rules_.Check("deadline", [&] { return Deadline(); });
    return rules_.Take();
  }

 private:
  Verdict Dimension(bool& usable) const {
    const auto embedder = factory_();
    const std::size_t dimension = embedder->dimension();
    usable = dimension > 0;
    if (!usable) return "dimension() is 0";
    const std::string_view text = texts_[0];
    (void)Embed(*embedder, {&text, 1});
    if (embedder->dimension() != dimension) {
      return fmt::format("dimension() was {} and is {} after a call of Embed()", dimension, embedder->dimension());
    }
    if (const std::size_t other = factory_()->dimension(); other != dimension) {
      return fmt::format("dimension() is {} for one object and {} for the next", dimension, other);
    }
    return kKept;
  }

  Verdict Limits() const {
    const auto embedder = factory_();
    const EmbedLimits limits = embedder->limits();
    if (limits.texts < 1 || limits.bytes < 1 || limits.tokens < 1 || limits.calls < 1) {
      return fmt::format("limits() has texts {}, bytes {}, tokens {}, calls {}; all must be at least 1", limits.texts,
                         limits.bytes, limits.tokens, limits.calls);
    }
    if (embedder->dimension() == 0) return kKept;
    const Texts batch = Batch(limits);
    const auto vectors = Embed(*embedder, batch);
    return vectors.ok() ? kKept : Gave(fmt::format("Embed() of {} texts, within limits(),", batch.size()), vectors.status());
  }

  Verdict FingerprintReadable() const {
    return IsReadable(factory_()->Fingerprint()) ? kKept : "Fingerprint() is empty, not UTF-8 or has control characters";
  }

  Verdict FingerprintStable() const {
    const auto embedder = factory_();
    const std::string first = embedder->Fingerprint();
    if (embedder->dimension() > 0) {
      const std::string_view text = texts_[0];
      (void)Embed(*embedder, {&text, 1});
    }
    if (const std::string again = embedder->Fingerprint(); again != first) {
      return fmt::format("Fingerprint() was '{}', then '{}'", first, again);
    }
    if (const std::string other = factory_()->Fingerprint(); other != first) {
      return fmt::format("Fingerprint() is '{}' for one object and '{}' for the next", first, other);
    }
    return kKept;
  }

  Verdict Accepts() const {
    const auto embedder = factory_();
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const std::string_view text = texts_[i];
      if (const auto vectors = Embed(*embedder, {&text, 1}); !vectors.ok()) {
        return Gave(fmt::format("Embed() of {}, alone,", Name(i)), vectors.status());
      }
    }
    return kKept;
  }

  Verdict Purpose() const {
    const auto embedder = factory_();
    const std::string_view text = texts_[0];
    EmbedRequest request;
    request.texts = {&text, 1};
    request.purpose = EmbedRequest::Purpose::kQuery;
    const auto vectors = Embed(*embedder, request);
    if (!vectors.ok()) return Gave("Embed() with Purpose::kQuery", vectors.status());
    const bool finite = std::all_of(vectors->floats.begin(), vectors->floats.end(), [](float v) { return std::isfinite(v); });
    return finite && !vectors->overran ? kKept : "Embed() with Purpose::kQuery did not fill one finite vector";
  }

  Verdict RowMajor() const {
    const auto embedder = factory_();
    const Texts texts = Batch(embedder->limits());
    const Texts reversed(texts.rbegin(), texts.rend());
    const auto forth = Embed(*embedder, texts);
    if (!forth.ok()) return Gave("Embed()", forth.status());
    if (forth->overran) return fmt::format("Embed() of {} texts wrote behind the end of `out`", texts.size());
    const auto back = Embed(*embedder, reversed);
    if (!back.ok()) return Gave("Embed()", back.status());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (Difference(forth->Row(i), back->Row(texts.size() - 1 - i), options_.tolerance)) {
        return fmt::format("the same {} texts in the opposite order do not give the same vectors in the opposite order: see {}",
                           texts.size(), Name(i));
      }
    }
    return kKept;
  }

  Verdict Finite() const {
    return ForEachVector([](std::span<const float> vector) -> Verdict {
      for (std::size_t i = 0; i < vector.size(); ++i) {
        if (!std::isfinite(vector[i])) return fmt::format("float {} is not finite, or was never written", i);
      }
      return kKept;
    });
  }

  Verdict NotZero() const {
    return ForEachVector([](std::span<const float> vector) -> Verdict {
      const bool zero = std::all_of(vector.begin(), vector.end(), [](float value) { return value == 0; });
      return zero ? "it is all zero, which has no direction" : kKept;
    });
  }

  Verdict Deterministic() const {
    const auto embedder = factory_();
    const Texts texts = Batch(embedder->limits());
    const auto first = Embed(*embedder, texts);
    if (!first.ok()) return Gave("Embed()", first.status());
    for (const bool other : {false, true}) {
      const auto again = Embed(other ? *factory_() : *embedder, texts);
      if (!again.ok()) return Gave("Embed(), repeated,", again.status());
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (const auto column = Difference(first->Row(i), again->Row(i), options_.tolerance)) {
          return fmt::format("the same call again, {}, gives another vector for {}: float {} was {}, is {}",
                             other ? "of another object" : "of the same object", Name(i), *column, first->Row(i)[*column],
                             again->Row(i)[*column]);
        }
      }
    }
    return kKept;
  }

  Verdict BatchIndependent() const {
    const auto embedder = factory_();
    const Texts texts = Batch(embedder->limits());
    const auto together = Embed(*embedder, texts);
    if (!together.ok()) return Gave("Embed()", together.status());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto alone = Embed(*embedder, {&texts[i], 1});
      if (!alone.ok()) return Gave("Embed() of one text", alone.status());
      if (const auto column = Difference(together->Row(i), alone->Row(0), options_.tolerance)) {
        return fmt::format("{} has another vector alone than among {} texts: float {} is {} and {}", Name(i), texts.size(),
                           *column, alone->Row(0)[*column], together->Row(i)[*column]);
      }
    }
    return kKept;
  }

  Verdict Concurrent() const {
    constexpr int kRounds = 10;
    const auto embedder = factory_();
    const Texts texts = Batch(embedder->limits());
    const auto expected = Embed(*embedder, texts);
    if (!expected.ok()) return Gave("Embed()", expected.status());
    const int calls = std::min(embedder->limits().calls, options_.max_calls);
    return OnThreads(calls, [&](int thread) -> Verdict {
      for (int round = 0; round < kRounds; ++round) {
        // Every thread begins elsewhere, so that calls at once are not all of the same texts.
        const std::size_t skip = static_cast<std::size_t>(thread + round) % texts.size();
        const auto vectors = Embed(*embedder, std::span(texts).subspan(skip));
        if (!vectors.ok()) return Gave(fmt::format("Embed(), {} calls at once,", calls), vectors.status());
        for (std::size_t i = skip; i < texts.size(); ++i) {
          if (Difference(expected->Row(i), vectors->Row(i - skip), options_.tolerance)) {
            return fmt::format("{} has another vector when {} calls run at once", Name(i), calls);
          }
        }
      }
      return kKept;
    });
  }

  Verdict Deadline() const {
    const auto embedder = factory_();
    const std::string_view text = texts_[0];
    EmbedRequest request;
    request.texts = {&text, 1};
    request.deadline = absl::Now() - absl::Seconds(1);
    const absl::Status status = Embed(*embedder, request).status();
    return status.ok() || status.code() == absl::StatusCode::kDeadlineExceeded
               ? kKept
               : Gave("Embed() with a deadline that has passed", status);
  }

  Verdict ForEachVector(const std::function<Verdict(std::span<const float>)>& judge) const {
    const auto embedder = factory_();
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const std::string_view text = texts_[i];
      const auto vectors = Embed(*embedder, {&text, 1});
      if (!vectors.ok()) return Gave("Embed()", vectors.status());
      if (Verdict verdict = judge(vectors->Row(0)); !verdict.empty())
        return fmt::format("the vector of {}: {}", Name(i), verdict);
    }
    return kKept;
  }

  /// As many texts as one call may have, all of them where they fit. A token has at least a byte.
  Texts Batch(const EmbedLimits& limits) const {
    Texts batch;
    std::size_t bytes = 0;
    const std::size_t count = std::clamp<std::size_t>(options_.max_batch, 1, std::max<std::size_t>(limits.texts, 1));
    for (std::size_t i = 0; batch.size() < count; ++i) {
      const std::string& text = texts_[i % texts_.size()];
      bytes += text.size();
      if (!batch.empty() && bytes > std::min(limits.bytes, limits.tokens)) break;
      batch.push_back(text);
    }
    return batch;
  }

  std::string Name(std::size_t i) const {
    const std::size_t number = i % texts_.size();
    return fmt::format("{} text {} ({} bytes)", options_.texts.empty() ? "the kit's" : "the given", number,
                       texts_[number].size());
  }

  const EmbedderFactory& factory_;
  const EmbedderCheckOptions& options_;
  const std::vector<std::string> texts_;
  Rules rules_{"embedder"};
};

}  // namespace

std::vector<Finding> CheckEmbedder(const EmbedderFactory& factory, const EmbedderCheckOptions& options) {
  return EmbedderCheck(factory, options).Run();
}

}  // namespace ragpipe::testing
