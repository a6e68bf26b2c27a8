#include "engine/planning.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "engine/mutex.h"
#include "engine/state.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/embedder.h"
#include "ragpipe/report.h"
#include "ragpipe/source.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::internal {
namespace {

/// What the run would have changed so far, as far as it bears on what it does next.
struct Draft {
  Mutex mutex;
  std::optional<Recipe> stored_recipe RAGPIPE_GUARDED_BY(mutex);
  std::optional<Recipe> recipe RAGPIPE_GUARDED_BY(mutex);           ///< of the pipeline
  bool is_reset RAGPIPE_GUARDED_BY(mutex) = false;                  ///< of another recipe: nothing that is stored counts
  absl::flat_hash_set<IdHash> text_keys RAGPIPE_GUARDED_BY(mutex);  ///< that have a vector by now
  /// Of documents that were processed, by document id; empty = deleted. Without their chunks, whose keys are above.
  absl::flat_hash_map<IdHash, std::optional<LedgerEntry>> entries RAGPIPE_GUARDED_BY(mutex);

  bool CountsStored() RAGPIPE_REQUIRES(mutex) { return stored_recipe.has_value() && !is_reset; }
};

class PlanningStream final : public ChangeStream {
 public:
  explicit PlanningStream(std::unique_ptr<ChangeStream> stream) : stream_(std::move(stream)) {}

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override { return stream_->Next(deadline, out); }
  absl::StatusOr<Document> Load(const Change& change) override { return stream_->Load(change); }
  // Acknowledge() stays here.

 private:
  std::unique_ptr<ChangeStream> stream_;
};

class PlanningSource final : public Source {
 public:
  explicit PlanningSource(Source& source) : source_(source) {}

  std::string_view name() const override { return source_.name(); }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override {
    RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<ChangeStream> stream, source_.StreamChanges(since));
    if (stream == nullptr) return stream;
    return std::make_unique<PlanningStream>(std::move(stream));
  }

 private:
  Source& source_;
};

class PlanningEmbedder final : public Embedder {
 public:
  explicit PlanningEmbedder(Embedder& embedder) : embedder_(embedder) {}

  std::size_t dimension() const override { return embedder_.dimension(); }
  EmbedLimits limits() const override { return embedder_.limits(); }
  std::string Fingerprint() const override { return embedder_.Fingerprint(); }
  absl::Status Embed(const EmbedRequest& /*request*/, std::span<float> out) override {
    std::fill(out.begin(), out.end(), 1.0F);
    return absl::OkStatus();
  }

 private:
  Embedder& embedder_;
};

class PlanningSink final : public VectorSink {
 public:
  PlanningSink(VectorSink& sink, Draft& draft, const PlanOptions& options, Plan& plan)
      : sink_(sink), draft_(draft), options_(options), plan_(plan) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override {
    MutexLock lock(draft_.mutex);
    draft_.recipe = spec.recipe;
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const DocumentWrite> writes) override {
    for (const DocumentWrite& write : writes) Count(write);
    return absl::OkStatus();
  }

  absl::Status Flush() override { return absl::OkStatus(); }
  const void* transaction() const override { return &draft_; }
  bool patches_payload() const override { return sink_.patches_payload(); }

  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override {
    std::vector<float> some;
    bool asks_sink = false;
    {
      MutexLock lock(draft_.mutex);
      some.assign(draft_.recipe->dimension, 1.0F);
      asks_sink = draft_.CountsStored();
    }
    out.assign(text_keys.size(), {});
    if (asks_sink) RAGPIPE_RETURN_IF_ERROR(sink_.FindVectors(text_keys, out));
    out.resize(text_keys.size());
    MutexLock lock(draft_.mutex);
    for (std::size_t i = 0; i < text_keys.size(); ++i) {
      if (!out[i].empty()) {
        draft_.text_keys.insert(HashOfId(text_keys[i]));
      } else if (draft_.text_keys.contains(HashOfId(text_keys[i]))) {
        out[i] = some;
      }
    }
    return absl::OkStatus();
  }

 private:
  void Count(const DocumentWrite& write) {
    if (write.metadata == nullptr) return;  // a deletion, which the report counts
    Plan::Contributor document;
    {
      MutexLock lock(draft_.mutex);
      for (const Record& record : write.upserts) {
        if (!draft_.text_keys.insert(HashOfId(record.text_key)).second) continue;
        ++document.texts;
        document.tokens += record.chunk->tokens;
      }
    }
    ++(write.replace_all ? plan_.documents.added : plan_.documents.updated);
    if (document.texts == 0 || options_.biggest_documents == 0) return;
    document.document_id = write.document_id;
    const auto is_bigger = [](const Plan::Contributor& a, const Plan::Contributor& b) {
      return a.tokens != b.tokens ? a.tokens > b.tokens : a.document_id < b.document_id;
    };
    plan_.biggest.insert(std::upper_bound(plan_.biggest.begin(), plan_.biggest.end(), document, is_bigger), document);
    if (plan_.biggest.size() > options_.biggest_documents) plan_.biggest.pop_back();
  }

