#include "ragpipe/testing/check_vector_sink.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/status_macros.h"
#include "ragpipe/retry.h"
#include "testing/hash.h"
#include "testing/rules.h"

namespace ragpipe::testing {
namespace {

using Records = std::map<std::string, StoredRecord>;

/// A DocumentWrite that owns what it is of.
struct TestWrite {
  std::string source;
  std::string document_id;
  std::vector<StoredRecord> upserts = {};
  std::vector<StoredRecord> patches = {};
  std::vector<std::string> deletes = {};
  bool replace_all = false;
  std::vector<StoredRecord> stay = {};  // not written; where nothing else is, they give what is said of the document
};

absl::Status Write(VectorSink& sink, const std::vector<TestWrite>& tests) {
  struct Views {
    std::vector<Record> upserts;
    std::vector<Record> patches;
    std::vector<std::string_view> deletes;
  };
  auto view = [](const StoredRecord& stored, bool with_vector) {
    Record record;
    record.id = stored.id;
    record.text_key = stored.text_key;
    if (with_vector) record.vector = stored.vector;
    record.text = stored.text;
    record.position = stored.position;
    record.chunk = &stored.chunk;
    return record;
  };
  std::vector<Views> views(tests.size());
  std::vector<DocumentWrite> writes(tests.size());
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const TestWrite& test = tests[i];
    for (const StoredRecord& stored : test.upserts) views[i].upserts.push_back(view(stored, true));
    for (const StoredRecord& stored : test.patches) views[i].patches.push_back(view(stored, false));
    views[i].deletes.assign(test.deletes.begin(), test.deletes.end());
    writes[i].source = test.source;
    writes[i].document_id = test.document_id;
    writes[i].upserts = views[i].upserts;
    writes[i].patches = views[i].patches;
    writes[i].deletes = views[i].deletes;
    writes[i].replace_all = test.replace_all;
    const auto& records = !test.upserts.empty() ? test.upserts : !test.patches.empty() ? test.patches : test.stay;
    if (records.empty()) continue;  // the document goes
    const StoredRecord& first = records[0];
    writes[i].version = first.version;
    writes[i].updated_at = first.updated_at;
    writes[i].media_type = first.media_type;
    writes[i].metadata = &first.metadata;
  }
  return sink.Write(writes);
}

/// A collection that was opened, and the steps that every rule is made of.
class Collection {
 public:
  Collection(SinkUnderTest test, const VectorSinkCheckOptions& options) : test_(std::move(test)), options_(options) {}

  VectorSink& sink() { return *test_.sink; }

  absl::Status WriteAndCommit(const std::vector<TestWrite>& writes) {
    RAGPIPE_RETURN_IF_ERROR(Write(sink(), writes));
    return Commit();
  }

  absl::Status Commit() {
    RAGPIPE_RETURN_IF_ERROR(sink().Flush());
    return test_.commit ? test_.commit() : absl::OkStatus();
  }

  absl::StatusOr<std::vector<StoredRecord>> Read() const { return test_.read(); }

  /// Empty where the collection holds exactly these.
  Verdict Expect(const std::vector<StoredRecord>& expected) const {
    auto stored = Read();
    if (!stored.ok()) return Gave("reading the records", stored.status());
    return Compare(expected, *std::move(stored));
  }

  /// Empty where `stored` is exactly the expected records, in any order.
  Verdict Compare(const std::vector<StoredRecord>& expected, std::vector<StoredRecord> stored) const {
    Records left;
    for (StoredRecord& record : stored) {
      const std::string id = record.id;
      if (!left.emplace(id, Comparable(std::move(record))).second) return fmt::format("record '{}' is there twice", id);
    }
    for (const StoredRecord& record : expected) {
      const auto found = left.find(record.id);
      if (found == left.end()) return fmt::format("record '{}' is missing", record.id);
      if (Verdict verdict = Difference(Comparable(record), found->second); !verdict.empty()) {
        return fmt::format("record '{}': {}", record.id, verdict);
      }
      left.erase(found);
    }
    return left.empty() ? kKept : fmt::format("record '{}' should not be there", left.begin()->first);
  }

