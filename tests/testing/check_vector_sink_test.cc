#include "ragpipe/testing/check_vector_sink.h"

#include <absl/status/status.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
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

using Writes = std::vector<DocumentWrite>;
using Vectors = std::vector<std::vector<float>>;

/// A MemoryStore's sink with parts replaced. The store is kept by the sink.
struct TweakedSink final : VectorSink {
  explicit TweakedSink(std::shared_ptr<MemoryStore> given) : store(std::move(given)), good(store->sink()) {}

  absl::Status EnsureCollection(const CollectionSpec& spec) override {
    return ensure ? ensure(spec) : good.EnsureCollection(spec);
  }
  absl::Status Write(std::span<const DocumentWrite> writes) override { return write ? write(writes) : good.Write(writes); }
  absl::Status Flush() override { return flush ? flush() : good.Flush(); }
  bool patches_payload() const override { return good.patches_payload(); }
  absl::Status FindVectors(std::span<const std::string_view> keys, Vectors& out) override {
    return find ? find(keys, out) : good.FindVectors(keys, out);
  }
  bool lists_records() const override { return good.lists_records(); }
  absl::StatusOr<std::vector<std::string>> ListDocuments(std::string_view source, std::string_view after,
                                                         std::size_t limit) override {
    return list ? list(source, after, limit) : good.ListDocuments(source, after, limit);
  }
  absl::Status ReadRecords(std::string_view source, std::span<const std::string_view> ids,
                           std::vector<StoredRecord>& out) override {
    return read ? read(source, ids, out) : good.ReadRecords(source, ids, out);
  }
  absl::Status Reindex() override { return reindex ? reindex() : good.Reindex(); }

  std::shared_ptr<MemoryStore> store;
  VectorSink& good;
  std::function<absl::Status(const CollectionSpec&)> ensure = {};
  std::function<absl::Status(std::span<const DocumentWrite>)> write = {};
  std::function<absl::Status()> flush = {};
  std::function<absl::Status(std::span<const std::string_view>, Vectors&)> find = {};
  std::function<absl::StatusOr<std::vector<std::string>>(std::string_view, std::string_view, std::size_t)> list = {};
  std::function<absl::Status(std::string_view, std::span<const std::string_view>, std::vector<StoredRecord>&)> read = {};
  std::function<absl::Status()> reindex = {};
};

std::vector<StoredRecord> ReadAll(const MemoryStore& store) {
  std::vector<StoredRecord> records;
  for (const auto& [id, record] : store.records()) records.push_back(record);
  return records;
}

SinkUnderTest UnderTest(const std::shared_ptr<MemoryStore>& store, std::shared_ptr<VectorSink> sink) {
  SinkUnderTest test;
  test.sink = std::move(sink);
  test.read = [store] { return ReadAll(*store); };
  test.commit = [store] {
    CommitRequest request;
    request.source = "kit";
    return store->checkpoint().Commit(request);
  };
  return test;
}

SinkUnderTest OpenStore(const std::shared_ptr<MemoryStore>& store) {
  return UnderTest(store, std::shared_ptr<VectorSink>(store, &store->sink()));
}

/// A sink over a new store that survives a crash of its process.
SinkFactory StoreFactory(MemoryStoreOptions options) {
  return [options] {
    auto store = std::make_shared<MemoryStore>(options);
    SinkUnderTest test = OpenStore(store);
    if (!options.shared_transaction) test.commit = nullptr;
    test.reopen = [store] {
      store->Crash();
      return OpenStore(store);
    };
    return test;
  };
}

Broken Tweaked(std::string rule, std::function<void(TweakedSink&)> tweak, VectorSinkCheckOptions options = {}) {
  return {std::move(rule), [tweak = std::move(tweak), options = std::move(options)] {
            return CheckVectorSink(
                [&tweak] {
                  auto sink = std::make_shared<TweakedSink>(std::make_shared<MemoryStore>());
                  tweak(*sink);
                  return UnderTest(sink->store, sink);
                },
                options);
          }};
}