  VectorSink& sink_;
  Draft& draft_;
  const PlanOptions& options_;
  Plan& plan_;
};

class PlanningCheckpoint final : public Checkpoint {
 public:
  PlanningCheckpoint(Checkpoint& checkpoint, Draft& draft) : checkpoint_(checkpoint), draft_(draft) {}

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override {
    if (IsReset()) return std::vector<PartitionCursor>();
    return checkpoint_.LoadCursors(source);
  }

  absl::Status Commit(const CommitRequest& request) override {
    MutexLock lock(draft_.mutex);
    draft_.is_reset = draft_.is_reset || request.reset;
    for (const LedgerEntry& entry : request.entries) {
      LedgerEntry kept = entry;
      kept.chunks.clear();
      draft_.entries.insert_or_assign(HashOfId(entry.document_id), std::move(kept));
    }
    for (const std::string& id : request.forgotten) draft_.entries.insert_or_assign(HashOfId(id), std::nullopt);
    return absl::OkStatus();
  }

  const void* transaction() const override { return &draft_; }
  bool keeps_ledger() const override { return checkpoint_.keeps_ledger(); }

  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override {
    RAGPIPE_ASSIGN_OR_RETURN(std::optional<Recipe> recipe, checkpoint_.LoadRecipe());
    MutexLock lock(draft_.mutex);
    draft_.stored_recipe = recipe;
    return recipe;
  }

  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override {
    out.assign(document_ids.size(), std::nullopt);
    if (!IsReset()) RAGPIPE_RETURN_IF_ERROR(checkpoint_.FindEntries(source, document_ids, out));
    out.resize(document_ids.size());
    MutexLock lock(draft_.mutex);
    for (std::size_t i = 0; i < document_ids.size(); ++i) {
      if (const auto entry = draft_.entries.find(HashOfId(document_ids[i])); entry != draft_.entries.end())
        out[i] = entry->second;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    if (IsReset()) return std::vector<std::string>();
    return checkpoint_.ListDocuments(source, after, limit);
  }

  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override {
    if (IsReset()) return std::vector<DeadLetter>();
    return checkpoint_.ListDeadLetters(source, after, limit);
  }

 private:
  bool IsReset() {
    MutexLock lock(draft_.mutex);
    return draft_.is_reset;
  }

  Checkpoint& checkpoint_;
  Draft& draft_;
};

}  // namespace

absl::Status MakePlan(Stages stages, PipelineOptions options, const PlanOptions& plan_options, Plan& plan) {
  plan = {};
  Draft draft;
  PlanningSource source(stages.source);
  PlanningEmbedder embedder(stages.embedder);
  PlanningSink sink(stages.sink, draft, plan_options, plan);
  PlanningCheckpoint checkpoint(stages.checkpoint, draft);
  const bool refuses_recipe = options.on_recipe_change == OnRecipeChange::kRefuse;
  options.on_recipe_change = OnRecipeChange::kRebuild;
  options.observer = nullptr;

  RunReport report;
  absl::Status status = Engine({source, stages.chunker, embedder, sink, checkpoint}, options).Run(report);
  if (report.deletions_refused != 0) plan.refusal = std::exchange(status, absl::OkStatus());
  MutexLock lock(draft.mutex);
  if (draft.is_reset) {
    const absl::Status change = CheckSameRecipe(*draft.stored_recipe, *draft.recipe);
    plan.recipe_change = std::string(change.message());
    if (refuses_recipe) plan.refusal = Rebuilt(change);
  }
  const RunReport::Documents& d = report.documents;
  plan.documents.seen = d.seen;
  plan.documents.deleted = d.deleted;
  plan.documents.unchanged = d.unchanged;
  plan.documents.skipped = d.stale + d.superseded;
  plan.documents.failed = d.failed;
  plan.chunks.embedded = report.chunks.embedded;
  plan.chunks.reused = report.chunks.reused + report.chunks.patched;
  plan.chunks.deleted = report.chunks.deleted;
  plan.chunks.total = report.chunks.total;
  plan.embed.calls = report.embed.calls;
  plan.embed.texts = report.embed.texts;
  plan.embed.tokens = report.embed.tokens;
  plan.embed.tokens_are_estimated = report.embed.tokens_are_estimated;
  plan.embed.cost = static_cast<double>(report.embed.tokens) * plan_options.price_per_million_tokens / 1e6;
  plan.problems = report.problems;
  return status;
}

}  // namespace ragpipe::internal
