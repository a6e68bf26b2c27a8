#include "engine/verification.h"

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "engine/record_hash.h"
#include "engine/thread.h"
#include "engine/validation.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/recipe.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kIdsPerPage = 1000;
constexpr std::size_t kDocumentsPerBatch = 64;  // their records are in memory together
constexpr std::size_t kBatchesPerWorker = 16;   // of a round: all wait for the last

absl::Status Cancelled() { return absl::CancelledError("the comparison of ledger and sink was cancelled"); }

/// Sorted ids, read page by page.
class SortedIds {
 public:
  using ReadPage = std::function<absl::StatusOr<std::vector<std::string>>(std::string_view after, std::size_t limit)>;

  explicit SortedIds(ReadPage read_page) : read_page_(std::move(read_page)) {}

  /// Null at the end.
  absl::StatusOr<const std::string*> Peek() {
    if (next_ == page_.size() && !ended_) {
      const std::string after = page_.empty() ? std::string() : page_.back();
      RAGPIPE_ASSIGN_OR_RETURN(page_, read_page_(after, kIdsPerPage));
      next_ = 0;
      ended_ = page_.empty();
    }
    return next_ < page_.size() ? &page_[next_] : nullptr;
  }
  void Pop() { ++next_; }

 private:
  ReadPage read_page_;
  std::vector<std::string> page_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

/// Whether a document is in a sample of the size `part`.
class Sample {
 public:
  Sample(double part, std::uint64_t seed) : part_(part), seed_(seed) {}

  bool Has(std::string_view document_id) const {
    if (part_ >= 1) return true;
    const std::uint64_t hash = HashOfId(document_id).first ^ seed_ * 0x9E3779B97F4A7C15u;
    const std::uint64_t mixed = HashOfId({reinterpret_cast<const char*>(&hash), sizeof hash}).first;
    return static_cast<double>(mixed >> 11) * 0x1p-53 < part_;
  }

 private:
  double part_;
  std::uint64_t seed_;
};

/// What one worker found in its part of a round.
struct Findings {
  VerifyReport report;
  std::vector<LedgerEntry> damaged;  ///< the ledger's entries of damaged documents
  absl::Status status;
};

/// Compares documents, in batches.
class Verifier {
 public:
  Verifier(State& state, const VerifyOptions& options, Findings& findings)
      : state_(state), options_(options), report_(findings.report), damaged_(findings.damaged) {}

  absl::Status Compare(std::span<const std::string> ids) {
    while (!ids.empty()) {
      if (state_.IsAborting()) return Cancelled();
      const auto batch = ids.first(std::min(ids.size(), kDocumentsPerBatch));
      RAGPIPE_RETURN_IF_ERROR(CompareBatch({batch.begin(), batch.end()}));
      ids = ids.subspan(batch.size());
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CompareBatch(const std::vector<std::string_view>& ids) {
    std::vector<std::optional<LedgerEntry>> entries;
    RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kRead, "Checkpoint::FindEntries", [&] {
      return state_.stages.checkpoint.FindEntries(state_.source_name, ids, entries);
    }));
    entries.resize(ids.size());
    std::vector<StoredRecord> records;
    RAGPIPE_RETURN_IF_ERROR(state_.CallHost(Stage::kRead, "VectorSink::ReadRecords", [&] {
      records.clear();
      return state_.stages.sink.ReadRecords(state_.source_name, ids, records);
    }));
    absl::flat_hash_map<std::string_view, std::vector<const StoredRecord*>> stored;
    for (const StoredRecord& record : records) stored[record.document_id].push_back(&record);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (entries[i].has_value() && entries[i]->deleted_at.has_value()) entries[i].reset();  // a tombstone: nothing is stored
      if (CompareDocument(ids[i], entries[i], stored[ids[i]])) continue;
      ++report_.damaged_documents;
      if (entries[i].has_value()) damaged_.push_back(*std::move(entries[i]));
    }
    return absl::OkStatus();
  }

