#include "ragpipe/testing/memory_store.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "testing/memory_search.h"
#include "testing/private_status.h"
#include "testing/record_table.h"

namespace ragpipe::testing {

/// Everything that is stored. Its parts below are the interfaces' views of it.
class MemoryStore::State {
 public:
  struct SourceState {
    std::map<Partition, Cursor> cursors;
    std::map<std::string, LedgerEntry, std::less<>> entries;
    std::map<std::string, DeadLetter, std::less<>> dead_letters;
  };

  explicit State(const MemoryStoreOptions& given) : options(given) {}

  void CommitSink() {
    records.Commit();
    durable_recipe = sink_recipe;
  }

  void RollBackSink() {
    records.Rollback();
    sink_recipe = durable_recipe;
  }

  const SourceState& Of(std::string_view source) const {
    static const SourceState* const kNothing = new SourceState;
    const auto found = sources.find(source);
    return found == sources.end() ? *kNothing : found->second;
  }

  const MemoryStoreOptions options;

  std::mutex mutex;  // guards all below
  RecordTable records;
  std::optional<Recipe> sink_recipe;     // as EnsureCollection() left it
  std::optional<Recipe> durable_recipe;  // as a crash would leave it
  std::optional<Recipe> ledger_recipe;
  std::map<std::string, SourceState, std::less<>> sources;
  Counts counts;
};

class MemoryStore::Sink final : public VectorSink {
 public:
  explicit Sink(State& state) : state_(state) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override {
    const std::lock_guard guard(state_.mutex);
    if (state_.options.shared_transaction) state_.RollBackSink();  // what a run before left unfinished
    if (state_.sink_recipe.has_value() && !spec.rebuild) return CheckSameRecipe(*state_.sink_recipe, spec.recipe);
    if (spec.rebuild) state_.records.Clear();
    state_.sink_recipe = spec.recipe;
    if (!state_.options.shared_transaction) state_.CommitSink();
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const DocumentWrite> writes) override {
    const std::lock_guard guard(state_.mutex);
    if (!state_.sink_recipe.has_value()) return absl::FailedPreconditionError("Write() before EnsureCollection()");
    for (const DocumentWrite& write : writes) RAGPIPE_RETURN_IF_ERROR(CheckWrite(write));  // all, before any lands
    for (const DocumentWrite& write : writes) Apply(write);
    ++state_.counts.writes;
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    const std::lock_guard guard(state_.mutex);
    if (!state_.options.shared_transaction) state_.CommitSink();
    ++state_.counts.flushes;
    return absl::OkStatus();
  }

  const void* transaction() const override { return state_.options.shared_transaction ? &state_ : nullptr; }
  bool patches_payload() const override { return state_.options.patches_payload; }

  absl::Status FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) override {
    if (!state_.options.finds_vectors) return VectorSink::FindVectors(text_keys, out);
    const std::lock_guard guard(state_.mutex);
    out.assign(text_keys.size(), {});
    for (std::size_t i = 0; i < text_keys.size(); ++i) {
      if (const RecordPtr record = state_.records.FindTextKey(text_keys[i])) out[i] = record->vector;
    }
    return absl::OkStatus();
  }