/// Spoils every document's write before it reaches the good sink.
Broken Spoiled(std::string rule, std::function<void(DocumentWrite&)> spoil, VectorSinkCheckOptions options = {}) {
  return Tweaked(
      std::move(rule),
      [spoil = std::move(spoil)](TweakedSink& sink) {
        sink.write = [&sink, spoil](std::span<const DocumentWrite> writes) {
          Writes copy(writes.begin(), writes.end());
          for (DocumentWrite& write : copy) spoil(write);
          return sink.good.Write(copy);
        };
      },
      std::move(options));
}

TEST_CASE("CheckVectorSink: our sinks conform") {
  for (const bool shared_transaction : {true, false}) {
    for (const bool more : {true, false}) {
      const auto findings = CheckVectorSink(
          StoreFactory({.shared_transaction = shared_transaction, .patches_payload = more, .finds_vectors = more}),
          {.dimension = more ? 4U : 33U, .metric = more ? Metric::kCosine : Metric::kL2, .finds_vectors = more});
      INFO(ToText(findings));
      CHECK(findings.empty());
    }
  }
}

TEST_CASE("CheckVectorSink: a sink from a lambda, its limits declared") {
  const auto findings = CheckVectorSink(
      [] {
        auto records = std::make_shared<std::map<std::string, StoredRecord, std::less<>>>();
        SinkUnderTest test;
        test.sink = std::make_shared<FunctionSink>([records](std::span<const DocumentWrite> writes) {
          for (const DocumentWrite& write : writes) {
            std::set<std::string_view> stay;
            for (const Record& record : write.upserts) {
              records->insert_or_assign(std::string(record.id), ToStoredRecord(write, record));
              stay.insert(record.id);
            }
            for (const std::string_view id : write.deletes) records->erase(std::string(id));
            std::erase_if(*records, [&](const auto& one) {
              return write.replace_all && one.second.source == write.source && one.second.document_id == write.document_id &&
                     stay.count(one.first) == 0;
            });
          }
          return absl::OkStatus();
        });
        test.read = [records] {
          std::vector<StoredRecord> all;
          for (const auto& [id, record] : *records) all.push_back(record);
          return all;
        };
        return test;
      },
      {.keeps_recipe = false, .finds_vectors = false, .refuses_bad_vectors = false});
  INFO(ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("CheckVectorSink: fields that are not stored and vectors that are rounded can be declared") {
  auto rounding = [] {
    auto sink = std::make_shared<TweakedSink>(std::make_shared<MemoryStore>(MemoryStoreOptions{.finds_vectors = false}));
    SinkUnderTest test = UnderTest(sink->store, sink);
    test.read = [sink] {
      auto records = ReadAll(*sink->store);
      for (StoredRecord& record : records) {
        record.version = {};
        for (float& value : record.vector) value += 0.001F;
      }
      return records;
    };
    return test;
  };
  CHECK_FALSE(CheckVectorSink(rounding, {.tolerance = 0.01, .finds_vectors = false}).empty());
  const auto forget_version = [](StoredRecord& record) { record.version = {}; };
  CHECK_FALSE(CheckVectorSink(rounding, {.finds_vectors = false, .not_stored = forget_version}).empty());
  const auto findings = CheckVectorSink(rounding, {.tolerance = 0.01, .finds_vectors = false, .not_stored = forget_version});
  INFO(ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("CheckVectorSink: every broken rule is found out") {
  const std::vector<Broken> all = {
      {"sink.factory", [] { return CheckVectorSink([] { return SinkUnderTest(); }); }},
      Tweaked("sink.no_throw",
              [](TweakedSink& sink) { sink.flush = []() -> absl::Status { throw std::runtime_error("thrown"); }; }),
      Tweaked("sink.ensure.repeatable",
              [](TweakedSink& sink) {
                sink.ensure = [&sink](const CollectionSpec& spec) { return sink.good.EnsureCollection({spec.recipe, true}); };
              }),
      Tweaked("sink.recipe.refused",
              [](TweakedSink& sink) {
                sink.ensure = [&sink](const CollectionSpec& spec) {
                  const absl::Status status = sink.good.EnsureCollection(spec);
                  return status.code() == absl::StatusCode::kFailedPrecondition ? absl::OkStatus() : status;
                };
              }),
      Tweaked("sink.rebuild.empties",
              [](TweakedSink& sink) {
                sink.ensure = [&sink](const CollectionSpec& spec) {
                  return spec.rebuild ? absl::OkStatus() : sink.good.EnsureCollection(spec);
                };
              }),
      Spoiled(
          "sink.write.upsert",
          [](DocumentWrite& write) { write.upserts = write.upserts.first(std::min<std::size_t>(write.upserts.size(), 3)); }),
      Spoiled("sink.write.upsert", [](DocumentWrite& write) { write.version.ordinal.reset(); }),
      Tweaked("sink.write.replaces",
              [](TweakedSink& sink) {
                auto known = std::make_shared<std::set<std::string>>();
                sink.write = [&sink, known](std::span<const DocumentWrite> writes) {
                  Writes fresh;
                  for (const DocumentWrite& write : writes) {
                    bool is_new = write.upserts.empty();
                    for (const Record& record : write.upserts) is_new = known->insert(std::string(record.id)).second || is_new;
                    if (is_new) fresh.push_back(write);
                  }
                  return sink.good.Write(fresh);
                };
              }),
      {"sink.write.idempotent",
       [] {  // appends, where it should replace
         return CheckVectorSink([] {
           auto sink = std::make_shared<TweakedSink>(std::make_shared<MemoryStore>());
           auto log = std::make_shared<std::vector<std::string>>();
           sink->write = [raw = sink.get(), log](std::span<const DocumentWrite> writes) {
             for (const DocumentWrite& write : writes) {
               for (const Record& record : write.upserts) log->emplace_back(record.id);
             }
             return raw->good.Write(writes);
           };
           SinkUnderTest test = UnderTest(sink->store, sink);
           test.read = [store = sink->store, log] {
             std::vector<StoredRecord> appended;
             const auto records = store->records();
             for (const std::string& id : *log) {
               if (records.count(id) == 1) appended.push_back(records.at(id));
             }
             return appended;
           };
           return test;
         });
       }},
      Tweaked("sink.write.empty",
              [](TweakedSink& sink) {
                sink.write = [&sink](std::span<const DocumentWrite> writes) {
                  return writes.empty() ? absl::InternalError("nothing to do") : sink.good.Write(writes);
                };
              }),
      Spoiled("sink.write.delete", [](DocumentWrite& write) { write.deletes = {}; }),
      Spoiled("sink.write.replace_all", [](DocumentWrite& write) { write.replace_all = false; }),
      Spoiled("sink.write.per_source", [](DocumentWrite& write) { write.source = "all"; },
              {.not_stored = [](StoredRecord& record) { record.source.clear(); }}),
      Tweaked("sink.patch.keeps_vector",
              [](TweakedSink& sink) {
                sink.write = [&sink](std::span<const DocumentWrite> writes) {
                  Writes copy(writes.begin(), writes.end());
                  const std::vector<float> other = {1, 0, 0, 0};
                  std::vector<std::vector<Record>> patched(copy.size());
                  for (std::size_t i = 0; i < copy.size(); ++i) {
                    if (copy[i].patches.empty()) continue;
                    patched[i].assign(copy[i].patches.begin(), copy[i].patches.end());
                    for (Record& record : patched[i]) record.vector = other;
                    copy[i].upserts = patched[i];
                    copy[i].patches = {};
                  }
                  return sink.good.Write(copy);
                };
              }),
      Spoiled("sink.patch.replaces_payload", [](DocumentWrite& write) { write.patches = {}; }),
      Tweaked("sink.bad_vector.refused",
              [](TweakedSink& sink) {
                sink.write = [&sink](std::span<const DocumentWrite> writes) {
                  const absl::Status status = sink.good.Write(writes);
                  return status.ok() ? status : absl::OkStatus();
                };
              }),
      Tweaked("sink.bad_vector.refused",
              [](TweakedSink& sink) {  // which the pipeline would try again and again
                sink.write = [&sink](std::span<const DocumentWrite> writes) {
                  return sink.good.Write(writes).ok() ? absl::OkStatus() : absl::UnavailableError("try again");
                };
              }),
      Tweaked("sink.bad_vector.keeps_earlier",
              [](TweakedSink& sink) {
                sink.write = [&sink](std::span<const DocumentWrite> writes) {
                  absl::Status status = sink.good.Write(writes);
                  if (!status.ok()) sink.store->Crash();  // rolls back too far
                  return status;
                };
              }),
      Tweaked(
          "sink.find_vectors.shape",
          [](TweakedSink& sink) { sink.find = [](std::span<const std::string_view>, Vectors&) { return absl::OkStatus(); }; }),
      Tweaked("sink.find_vectors.found",
              [](TweakedSink& sink) {
                sink.find = [&sink](std::span<const std::string_view> keys, Vectors& out) {
                  return sink.VectorSink::FindVectors(keys, out);
                };
              }),
      Tweaked("sink.find_vectors.found",
              [](TweakedSink& sink) {  // finds, but the wrong one
                sink.find = [&sink](std::span<const std::string_view> keys, Vectors& out) {
                  absl::Status status = sink.good.FindVectors(keys, out);
                  std::reverse(out.begin(), out.end());
                  return status;
                };
              },
              {.finds_vectors = false}),
      Tweaked("sink.find_vectors.concurrent",
              [](TweakedSink& sink) {
                auto writing = std::make_shared<std::atomic<bool>>(false);
                sink.write = [&sink, writing](std::span<const DocumentWrite> writes) {
                  *writing = true;
                  std::this_thread::sleep_for(std::chrono::milliseconds(2));
                  absl::Status status = sink.good.Write(writes);
                  *writing = false;
                  return status;
                };
                sink.find = [&sink, writing](std::span<const std::string_view> keys, Vectors& out) {
                  return *writing ? absl::InternalError("locked") : sink.good.FindVectors(keys, out);
                };
              }),
      Tweaked("sink.list.documents",
              [](TweakedSink& sink) {  // forgets where the page before ended
                sink.list = [&sink](std::string_view source, std::string_view, std::size_t limit) {
                  return sink.good.ListDocuments(source, "", limit);
                };
              }),
      Tweaked("sink.list.documents",
              [](TweakedSink& sink) {  // of every source
                sink.list = [&sink](std::string_view, std::string_view after, std::size_t limit) {
                  auto ids = sink.good.ListDocuments("kit", after, limit);
                  auto others = sink.good.ListDocuments("another source", after, limit);
                  if (ids.ok() && others.ok()) ids->insert(ids->end(), others->begin(), others->end());
                  return ids;
                };
              }),
      Tweaked("sink.list.records",
              [](TweakedSink& sink) {
                sink.read = [&sink](std::string_view source, std::span<const std::string_view> ids,
                                    std::vector<StoredRecord>& out) {
                  out.clear();  // does not append
                  return sink.good.ReadRecords(source, ids, out);
                };
              }),
      Tweaked("sink.list.records",
              [](TweakedSink& sink) {
                sink.read = [&sink](std::string_view source, std::span<const std::string_view> ids,
                                    std::vector<StoredRecord>& out) {
                  absl::Status status = sink.good.ReadRecords(source, ids, out);
                  out.back().chunk.tokens = 0;
                  return status;
                };
              }),
      Tweaked("sink.reindex.keeps",
              [](TweakedSink& sink) {
                sink.reindex = [&sink] {
                  sink.store->Remove(sink.store->records().begin()->first);
                  return absl::OkStatus();
                };
              }),
      Tweaked("sink.flush.repeatable",
              [](TweakedSink& sink) {
                auto dirty = std::make_shared<bool>(false);
                sink.ensure = [&sink, dirty](const CollectionSpec& spec) {
                  *dirty = true;
                  return sink.good.EnsureCollection(spec);
                };
                sink.write = [&sink, dirty](std::span<const DocumentWrite> writes) {
                  *dirty = true;
                  return sink.good.Write(writes);
                };
                sink.flush = [dirty] {
                  return std::exchange(*dirty, false) ? absl::OkStatus() : absl::InternalError("nothing to flush");
                };
              }),
      {"sink.flush.durable",
       [] {
         return CheckVectorSink([] {
           SinkUnderTest test = OpenStore(std::make_shared<MemoryStore>());
           test.reopen = [] { return OpenStore(std::make_shared<MemoryStore>()); };
           return test;
         });
       }},
  };
  CheckFoundOut(all, ListedRules("check_vector_sink.h", "sink"));
}

}  // namespace
}  // namespace ragpipe::testing