  /// Gives up this sink and opens another over the same place. False where that cannot be.
  bool Reopen() {
    if (!test_.reopen) return false;
    const auto reopen = std::move(test_.reopen);
    test_ = {};
    test_ = reopen();
    return true;
  }

  /// Without what the sink does not store.
  StoredRecord Comparable(StoredRecord record) const {
    if (options_.not_stored) options_.not_stored(record);
    return record;
  }

  bool SameVector(const std::vector<float>& a, const std::vector<float>& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [this](float x, float y) {
      return std::abs(static_cast<double>(x) - static_cast<double>(y)) <= options_.tolerance;
    });
  }

 private:
  Verdict Difference(const StoredRecord& expected, StoredRecord actual) const {
    if (expected == actual) return kKept;
    if (expected.source != actual.source) return "its source differs";
    if (expected.document_id != actual.document_id) return "its document id differs";
    if (expected.text_key != actual.text_key) return "its text key differs";
    if (!SameVector(expected.vector, actual.vector)) return "its vector differs";
    if (expected.text != actual.text) return "its text differs";
    if (expected.position != actual.position) return "its position differs";
    if (expected.media_type != actual.media_type) return "its media type differs";
    if (expected.metadata != actual.metadata) return "its metadata differs";
    if (expected.version != actual.version) return "its version differs";
    if (expected.updated_at != actual.updated_at) return "its time of change differs";
    actual.vector = expected.vector;
    return expected == actual ? kKept : "its chunk (range, overlap, context, headings or tokens) differs";
  }

  SinkUnderTest test_;
  const VectorSinkCheckOptions& options_;
};

class VectorSinkCheck {
 public:
  VectorSinkCheck(const SinkFactory& factory, const VectorSinkCheckOptions& options) : factory_(factory), options_(options) {}

  std::vector<Finding> Run() {
    bool usable = false;
    bool patches = false;
    bool lists = false;
    bool reopens = false;
    rules_.Check("factory", [&]() -> Verdict {
      const SinkUnderTest test = factory_();
      usable = test.sink != nullptr && test.read;
      if (!usable) return "the factory gave no sink, or no way to read its records";
      patches = test.sink->patches_payload();
      lists = test.sink->lists_records();
      reopens = static_cast<bool>(test.reopen);
      return kKept;
    });
    if (!usable) return rules_.Take();
    Check("ensure.repeatable", &VectorSinkCheck::EnsureRepeatable);
    if (options_.keeps_recipe) {
      Check("recipe.refused", &VectorSinkCheck::RecipeRefused);
      Check("rebuild.empties", &VectorSinkCheck::RebuildEmpties);
    }
    Check("write.upsert", &VectorSinkCheck::Upsert);
    Check("write.replaces", &VectorSinkCheck::Replaces);
    Check("write.idempotent", &VectorSinkCheck::Idempotent);
    Check("write.empty", &VectorSinkCheck::WriteNothing);
    Check("write.delete", &VectorSinkCheck::Delete);
    Check("write.replace_all", &VectorSinkCheck::ReplaceAll);
    Check("write.per_source", &VectorSinkCheck::PerSource);
    if (patches) {
      Check("patch.keeps_vector", &VectorSinkCheck::PatchKeepsVector);
      Check("patch.replaces_payload", &VectorSinkCheck::PatchReplacesPayload);
    }
    if (options_.refuses_bad_vectors) {
      Check("bad_vector.refused", &VectorSinkCheck::BadVectorRefused);
      Check("bad_vector.keeps_earlier", &VectorSinkCheck::BadVectorKeepsEarlier);
    }
    Check("find_vectors.shape", &VectorSinkCheck::FindVectorsShape);
    Check("find_vectors.found", &VectorSinkCheck::FindVectorsFound);
    Check("find_vectors.concurrent", &VectorSinkCheck::FindVectorsConcurrent);
    if (lists) {
      Check("list.documents", &VectorSinkCheck::ListDocuments);
      Check("list.records", &VectorSinkCheck::ListRecords);
    }
    Check("reindex.keeps", &VectorSinkCheck::ReindexKeeps);
    Check("flush.repeatable", &VectorSinkCheck::FlushRepeatable);
    if (reopens) Check("flush.durable", &VectorSinkCheck::FlushDurable);
    return rules_.Take();
  }

