#include "ragpipe/testing/check_checkpoint.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ragpipe/adapters.h"
#include "ragpipe/testing/memory_store.h"
#include "support/catch.h"
#include "testing/broken_stages.h"

namespace ragpipe::testing {
namespace {

using Cursors = std::vector<PartitionCursor>;
using Entries = std::vector<std::optional<LedgerEntry>>;
using Ids = std::vector<std::string>;
using Letters = std::vector<DeadLetter>;

/// A MemoryStore's checkpoint with parts replaced.
struct TweakedCheckpoint final : Checkpoint {
  MemoryStore store;
  Checkpoint& good = store.checkpoint();
  std::function<absl::Status(const CommitRequest&)> commit = {};
  std::function<void(std::string_view, Cursors&)> cursors = {};  ///< spoils what LoadCursors() gives, ...
  std::function<void(std::optional<Recipe>&)> recipe = {};       ///< ... LoadRecipe() ...
  std::function<void(Entries&)> entries = {};                    ///< ... FindEntries() ...
  std::function<void(Ids&)> ids = {};                            ///< ... ListDocuments() ...
  std::function<void(Letters&)> letters = {};                    ///< ... ListDeadLetters().
  std::function<std::string_view(std::string_view)> source = [](std::string_view name) { return name; };

  absl::Status Commit(const CommitRequest& request) override { return commit ? commit(request) : good.Commit(request); }
  bool keeps_ledger() const override { return true; }
  absl::StatusOr<Cursors> LoadCursors(std::string_view name) override {
    auto result = good.LoadCursors(name);
    if (cursors) cursors(name, *result);
    return result;
  }
  absl::StatusOr<std::optional<Recipe>> LoadRecipe() override {
    auto result = good.LoadRecipe();
    if (recipe) recipe(*result);
    return result;
  }
  absl::Status FindEntries(std::string_view name, std::span<const std::string_view> document_ids, Entries& out) override {
    absl::Status status = good.FindEntries(source(name), document_ids, out);
    if (entries) entries(out);
    return status;
  }
  absl::StatusOr<Ids> ListDocuments(std::string_view name, std::string_view after, std::size_t limit) override {
    auto result = good.ListDocuments(name, after, ids ? 1000 : limit);
    if (ids) ids(*result);
    return result;
  }
  absl::StatusOr<Letters> ListDeadLetters(std::string_view name, std::string_view after, std::size_t limit) override {
    auto result = good.ListDeadLetters(source(name), after, limit);
    if (letters) letters(*result);
    return result;
  }
};

Broken Tweaked(std::string rule, std::function<void(TweakedCheckpoint&)> tweak) {
  return {std::move(rule), [tweak = std::move(tweak)] {
            return CheckCheckpoint([&tweak] {
              auto checkpoint = std::make_shared<TweakedCheckpoint>();
              tweak(*checkpoint);
              return CheckpointUnderTest{.checkpoint = checkpoint};
            });
          }};
}

/// Changes every request before it is committed.
Broken Committing(std::string rule, std::function<void(TweakedCheckpoint&, CommitRequest&)> change) {
  return Tweaked(std::move(rule), [change = std::move(change)](TweakedCheckpoint& checkpoint) {
    checkpoint.commit = [&checkpoint, change](const CommitRequest& request) {
      CommitRequest changed = request;
      change(checkpoint, changed);
      return checkpoint.good.Commit(changed);
    };
  });
}

std::shared_ptr<Checkpoint> Part(const std::shared_ptr<MemoryStore>& store) { return {store, &store->checkpoint()}; }

TEST_CASE("CheckCheckpoint: our checkpoints conform") {
  for (const bool keeps_ledger : {true, false}) {
    const auto findings = CheckCheckpoint([keeps_ledger] {
      auto store = std::make_shared<MemoryStore>(MemoryStoreOptions{.keeps_ledger = keeps_ledger});
      auto reopen = [store] {
        store->Crash();
        return Part(store);
      };
      return CheckpointUnderTest{Part(store), reopen};
    });
    INFO(ToText(findings));
    CHECK(findings.empty());
  }
}

TEST_CASE("CheckCheckpoint: a checkpoint from lambdas conforms, without a ledger") {
  struct Kept {
    std::mutex mutex;
    std::map<std::string, std::map<Partition, Cursor>, std::less<>> sources;
  };
  const auto findings = CheckCheckpoint([] {
    auto kept = std::make_shared<Kept>();
    auto load = [kept](std::string_view source) {
      const std::lock_guard guard(kept->mutex);
      Cursors cursors;
      for (const auto& [partition, cursor] : kept->sources[std::string(source)]) cursors.push_back({partition, cursor});
      return cursors;
    };
    auto commit = [kept](const CommitRequest& request) {
      const std::lock_guard guard(kept->mutex);
      if (request.reset) kept->sources.clear();
      for (const PartitionCursor& position : request.cursors) {
        kept->sources[std::string(request.source)][position.partition] = position.cursor;
      }
      return absl::OkStatus();
    };
    return CheckpointUnderTest{.checkpoint = std::make_shared<FunctionCheckpoint>(load, commit)};
  });
  INFO(ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("CheckCheckpoint: every broken rule is found out") {
  std::mutex mutex;  // guards what the broken stages remember
  Cursors last_cursors;
  Cursors greatest;
  std::vector<LedgerEntry> fresh;

  const std::vector<Broken> all = {
      {"checkpoint.factory", [] { return CheckCheckpoint([] { return CheckpointUnderTest(); }); }},
      Tweaked("checkpoint.no_throw",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [](const CommitRequest&) -> absl::Status { throw std::runtime_error("thrown"); };
              }),
      Tweaked("checkpoint.cursor.unknown",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.cursors = [](std::string_view, Cursors& cursors) {
                  if (cursors.empty()) cursors.push_back({"", "0"});
                };
              }),
      Tweaked("checkpoint.cursor.roundtrip",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.cursors = [](std::string_view, Cursors& cursors) {
                  for (PartitionCursor& position : cursors) position.cursor = std::string(position.cursor.c_str());
                };
              }),
      Committing("checkpoint.cursor.replaces",
                 [&](TweakedCheckpoint& checkpoint, CommitRequest& request) {  // the greatest wins, instead of the last
                   greatest.assign(request.cursors.begin(), request.cursors.end());
                   const Cursors before = *checkpoint.good.LoadCursors(request.source);
                   for (PartitionCursor& position : greatest) {
                     for (const PartitionCursor& stored : before) {
                       if (stored.partition == position.partition) position.cursor = std::max(position.cursor, stored.cursor);
                     }
                   }
                   request.cursors = greatest;
                 }),
      Tweaked("checkpoint.cursor.kept",
              [&](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [&](const CommitRequest& request) {
                  const std::lock_guard guard(mutex);
                  last_cursors.assign(request.cursors.begin(), request.cursors.end());
                  return checkpoint.good.Commit(request);
                };
                checkpoint.cursors = [&](std::string_view, Cursors& cursors) {
                  const std::lock_guard guard(mutex);
                  if (!cursors.empty()) cursors = last_cursors;
                };
              }),
      Tweaked("checkpoint.cursor.per_source",
              [&](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [&](const CommitRequest& request) {
                  CommitRequest ours = request;
                  ours.source = "kit";
                  return checkpoint.good.Commit(ours);
                };
              }),
      Tweaked("checkpoint.commit.repeatable",
              [&](TweakedCheckpoint& checkpoint) {
                auto before = std::make_shared<std::string>();
                checkpoint.commit = [&checkpoint, before](const CommitRequest& request) {
                  const std::string cursor = request.cursors.empty() ? "" : request.cursors[0].cursor;
                  const bool again = !cursor.empty() && std::exchange(*before, cursor) == cursor;
                  return again ? absl::AlreadyExistsError("committed before") : checkpoint.good.Commit(request);
                };
              }),
      Tweaked("checkpoint.commit.atomic",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [&checkpoint](const CommitRequest& request) {
                  CommitRequest half = request;
                  half.entries = request.entries.first(request.entries.size() / 2);
                  absl::Status status = checkpoint.good.Commit(half);
                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
                  half.reset = false;
                  half.dead_letters = {};
                  half.entries = request.entries.subspan(request.entries.size() / 2);
                  if (status.ok()) status = checkpoint.good.Commit(half);
                  return status;
                };
              }),
      Committing("checkpoint.reset", [](TweakedCheckpoint&, CommitRequest& request) { request.reset = false; }),
      {"checkpoint.reopen",
       [] {
         return CheckCheckpoint([] {
           return CheckpointUnderTest{Part(std::make_shared<MemoryStore>()),
                                      [] { return Part(std::make_shared<MemoryStore>()); }};
         });
       }},
      Committing("checkpoint.recipe", [](TweakedCheckpoint&, CommitRequest& request) { request.recipe = nullptr; }),
      Tweaked("checkpoint.recipe",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.recipe = [](std::optional<Recipe>& recipe) {
                  if (recipe.has_value()) recipe->metric = Metric::kCosine;
                };
              }),
      Tweaked("checkpoint.entry.unknown",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.entries = [](Entries& entries) { std::erase(entries, std::nullopt); };
              }),
      Tweaked("checkpoint.entry.roundtrip",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.entries = [](Entries& entries) {
                  for (auto& entry : entries) {
                    if (entry.has_value() && entry->version.ordinal > 1'000'000U) entry->version.ordinal = 0;
                  }
                };
              }),
      Committing("checkpoint.entry.replaces",
                 [&](TweakedCheckpoint& checkpoint, CommitRequest& request) {  // inserts only
                   fresh.clear();
                   for (const LedgerEntry& entry : request.entries) {
                     if (checkpoint.store.entries(request.source).count(entry.document_id) == 0) fresh.push_back(entry);
                   }
                   request.entries = fresh;
                 }),
      Tweaked(
          "checkpoint.entry.per_source",
          [](TweakedCheckpoint& checkpoint) { checkpoint.source = [](std::string_view) { return std::string_view("kit"); }; }),
      Committing("checkpoint.forgotten", [](TweakedCheckpoint&, CommitRequest& request) { request.forgotten = {}; }),
      Tweaked("checkpoint.list.order",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.ids = [](Ids& ids) {  // as if bytes were signed
                  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
                    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
                  });
                  std::stable_partition(ids.begin(), ids.end(),
                                        [](const std::string& id) { return (static_cast<unsigned char>(id[0]) & 0x80U) != 0; });
                };
              }),
      Tweaked("checkpoint.list.paging",
              [](TweakedCheckpoint& checkpoint) { checkpoint.ids = [](Ids&) {}; }),  // without a limit
      Tweaked("checkpoint.tombstone.roundtrip",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.entries = [](Entries& entries) {
                  for (auto& entry : entries) {
                    if (entry.has_value()) entry->deleted_at.reset();
                  }
                };
              }),
      Committing("checkpoint.tombstone.unlisted",
                 [&](TweakedCheckpoint&, CommitRequest& request) {  // as if there were none
                   fresh.assign(request.entries.begin(), request.entries.end());
                   for (LedgerEntry& entry : fresh) entry.deleted_at.reset();
                   request.entries = fresh;
                 }),
      Committing("checkpoint.tombstone.purge",
                 [](TweakedCheckpoint&, CommitRequest& request) { request.purge_before = absl::InfinitePast(); }),
      Tweaked("checkpoint.dead_letter.roundtrip",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.letters = [](Letters& letters) {
                  for (DeadLetter& letter : letters) letter.document.reset();
                };
              }),
      Tweaked("checkpoint.dead_letter.attempts",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.letters = [](Letters& letters) {
                  for (DeadLetter& letter : letters) letter.attempts = 1;
                };
              }),
      Tweaked("checkpoint.dead_letter.cleared",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [&checkpoint](const CommitRequest& request) {
                  const Letters before = *checkpoint.good.ListDeadLetters(request.source, "", 1000);
                  absl::Status status = checkpoint.good.Commit(request);
                  CommitRequest again;
                  again.source = request.source;
                  again.dead_letters = before;
                  const bool spoils = request.entries.size() == 1 && before.size() == 2;
                  return status.ok() && spoils ? checkpoint.good.Commit(again) : status;
                };
              }),
      Tweaked("checkpoint.dead_letter.kept_in_doubt",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.commit = [&checkpoint](const CommitRequest& request) {
                  std::vector<std::string> cleared;
                  for (const LedgerEntry& entry : request.entries) cleared.push_back(entry.document_id);
                  CommitRequest spoilt = request;
                  spoilt.dropped_letters = cleared;
                  return request.dead_letters.empty() ? checkpoint.good.Commit(spoilt) : checkpoint.good.Commit(request);
                };
              }),
      Committing("checkpoint.dead_letter.dropped",
                 [](TweakedCheckpoint&, CommitRequest& request) { request.dropped_letters = {}; }),
      Tweaked("checkpoint.dead_letter.order",
              [](TweakedCheckpoint& checkpoint) {
                checkpoint.letters = [](Letters& letters) { std::reverse(letters.begin(), letters.end()); };
              }),
      Tweaked(
          "checkpoint.dead_letter.per_source",
          [](TweakedCheckpoint& checkpoint) { checkpoint.source = [](std::string_view) { return std::string_view("kit"); }; }),
  };
  CheckFoundOut(all, ListedRules("check_checkpoint.h", "checkpoint"));
}

}  // namespace
}  // namespace ragpipe::testing