  bool lists_records() const override { return state_.options.lists_records; }

  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    if (!state_.options.lists_records) return VectorSink::ListDocuments(source, after, limit);
    const std::lock_guard guard(state_.mutex);
    std::set<std::string> ids;
    for (const RecordPtr& record : state_.records.Committed()) {
      if (record->source == source && record->document_id > after) ids.insert(record->document_id);
    }
    std::vector<std::string> result(ids.begin(), ids.end());
    if (result.size() > limit) result.resize(limit);
    return result;
  }

  absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<StoredRecord>& out) override {
    if (!state_.options.lists_records) return VectorSink::ReadRecords(source, document_ids, out);
    const std::lock_guard guard(state_.mutex);
    const std::set<std::string_view> wanted(document_ids.begin(), document_ids.end());
    for (const RecordPtr& record : state_.records.Committed()) {
      if (record->source != source || wanted.count(record->document_id) == 0) continue;
      out.push_back(*record);
      out.back().chunk.text.reset();  // as a store that does not keep it
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckWrite(const DocumentWrite& write) const {
    for (const Record& record : write.upserts) {
      if (record.vector.size() != state_.sink_recipe->dimension) {
        return absl::InvalidArgumentError(fmt::format("record '{}' of document '{}' has {} floats; the collection's have {}",
                                                      record.id, write.document_id, record.vector.size(),
                                                      state_.sink_recipe->dimension));
      }
      if (!std::all_of(record.vector.begin(), record.vector.end(), [](float value) { return std::isfinite(value); })) {
        return absl::InvalidArgumentError(
            fmt::format("the vector of record '{}' of document '{}' is not finite", record.id, write.document_id));
      }
    }
    if (!write.patches.empty() && !state_.options.patches_payload) {
      return absl::FailedPreconditionError(
          fmt::format("document '{}' came with patches, but patches_payload() is false", write.document_id));
    }
    for (const Record& record : write.patches) {
      if (state_.records.Find(record.id) == nullptr) {
        return absl::FailedPreconditionError(
            fmt::format("record '{}' of document '{}' is not stored, so it cannot be patched", record.id, write.document_id));
      }
    }
    return absl::OkStatus();
  }

  void Apply(const DocumentWrite& write) {
    for (const Record& record : write.upserts) state_.records.Put(ToStoredRecord(write, record));
    state_.counts.upserts += write.upserts.size();
    for (const Record& record : write.patches) Patch(write, record);
    state_.counts.patches += write.patches.size();
    for (const std::string_view id : write.deletes) state_.counts.deletes += state_.records.Erase(std::string(id)) ? 1 : 0;
    if (!write.replace_all) return;
    std::set<std::string_view> stay;
    for (const Record& record : write.upserts) stay.insert(record.id);
    for (const std::string& id : state_.records.IdsOf(write.source, write.document_id)) {
      if (stay.count(id) == 0) state_.counts.deletes += state_.records.Erase(id) ? 1 : 0;
    }
  }

  void Patch(const DocumentWrite& write, const Record& record) {
    StoredRecord patched = ToStoredRecord(write, record);
    if (const RecordPtr stored = state_.records.Find(record.id)) patched.vector = stored->vector;
    state_.records.Put(std::move(patched));
  }

  State& state_;
};

class MemoryStore::CheckpointPart final : public Checkpoint {
 public:
  explicit CheckpointPart(State& state) : state_(state) {}

  absl::StatusOr<std::vector<PartitionCursor>> LoadCursors(std::string_view source) override {
    const std::lock_guard guard(state_.mutex);
    std::vector<PartitionCursor> result;
    for (const auto& [partition, cursor] : state_.Of(source).cursors) result.push_back({partition, cursor});
    return result;
  }

  absl::Status Commit(const CommitRequest& request) override {
    const std::lock_guard guard(state_.mutex);
    if (request.reset) state_.sources.clear();
    State::SourceState& source = state_.sources[std::string(request.source)];
    for (const PartitionCursor& position : request.cursors) source.cursors[position.partition] = position.cursor;
    if (state_.options.keeps_ledger) CommitLedger(request, source);
    if (state_.options.shared_transaction) state_.CommitSink();
    ++state_.counts.commits;
    return absl::OkStatus();
  }

  const void* transaction() const override { return state_.options.shared_transaction ? &state_ : nullptr; }
  bool keeps_ledger() const override { return state_.options.keeps_ledger; }

  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override {
    const std::lock_guard guard(state_.mutex);
    return state_.ledger_recipe;
  }

  absl::Status FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                           std::vector<std::optional<LedgerEntry>>& out) override {
    if (!state_.options.keeps_ledger) return Checkpoint::FindEntries(source, document_ids, out);
    const std::lock_guard guard(state_.mutex);
    const auto& entries = state_.Of(source).entries;
    out.assign(document_ids.size(), std::nullopt);
    for (std::size_t i = 0; i < document_ids.size(); ++i) {
      if (const auto found = entries.find(document_ids[i]); found != entries.end()) out[i] = found->second;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    if (!state_.options.keeps_ledger) return Checkpoint::ListDocuments(source, after, limit);
    const std::lock_guard guard(state_.mutex);
    const auto& entries = state_.Of(source).entries;
    std::vector<std::string> result;
    for (auto entry = entries.upper_bound(after); entry != entries.end() && result.size() < limit; ++entry) {
      if (!entry->second.deleted_at.has_value()) result.push_back(entry->first);
    }
    return result;
  }

  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(std::string_view source, std::string_view after,
                                                          std::size_t limit) override {
    if (!state_.options.keeps_ledger) return Checkpoint::ListDeadLetters(source, after, limit);
    const std::lock_guard guard(state_.mutex);
    const auto& letters = state_.Of(source).dead_letters;
    std::vector<DeadLetter> result;
    for (auto letter = letters.upper_bound(after); letter != letters.end() && result.size() < limit; ++letter) {
      result.push_back(PrivateCopy(letter->second));
    }
    return result;
  }

 private:
  void CommitLedger(const CommitRequest& request, State::SourceState& source) {
    if (request.recipe != nullptr) state_.ledger_recipe = *request.recipe;
    for (const LedgerEntry& entry : request.entries) {
      source.entries[entry.document_id] = entry;
      if (!entry.is_in_doubt()) source.dead_letters.erase(entry.document_id);
    }
    for (const std::string& id : request.forgotten) {
      source.entries.erase(id);
      source.dead_letters.erase(id);
    }
    std::erase_if(source.entries, [&](const auto& entry) {
      const std::optional<absl::Time>& deleted_at = entry.second.deleted_at;
      return deleted_at.has_value() && *deleted_at < request.purge_before;
    });
    for (const std::string& id : request.dropped_letters) source.dead_letters.erase(id);
    for (const DeadLetter& letter : request.dead_letters) {
      DeadLetter stored = PrivateCopy(letter);
      if (const auto old = source.dead_letters.find(letter.document_id); old != source.dead_letters.end()) {
        stored.attempts = old->second.attempts + 1;
        stored.first_failure = old->second.first_failure;
      }
      source.dead_letters.insert_or_assign(letter.document_id, std::move(stored));
    }
  }

  State& state_;
};

class MemoryStore::IndexPart final : public Index {
 public:
  explicit IndexPart(State& state) : state_(state) {}

  absl::StatusOr<Recipe> LoadRecipe() override {
    const std::lock_guard guard(state_.mutex);
    if (!state_.durable_recipe.has_value()) return absl::NotFoundError("nothing was ever written to this index");
    return *state_.durable_recipe;
  }

  absl::StatusOr<std::vector<Hit>> Search(const IndexQuery& query) override {
    std::vector<RecordPtr> records;
    Recipe recipe;
    {
      const std::lock_guard guard(state_.mutex);
      if (!state_.durable_recipe.has_value()) return absl::NotFoundError("nothing was ever written to this index");
      recipe = *state_.durable_recipe;
      records = state_.records.Committed();
    }
    return SearchRecords(records, recipe, query);
  }

 private:
  State& state_;
};

MemoryStore::MemoryStore(MemoryStoreOptions options)
    : state_(std::make_unique<State>(options)),
      sink_(std::make_unique<Sink>(*state_)),
      checkpoint_(std::make_unique<CheckpointPart>(*state_)),
      index_(std::make_unique<IndexPart>(*state_)) {}

MemoryStore::~MemoryStore() = default;

VectorSink& MemoryStore::sink() { return *sink_; }
Checkpoint& MemoryStore::checkpoint() { return *checkpoint_; }
Index& MemoryStore::index() { return *index_; }

void MemoryStore::Crash(UnflushedWrites fate) {
  const std::lock_guard guard(state_->mutex);
  if (fate == UnflushedWrites::kKept && !state_->options.shared_transaction) {
    state_->CommitSink();
  } else {
    state_->RollBackSink();
  }
}

void MemoryStore::Overwrite(StoredRecord record) {
  const std::lock_guard guard(state_->mutex);
  state_->records.Put(std::move(record));
  state_->CommitSink();
}

void MemoryStore::Remove(const std::string& record_id) {
  const std::lock_guard guard(state_->mutex);
  state_->records.Erase(record_id);
  state_->CommitSink();
}

std::map<std::string, StoredRecord> MemoryStore::records() const {
  const std::lock_guard guard(state_->mutex);
  std::map<std::string, StoredRecord> result;
  for (const RecordPtr& record : state_->records.Committed()) result.emplace(record->id, *record);
  return result;
}

std::map<std::string, LedgerEntry> MemoryStore::entries(std::string_view source) const {
  const std::lock_guard guard(state_->mutex);
  std::map<std::string, LedgerEntry> result;
  for (const auto& [id, entry] : state_->Of(source).entries) {
    if (!entry.deleted_at.has_value()) result.emplace(id, entry);
  }
  return result;
}

MemoryStore::Counts MemoryStore::counts() const {
  const std::lock_guard guard(state_->mutex);
  return state_->counts;
}

}  // namespace ragpipe::testing