 private:
  using Rule = Verdict (VectorSinkCheck::*)(Collection&) const;

  /// Each rule gets a collection of its own, created already.
  void Check(std::string_view name, Rule rule) {
    rules_.Check(name, [&]() -> Verdict {
      Collection collection(factory_(), options_);
      if (absl::Status status = Ensure(collection, TestRecipe()); !status.ok()) return Gave("EnsureCollection()", status);
      return (this->*rule)(collection);
    });
  }

  Verdict EnsureRepeatable(Collection& collection) const {
    const auto records = DocumentRecords("a", 2);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    if (absl::Status status = Ensure(collection, TestRecipe()); !status.ok()) return Gave("EnsureCollection() again", status);
    return collection.Expect(records);
  }

  Verdict RecipeRefused(Collection& collection) const {
    const auto records = DocumentRecords("a", 2);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    std::map<std::string_view, Recipe> others;
    for (const std::string_view part : {"chunker", "embedder", "dimension", "metric", "schema"}) others[part] = TestRecipe();
    others["chunker"].chunker += "-2";
    others["embedder"].embedder += "-2";
    others["dimension"].dimension += 1;
    others["metric"].metric = options_.metric == Metric::kDot ? Metric::kL2 : Metric::kDot;
    others["schema"].schema += "-2";
    for (const auto& [part, recipe] : others) {
      const absl::Status status = collection.sink().EnsureCollection({recipe});
      if (status.code() != absl::StatusCode::kFailedPrecondition) {
        return Gave(fmt::format("EnsureCollection() with another {} in the recipe", part), status);
      }
    }
    if (absl::Status status = collection.Commit(); !status.ok()) return Gave("Flush() or the commit", status);
    return collection.Expect(records);
  }

  Verdict RebuildEmpties(Collection& collection) const {
    const auto records = DocumentRecords("a", 2);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    Recipe recipe = TestRecipe();
    recipe.embedder += "-2";
    recipe.dimension += 1;
    const absl::Status status = collection.sink().EnsureCollection({recipe, true});
    if (!status.ok()) return Gave("EnsureCollection() with `rebuild`", status);
    if (absl::Status committed = collection.Commit(); !committed.ok()) return Gave("Flush() or the commit", committed);
    if (Verdict verdict = collection.Expect({}); !verdict.empty()) return "after a rebuild " + verdict;
    std::vector<std::vector<float>> found;
    const std::vector<std::string_view> keys = {records[0].text_key};
    if (collection.sink().FindVectors(keys, found).ok() && !found.empty() && !found[0].empty()) {
      return "after a rebuild FindVectors() gave a vector of the time before";
    }
    std::vector<StoredRecord> wider = DocumentRecords("b", 1);
    wider[0].vector = UnitVector("wider", recipe.dimension);
    if (Verdict verdict = Put(collection, wider); !verdict.empty()) return "after a rebuild " + verdict;
    return collection.Expect(wider);
  }