  /// True = sound.
  bool CompareDocument(std::string_view id, const std::optional<LedgerEntry>& entry,
                       const std::vector<const StoredRecord*>& records) {
    ++report_.documents;
    absl::flat_hash_map<std::string_view, const LedgerChunk*> expected;
    if (entry.has_value()) {
      for (const LedgerChunk& chunk : entry->chunks) expected.emplace(chunk.record_id, &chunk);
    }
    bool is_sound = entry.has_value() && !entry->is_in_doubt();
    auto damaged = [&](std::string_view record_id, Damage damage) {
      is_sound = false;
      ++Count(damage);
      if (report_.examples.size() < options_.max_examples) {
        report_.examples.push_back({std::string(id), std::string(record_id), damage});
      }
    };
    std::string payload_of_document;  // the same for records with the same metadata: in a sound document, of all
    const StoredRecord* hashed = nullptr;
    for (const StoredRecord* record : records) {
      ++report_.records;
      const auto found = expected.find(record->id);
      if (found == expected.end()) {
        damaged(record->id, Damage::kExtra);
        continue;
      }
      const LedgerChunk& chunk = *found->second;
      expected.erase(found);
      if (hashed == nullptr || hashed->media_type != record->media_type || hashed->metadata != record->metadata) {
        payload_of_document = DocumentPayloadHash(record->media_type, record->metadata);
        hashed = record;
      }
      if (record->text_key != chunk.text_key) {
        damaged(record->id, Damage::kStale);
      } else if (PayloadHash(record->chunk, record->position, record->text, payload_of_document) != chunk.payload_hash) {
        damaged(record->id, Damage::kWrongContent);
      } else if (record->vector.size() != state_.dimension ||
                 !CheckVector(record->vector, state_.options.metric != Metric::kCosine).ok()) {
        damaged(record->id, Damage::kWrongVector);
      }
    }
    report_.records += expected.size();
    for (const auto& [record_id, chunk] : expected) damaged(record_id, Damage::kMissing);
    return is_sound;
  }

  std::uint64_t& Count(Damage damage) {
    switch (damage) {
      case Damage::kMissing:
        return report_.missing;
      case Damage::kExtra:
        return report_.extra;
      case Damage::kStale:
        return report_.stale;
      case Damage::kWrongContent:
        return report_.wrong_content;
      case Damage::kWrongVector:
        break;
    }
    return report_.wrong_vector;
  }

  State& state_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::vector<LedgerEntry>& damaged_;
};

/// Compares the documents of a round, on as many threads as they are worth. The parts are in the order of the ids.
std::vector<Findings> CompareRound(State& state, const VerifyOptions& options, std::span<const std::string> ids) {
  const std::size_t batches = (ids.size() + kDocumentsPerBatch - 1) / kDocumentsPerBatch;
  const std::size_t workers = std::clamp<std::size_t>(batches, 1, state.chunk_workers);
  const std::size_t documents_per_worker = (batches + workers - 1) / workers * kDocumentsPerBatch;
  std::vector<Findings> parts(workers);
  auto compare = [&](std::size_t part) {
    const std::size_t begin = std::min(ids.size(), part * documents_per_worker);
    const std::size_t count = std::min(ids.size() - begin, documents_per_worker);
    parts[part].status = Verifier(state, options, parts[part]).Compare(ids.subspan(begin, count));
  };
  std::vector<Thread> threads;
  for (std::size_t part = 1; part < workers; ++part) threads.emplace_back([&compare, part] { compare(part); });
  compare(0);
  for (Thread& thread : threads) thread.Join();
  return parts;
}

void Add(VerifyReport&& part, std::size_t max_examples, VerifyReport& report) {
  report.documents += part.documents;
  report.records += part.records;
  report.damaged_documents += part.damaged_documents;
  report.missing += part.missing;
  report.extra += part.extra;
  report.stale += part.stale;
  report.wrong_content += part.wrong_content;
  report.wrong_vector += part.wrong_vector;
  for (VerifyReport::Example& example : part.examples) {
    if (report.examples.size() < max_examples) report.examples.push_back(std::move(example));
  }
}

