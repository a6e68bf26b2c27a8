#include "ragpipe/coverage.h"

#include <absl/status/status.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "ragpipe/ledger.h"

namespace ragpipe {
namespace {

constexpr std::size_t kPage = 1024;

bool IsOlder(const Version& version, const Version& than) {
  return version.ordinal.has_value() && than.ordinal.has_value() && *version.ordinal < *than.ordinal;
}

class CoverageCount {
 public:
  CoverageCount(Checkpoint& live, Checkpoint& candidate) : live_(live), candidate_(candidate) {}

  absl::Status Count(std::string_view source) {
    std::uint64_t shared = 0;
    RAGPIPE_RETURN_IF_ERROR(
        ForEachPage(live_, source, [&](std::span<const std::string_view> ids) { return Compare(source, ids, shared); }));
    std::uint64_t of_candidate = 0;
    RAGPIPE_RETURN_IF_ERROR(ForEachPage(candidate_, source, [&](std::span<const std::string_view> ids) {
      of_candidate += ids.size();
      return absl::OkStatus();
    }));
    coverage_.added += of_candidate - std::min(shared, of_candidate);  // the live one may have changed meanwhile
    return CountDeadLetters(source);
  }

  Coverage Take() { return std::move(coverage_); }

 private:
  template <class Visit>
  static absl::Status ForEachPage(Checkpoint& checkpoint, std::string_view source, Visit visit) {
    std::vector<std::string> page;
    for (std::string after;; after = page.back()) {
      RAGPIPE_ASSIGN_OR_RETURN(page, checkpoint.ListDocuments(source, after, kPage));
      if (page.empty()) return absl::OkStatus();
      const std::vector<std::string_view> ids(page.begin(), page.end());
      RAGPIPE_RETURN_IF_ERROR(visit(ids));
    }
  }

  absl::Status Compare(std::string_view source, std::span<const std::string_view> ids, std::uint64_t& shared) {
    std::vector<std::optional<LedgerEntry>> live;
    std::vector<std::optional<LedgerEntry>> candidate;
    RAGPIPE_RETURN_IF_ERROR(live_.FindEntries(source, ids, live));
    RAGPIPE_RETURN_IF_ERROR(candidate_.FindEntries(source, ids, candidate));
    live.resize(ids.size());
    candidate.resize(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ++coverage_.documents;
      if (candidate[i].has_value() && !candidate[i]->deleted_at.has_value()) ++shared;
      const bool is_missing = !candidate[i].has_value() || candidate[i]->is_in_doubt();
      const bool is_older = !is_missing && live[i].has_value() && IsOlder(candidate[i]->version, live[i]->version);
      if (!is_missing && !is_older) continue;
      ++(is_missing ? coverage_.missing : coverage_.older);
      if (coverage_.examples.size() < Coverage::kMaxExamples) coverage_.examples.emplace_back(ids[i]);
    }
    return absl::OkStatus();
  }

  absl::Status CountDeadLetters(std::string_view source) {
    std::vector<DeadLetter> page;
    for (std::string after;; after = page.back().document_id) {
      RAGPIPE_ASSIGN_OR_RETURN(page, candidate_.ListDeadLetters(source, after, kPage));
      if (page.empty()) return absl::OkStatus();
      coverage_.dead_letters += page.size();
    }
  }

  Checkpoint& live_;
  Checkpoint& candidate_;
  Coverage coverage_;
};

}  // namespace

absl::StatusOr<Coverage> MeasureCoverage(Checkpoint& live, Checkpoint& candidate, std::span<const std::string> sources) {
  return internal::GuardHostCall("MeasureCoverage", [&]() -> absl::StatusOr<Coverage> {
    if (!live.keeps_ledger() || !candidate.keeps_ledger()) {
      return absl::FailedPreconditionError(
          "a checkpoint keeps no ledger (Checkpoint::keeps_ledger() is false): nothing says "
          "which documents its generation holds");
    }
    CoverageCount count(live, candidate);
    for (const std::string& source : sources) RAGPIPE_RETURN_IF_ERROR(count.Count(source));
    return count.Take();
  });
}

}  // namespace ragpipe