  Verdict Upsert(Collection& collection) const {
    std::vector<TestWrite> writes;
    std::vector<StoredRecord> all;
    for (int i = 0; i < 40; ++i) {
      const std::string document = fmt::format("folder/document {}", i);
      const auto records = DocumentRecords(document, 1 + static_cast<std::size_t>(i) % 4);
      all.insert(all.end(), records.begin(), records.end());
      writes.push_back({kSource, document, records});
    }
    if (absl::Status status = collection.WriteAndCommit(writes); !status.ok()) return Gave("Write() of 40 documents", status);
    return collection.Expect(all);
  }

  Verdict Replaces(Collection& collection) const {
    auto a = DocumentRecords("a", 2);
    auto b = DocumentRecords("b", 1);
    if (absl::Status status = collection.WriteAndCommit({{kSource, "a", a}, {kSource, "b", b}}); !status.ok()) {
      return Gave("Write()", status);
    }
    for (StoredRecord* record : {&a[1], &b[0]}) {
      record->text = "a new text for " + record->document_id;
      record->text_key = TextKey(record->text);
      record->vector = UnitVector(record->text, options_.dimension);
      record->chunk.headings.clear();
      record->chunk.context.clear();
    }
    b[0].metadata = {{"other", std::string("field")}};
    b[0].version = {"token 2", 2};
    if (absl::Status status = collection.WriteAndCommit({{kSource, "a", {a[1]}}, {kSource, "b", b}}); !status.ok()) {
      return Gave("Write() of stored records", status);
    }
    return collection.Expect({a[0], a[1], b[0]});
  }

  Verdict Idempotent(Collection& collection) const {
    const auto a = DocumentRecords("a", 3);
    const auto b = DocumentRecords("b", 2);
    const std::vector<TestWrite> first = {{kSource, "a", a}, {kSource, "b", b}};
    const std::vector<TestWrite> second = {{kSource, "a", {a[0]}, {}, {a[1].id}},
                                           {.source = kSource, .document_id = "b", .replace_all = true}};
    if (absl::Status status = collection.WriteAndCommit(first); !status.ok()) return Gave("Write()", status);
    for (int i = 0; i < 2; ++i) {
      if (absl::Status status = Write(collection.sink(), second); !status.ok())
        return Gave("Write() of the same again", status);
    }
    if (absl::Status status = collection.WriteAndCommit(second); !status.ok()) return Gave("Write() of the same again", status);
    return collection.Expect({a[0], a[2]});
  }

  Verdict WriteNothing(Collection& collection) const {
    const auto records = DocumentRecords("a", 1);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    if (absl::Status status = Write(collection.sink(), {}); !status.ok()) return Gave("Write() of no documents", status);
    const TestWrite nothing_new{.source = kSource, .document_id = "a", .stay = records};
    const TestWrite never_there{.source = kSource, .document_id = "b"};
    if (absl::Status status = collection.WriteAndCommit({nothing_new, never_there}); !status.ok()) {
      return Gave("Write() of documents without records", status);
    }
    return collection.Expect(records);
  }

  Verdict Delete(Collection& collection) const {
    const auto a = DocumentRecords("a", 3);
    const auto b = DocumentRecords("b", 1);
    const auto c = DocumentRecords("c", 2);
    if (absl::Status status = collection.WriteAndCommit({{kSource, "a", a}, {kSource, "b", b}, {kSource, "c", c}});
        !status.ok()) {
      return Gave("Write()", status);
    }
    const std::string unknown = RecordId("never written");
    const TestWrite part{.source = kSource, .document_id = "a", .deletes = {a[0].id, unknown, a[2].id}, .stay = {a[1]}};
    const TestWrite whole{.source = kSource, .document_id = "c", .deletes = {c[0].id, c[1].id}};
    if (absl::Status status = collection.WriteAndCommit({part, whole}); !status.ok()) {
      return Gave("Write() of deletes, of which one is not stored,", status);
    }
    return collection.Expect({a[1], b[0]});
  }