/// Both sides must be there, and speak of records of the pipeline's recipe.
absl::Status CheckComparable(State& state) {
  if (!state.has_ledger) {
    return absl::FailedPreconditionError(
        "this checkpoint keeps no ledger (Checkpoint::keeps_ledger() is false), so there is nothing to compare the sink with");
  }
  if (!state.stages.sink.lists_records()) {
    return absl::FailedPreconditionError(
        "this sink does not say what it stores (VectorSink::lists_records() is false), so it cannot be compared with the "
        "ledger");
  }
  std::optional<Recipe> stored;
  RAGPIPE_RETURN_IF_ERROR(state.CallHost(Stage::kRead, "Checkpoint::LoadRecipe", [&]() -> absl::Status {
    RAGPIPE_ASSIGN_OR_RETURN(stored, state.stages.checkpoint.LoadRecipe());
    return absl::OkStatus();
  }));
  if (!stored.has_value()) return absl::OkStatus();
  RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, FormRecipe(state.stages.chunker, state.stages.embedder, state.options));
  return CheckSameRecipe(*stored, recipe);
}

}  // namespace

absl::Status ForEachKnownDocument(State& state,
                                  absl::FunctionRef<absl::Status(std::string_view id, bool in_ledger, bool in_sink)> visit) {
  auto pages = [&state](const char* what, auto read) {
    return SortedIds([&state, what, read](std::string_view after, std::size_t limit) {
      absl::StatusOr<std::vector<std::string>> page = absl::InternalError("not read");
      const absl::Status status = state.CallHost(Stage::kRead, what, [&] {
        page = read(after, limit);
        return page.status();
      });
      return status.ok() ? std::move(page) : absl::StatusOr<std::vector<std::string>>(status);
    });
  };
  SortedIds ledger = pages("Checkpoint::ListDocuments", [&state](std::string_view after, std::size_t limit) {
    return state.stages.checkpoint.ListDocuments(state.source_name, after, limit);
  });
  SortedIds sink = pages("VectorSink::ListDocuments", [&state](std::string_view after, std::size_t limit) {
    return state.stages.sink.ListDocuments(state.source_name, after, limit);
  });
  while (true) {
    if (state.IsAborting()) return Cancelled();
    RAGPIPE_ASSIGN_OR_RETURN(const std::string* const known, ledger.Peek());
    RAGPIPE_ASSIGN_OR_RETURN(const std::string* const stored, sink.Peek());
    if (known == nullptr && stored == nullptr) return absl::OkStatus();
    const bool in_ledger = known != nullptr && (stored == nullptr || *known <= *stored);
    const bool in_sink = stored != nullptr && (known == nullptr || *stored <= *known);
    RAGPIPE_RETURN_IF_ERROR(visit(in_ledger ? *known : *stored, in_ledger, in_sink));
    if (in_ledger) ledger.Pop();
    if (in_sink) sink.Pop();
  }
}

absl::Status VerifyIndex(State& state, const VerifyOptions& options, VerifyReport& report,
                         absl::FunctionRef<absl::Status(std::vector<LedgerEntry>&)> on_damaged) {
  report = {};
  if (!(options.sample > 0 && options.sample <= 1)) {
    return absl::FailedPreconditionError("VerifyOptions::sample must be above 0 and at most 1");
  }
  RAGPIPE_RETURN_IF_ERROR(CheckComparable(state));
  const absl::Time begin = state.clock.Now();
  const Sample sample(options.sample, options.seed);
  std::vector<std::string> round;
  auto compare = [&]() -> absl::Status {
    for (Findings& part : CompareRound(state, options, round)) {
      RAGPIPE_RETURN_IF_ERROR(part.status);
      Add(std::move(part.report), options.max_examples, report);
      if (!part.damaged.empty()) RAGPIPE_RETURN_IF_ERROR(on_damaged(part.damaged));
    }
    round.clear();
    return absl::OkStatus();
  };
  const std::size_t documents_per_round = state.chunk_workers * kBatchesPerWorker * kDocumentsPerBatch;
  auto visit = [&](std::string_view id, bool /*in_ledger*/, bool /*in_sink*/) -> absl::Status {
    if (!sample.Has(id)) return absl::OkStatus();
    round.emplace_back(id);
    return round.size() == documents_per_round ? compare() : absl::OkStatus();
  };
  RAGPIPE_RETURN_IF_ERROR(ForEachKnownDocument(state, visit));
  RAGPIPE_RETURN_IF_ERROR(compare());
  report.elapsed = state.clock.Now() - begin;
  return absl::OkStatus();
}

}  // namespace ragpipe::internal