  Verdict ReplaceAll(Collection& collection) const {
    const auto a = DocumentRecords("a", 4);
    const auto b = DocumentRecords("b", 2);
    const auto c = DocumentRecords("c", 2);
    if (absl::Status status = collection.WriteAndCommit({{kSource, "a", a}, {kSource, "b", b}, {kSource, "c", c}});
        !status.ok()) {
      return Gave("Write()", status);
    }
    const auto fresh = DocumentRecords("a, rewritten", 1, "a");
    const std::vector<TestWrite> writes = {
        {.source = kSource, .document_id = "a", .upserts = {a[1], fresh[0]}, .replace_all = true},
        {.source = kSource, .document_id = "b", .replace_all = true},
    };
    if (absl::Status status = collection.WriteAndCommit(writes); !status.ok()) return Gave("Write() with replace_all", status);
    return collection.Expect({a[1], fresh[0], c[0], c[1]});
  }

  Verdict PerSource(Collection& collection) const {
    const auto ours = DocumentRecords("ours", 2, "same id");
    auto theirs = DocumentRecords("theirs", 2, "same id");
    for (StoredRecord& record : theirs) record.source = "another source";
    const std::vector<TestWrite> writes = {{kSource, "same id", ours}, {"another source", "same id", theirs}};
    if (absl::Status status = collection.WriteAndCommit(writes); !status.ok()) return Gave("Write()", status);
    const TestWrite write{.source = kSource, .document_id = "same id", .replace_all = true};
    if (absl::Status status = collection.WriteAndCommit({write}); !status.ok()) return Gave("Write() with replace_all", status);
    return collection.Expect(theirs);
  }

  Verdict ListDocuments(Collection& collection) const {
    std::vector<TestWrite> writes;
    const std::vector<std::string> ids = {"B", "a", "a b", "a/b", "b", "caf\u00E9"};  // in byte order
    for (const std::string& id : ids) writes.push_back({kSource, id, DocumentRecords(id, 2)});
    std::vector<StoredRecord> theirs = DocumentRecords("theirs", 1);
    theirs[0].source = "another source";
    writes.push_back({"another source", "theirs", theirs});
    writes.push_back({kSource, "gone", DocumentRecords("gone", 1)});
    if (absl::Status status = collection.WriteAndCommit(writes); !status.ok()) return Gave("Write()", status);
    const TestWrite deletion{.source = kSource, .document_id = "gone", .replace_all = true};
    if (absl::Status status = collection.WriteAndCommit({deletion}); !status.ok()) return Gave("Write() of a deletion", status);
    std::vector<std::string> listed;
    while (listed.size() <= ids.size()) {
      const auto page = collection.sink().ListDocuments(kSource, listed.empty() ? "" : listed.back(), 2);
      if (!page.ok()) return Gave("ListDocuments()", page.status());
      if (page->empty()) break;
      if (page->size() > 2) return "ListDocuments() gave more than `limit`";
      listed.insert(listed.end(), page->begin(), page->end());
    }
    return listed == ids ? kKept : fmt::format("ListDocuments() gave, page by page, '{}'", fmt::join(listed, "', '"));
  }

  Verdict ListRecords(Collection& collection) const {
    const auto a = DocumentRecords("a", 3);
    const auto b = DocumentRecords("b", 1);
    const auto c = DocumentRecords("c", 2);
    if (absl::Status status = collection.WriteAndCommit({{kSource, "a", a}, {kSource, "b", b}, {kSource, "c", c}});
        !status.ok()) {
      return Gave("Write()", status);
    }
    std::vector<StoredRecord> listed = {b[0]};
    const std::vector<std::string_view> ids = {"a", "unknown", "c"};
    if (absl::Status status = collection.sink().ReadRecords(kSource, ids, listed); !status.ok()) {
      return Gave("ReadRecords()", status);
    }
    std::vector<StoredRecord> expected = {b[0]};
    expected.insert(expected.end(), a.begin(), a.end());
    expected.insert(expected.end(), c.begin(), c.end());
    Verdict verdict = collection.Compare(expected, std::move(listed));
    return verdict.empty() ? kKept : "ReadRecords() of two of three documents: " + verdict;
  }

  Verdict ReindexKeeps(Collection& collection) const {
    const auto records = DocumentRecords("a", 3);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    if (absl::Status status = collection.sink().Reindex(); !status.ok()) return Gave("Reindex()", status);
    if (absl::Status status = collection.Commit(); !status.ok()) return Gave("Flush() or the commit", status);
    return collection.Expect(records);
  }

  Verdict PatchKeepsVector(Collection& collection) const {
    const auto records = DocumentRecords("a", 2);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    const TestWrite write{.source = kSource, .document_id = "a", .patches = {records[0], records[1]}};
    if (absl::Status status = collection.WriteAndCommit({write}); !status.ok()) return Gave("Write() of patches", status);
    const auto stored = collection.Read();
    if (!stored.ok()) return Gave("reading the records", stored.status());
    for (const StoredRecord& record : records) {
      const auto found =
          std::find_if(stored->begin(), stored->end(), [&](const StoredRecord& one) { return one.id == record.id; });
      if (found == stored->end()) return fmt::format("record '{}' is gone after it was patched", record.id);
      if (!collection.SameVector(collection.Comparable(record).vector, collection.Comparable(*found).vector)) {
        return fmt::format("record '{}' has lost its vector, or got another, when it was patched", record.id);
      }
    }
    return kKept;
  }

  Verdict PatchReplacesPayload(Collection& collection) const {
    auto records = DocumentRecords("a", 3);
    const auto other = DocumentRecords("b", 1);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    if (Verdict verdict = Put(collection, other); !verdict.empty()) return verdict;
    for (StoredRecord& record : records) {
      record.text += " with more";
      record.chunk.range = {700 + record.position, 800 + record.position};
      record.chunk.overlap = 3;
      record.chunk.context = "new context";
      record.chunk.headings = {"New"};
      record.chunk.tokens = 99;
      record.chunk.tokens_are_estimated = !record.chunk.tokens_are_estimated;
      record.position += 7;
      record.media_type = "text/html";
      record.metadata = {{"other", std::string("field")}};
      record.version = {"token 2", 2};
      record.updated_at += absl::Hours(1);
    }
    const TestWrite write{.source = kSource, .document_id = "a", .patches = records};
    if (absl::Status status = collection.WriteAndCommit({write}); !status.ok()) return Gave("Write() of patches", status);
    records.push_back(other[0]);
    return collection.Expect(records);
  }

  Verdict BadVectorRefused(Collection& collection) const {
    auto records = DocumentRecords("a", 2);
    records[1].vector = UnitVector("too long", options_.dimension + 1);
    const TestWrite write{kSource, "a", records};
    const absl::Status status = Write(collection.sink(), {write});
    return IsBadItem(status) ? kKept : Gave("Write() of a vector with one float too many", status);
  }

  Verdict BadVectorKeepsEarlier(Collection& collection) const {
    const auto earlier = DocumentRecords("a", 2);
    const TestWrite write{kSource, "a", earlier};
    if (absl::Status status = Write(collection.sink(), {write}); !status.ok()) return Gave("Write()", status);
    auto bad = DocumentRecords("b", 2);
    bad[1].vector = UnitVector("too long", options_.dimension + 1);
    (void)Write(collection.sink(), {TestWrite{kSource, "b", bad}});
    const auto later = DocumentRecords("c", 1);
    const TestWrite last{kSource, "c", later};
    if (absl::Status status = collection.WriteAndCommit({last}); !status.ok())
      return Gave("Write() after a refused one", status);
    // Of the refused document nothing is said: the pipeline sends it again, or deletes what it may have left.
    const TestWrite clean{.source = kSource, .document_id = "b", .deletes = {bad[0].id, bad[1].id}};
    if (absl::Status status = collection.WriteAndCommit({clean}); !status.ok()) return Gave("Write()", status);
    return collection.Expect({earlier[0], earlier[1], later[0]});
  }

  Verdict FindVectorsShape(Collection& collection) const {
    if (Verdict verdict = Put(collection, DocumentRecords("a", 1)); !verdict.empty()) return verdict;
    const std::string unknown = TextKey("never written");
    for (const std::size_t count : {0U, 3U}) {
      const std::vector<std::string_view> keys(count, unknown);
      std::vector<std::vector<float>> found(2, std::vector<float>{1, 2});
      if (absl::Status status = collection.sink().FindVectors(keys, found); !status.ok()) return Gave("FindVectors()", status);
      if (found.size() != count) return fmt::format("FindVectors() of {} keys gave {} results", count, found.size());
      for (const std::vector<float>& vector : found) {
        if (!vector.empty()) return "FindVectors() gave a vector for a key that is not stored";
      }
    }
    return kKept;
  }

  Verdict FindVectorsFound(Collection& collection) const {
    const auto records = DocumentRecords("a", 3);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    std::vector<std::string_view> keys;
    for (const StoredRecord& record : records) keys.push_back(record.text_key);
    return ExpectFound(collection, keys, records);
  }

  Verdict FindVectorsConcurrent(Collection& collection) const {
    constexpr int kReaders = 3;
    constexpr int kRounds = 20;
    const auto records = DocumentRecords("a", 3);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    std::vector<std::string_view> keys;
    for (const StoredRecord& record : records) keys.push_back(record.text_key);
    std::atomic<bool> done = false;
    return OnThreads(kReaders + 1, [&](int thread) -> Verdict {
      if (thread > 0) {
        Verdict verdict;
        do verdict = ExpectFound(collection, keys, records);
        while (verdict.empty() && !done);
        return verdict.empty() ? kKept : fmt::format("while Write() ran: {}", verdict);
      }
      struct Done {  // however this thread ends, the others must
        std::atomic<bool>& flag;
        ~Done() { flag = true; }
      } set_done{done};
      for (int round = 0; round < kRounds; ++round) {
        const std::string document = fmt::format("b{}", round);
        if (Verdict verdict = Put(collection, DocumentRecords(document, 2)); !verdict.empty()) return verdict;
      }
      return kKept;
    });
  }

  Verdict FlushRepeatable(Collection& collection) const {
    for (int i = 0; i < 2; ++i) {
      if (absl::Status status = collection.sink().Flush(); !status.ok()) return Gave("Flush() with nothing to do", status);
    }
    return kKept;
  }

  Verdict FlushDurable(Collection& collection) const {
    const auto records = DocumentRecords("a", 3);
    if (Verdict verdict = Put(collection, records); !verdict.empty()) return verdict;
    collection.Reopen();
    if (Verdict verdict = collection.Expect(records); !verdict.empty())
      return "after the collection was opened again " + verdict;
    if (absl::Status status = Ensure(collection, TestRecipe()); !status.ok()) {
      return Gave("EnsureCollection(), after the collection was opened again,", status);
    }
    return collection.Expect(records);
  }

  // Parts of the rules.

  static constexpr char kSource[] = "kit";

  Recipe TestRecipe() const { return {"kit chunker", "kit embedder", options_.dimension, options_.metric, "kit schema"}; }

  static absl::Status Ensure(Collection& collection, const Recipe& recipe) {
    RAGPIPE_RETURN_IF_ERROR(collection.sink().EnsureCollection({recipe}));
    return collection.Commit();
  }

  static Verdict Put(Collection& collection, const std::vector<StoredRecord>& records) {
    const TestWrite write{kSource, records[0].document_id, records};
    const absl::Status status = collection.WriteAndCommit({write});
    return status.ok() ? kKept : Gave("Write(), Flush() or the commit", status);
  }

  /// A vector that is not found is wrong only where the sink says that it finds them; a wrong one always is.
  Verdict ExpectFound(Collection& collection, std::span<const std::string_view> keys,
                      const std::vector<StoredRecord>& records) const {
    std::vector<std::vector<float>> found;
    if (absl::Status status = collection.sink().FindVectors(keys, found); !status.ok()) return Gave("FindVectors()", status);
    if (found.size() != keys.size()) return fmt::format("FindVectors() of {} keys gave {} results", keys.size(), found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].empty() && !options_.finds_vectors) continue;
      if (found[i].empty()) return fmt::format("FindVectors() did not find the vector of record '{}'", records[i].id);
      if (!collection.SameVector(found[i], records[i].vector)) {
        return fmt::format("FindVectors() gave another vector than that of record '{}'", records[i].id);
      }
    }
    return kKept;
  }

  static std::string RecordId(std::string_view name) {  // a UUID, which some stores insist on
    const std::uint64_t hash = HashBytes(name);
    return fmt::format("{:08x}-{:04x}-4{:03x}-8000-{:012x}", hash >> 32U, (hash >> 16U) & 0xFFFFU, hash & 0xFFFU,
                       HashBytes("kit", hash) >> 16U);
  }

  static std::string TextKey(std::string_view text) {  // 16 bytes, NUL among them
    std::uint64_t state = HashBytes(text);
    std::string key(16, '\0');
    for (std::size_t i = 1; i < key.size(); ++i) key[i] = static_cast<char>(NextRandom(state) & 0xFFU);
    return key;
  }

  static std::vector<float> UnitVector(std::string_view seed, std::size_t dimension) {
    std::uint64_t state = HashBytes(seed);
    std::vector<float> vector;
    double squares = 0;
    for (std::size_t i = 0; i < dimension; ++i) {
      const double value = 0.1 + NextUniform(state);
      vector.push_back(static_cast<float>(value));
      squares += value * value;
    }
    for (float& value : vector) value = static_cast<float>(static_cast<double>(value) / std::sqrt(squares));
    return vector;
  }

  /// Records with every field set. `name` makes them differ; the document's id is the same where none is given.
  std::vector<StoredRecord> DocumentRecords(const std::string& name, std::size_t count,
                                            const std::string& document_id = "") const {
    std::vector<StoredRecord> records;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string text = fmt::format("Chunk {} of {}: \u00FC\u6F22 'quoted' \"text\"\n", i, name);
      StoredRecord record;
      record.id = RecordId(text);
      record.source = kSource;
      record.document_id = document_id.empty() ? name : document_id;
      record.text_key = TextKey(text);
      record.vector = UnitVector(text, options_.dimension);
      record.text = text;
      record.position = i;
      record.chunk.range = {100 * i, 100 * i + text.size()};
      record.chunk.overlap = i;
      record.chunk.context = "| a | b |\n";
      record.chunk.headings = {"Title", "Part \u00FC"};
      record.chunk.tokens = 10 + i;
      record.chunk.tokens_are_estimated = i % 2 == 1;
      record.media_type = "text/markdown";
      record.metadata = {{"flag", true},
                         {"year", std::int64_t{2024}},
                         {"price", 1.5},
                         {"name", std::string("caf\u00E9 'x'")},
                         {"tags", std::vector<std::string>{"one", "two"}}};
      record.version = {"token 1", 1};
      record.updated_at = absl::FromUnixMillis(1'700'000'000'123);
      records.push_back(std::move(record));
    }
    return records;
  }

  const SinkFactory& factory_;
  const VectorSinkCheckOptions& options_;
  Rules rules_{"sink"};
};

}  // namespace

std::vector<Finding> CheckVectorSink(const SinkFactory& factory, const VectorSinkCheckOptions& options) {
  return VectorSinkCheck(factory, options).Run();
}

}  // namespace ragpipe::testing
