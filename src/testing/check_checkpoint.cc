#include "ragpipe/testing/check_checkpoint.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "testing/rules.h"

namespace ragpipe::testing {
namespace {

using namespace std::string_literals;

constexpr char kSource[] = "kit";
constexpr char kOtherSource[] = "kit 2";

/// A CommitRequest that owns what it is of.
struct TestCommit {
  std::string source = kSource;
  std::vector<PartitionCursor> cursors = {};
  std::vector<LedgerEntry> entries = {};
  std::vector<std::string> forgotten = {};
  std::vector<std::string> dropped_letters = {};
  std::vector<DeadLetter> dead_letters = {};
  absl::Time purge_before = absl::InfinitePast();
  std::optional<Recipe> recipe = {};
  bool reset = false;
};

absl::Status Commit(Checkpoint& checkpoint, const TestCommit& test) {
  CommitRequest request;
  request.source = test.source;
  request.cursors = test.cursors;
  request.entries = test.entries;
  request.forgotten = test.forgotten;
  request.dropped_letters = test.dropped_letters;
  request.dead_letters = test.dead_letters;
  request.purge_before = test.purge_before;
  request.recipe = test.recipe.has_value() ? &*test.recipe : nullptr;
  request.reset = test.reset;
  return checkpoint.Commit(request);
}

/// With every field set, bytes that are no text where a field may hold them, and different for each `number`.
LedgerEntry Entry(std::string document_id, int number = 1) {
  LedgerEntry entry;
  entry.document_id = std::move(document_id);
  entry.version = {fmt::format("token {}", number), static_cast<std::uint64_t>(number)};
  entry.content_hash = "\0\xFF content hash"s.substr(0, 14) + fmt::format("{:02}", number % 100);
  for (int i = 0; i < 3; ++i) {
    const std::string name = fmt::format("{:03}{}", number % 1000, i);
    entry.chunks.push_back({entry.document_id + "#" + name, "text\0key\xFE\x80"s + name + "--", "payload\0hash"s + name});
  }
  return entry;
}

LedgerEntry Tombstone(std::string document_id, int second) {
  LedgerEntry entry;
  entry.document_id = std::move(document_id);
  entry.version = {"", static_cast<std::uint64_t>(second)};
  entry.deleted_at = absl::FromUnixSeconds(1'700'000'000 + second);
  return entry;
}

DeadLetter Letter(std::string document_id, int second = 1) {
  DeadLetter letter;
  letter.document_id = std::move(document_id);
  letter.version = {"token", 7};
  letter.partition = "partition 3";
  letter.stage = Stage::kEmbed;
  letter.reason = absl::InvalidArgumentError(fmt::format("refused at second {}: \u00FC 'quoted'", second));
  letter.first_failure = absl::FromUnixSeconds(1'700'000'000 + second);
  letter.last_failure = letter.first_failure;
  letter.next_attempt = letter.first_failure + absl::Minutes(1);
  return letter;
}

Document Body() {
  Document document;
  document.id = "with a body";
  document.text = "A text, \u00FC\u6F22 'quoted'\n";
  document.media_type = "text/markdown";
  document.metadata = {{"flag", true},
                       {"year", std::int64_t{-2024}},
                       {"price", 0.1},
                       {"name", std::string("caf\u00E9")},
                       {"tags", std::vector<std::string>{"one", "", "two"}}};
  document.version = {"body token", std::numeric_limits<std::int64_t>::max()};
  document.updated_at = absl::FromUnixMillis(1'700'000'000'123);
  return document;
}

bool SameBody(const std::optional<Document>& a, const std::optional<Document>& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
  return a->id == b->id && a->text == b->text && a->media_type == b->media_type && a->metadata == b->metadata &&
         a->version == b->version && a->updated_at == b->updated_at;
}

Verdict Difference(const DeadLetter& expected, const DeadLetter& actual) {
  if (expected.document_id != actual.document_id) return "the document id differs";
  if (!(expected.version == actual.version)) return "the version differs";
  if (expected.partition != actual.partition) return "the partition differs";
  if (expected.stage != actual.stage) return "the stage differs";
  if (expected.reason.code() != actual.reason.code()) return "the code of the reason differs";
  if (expected.reason.message() != actual.reason.message()) return "the message of the reason differs";
  if (expected.attempts != actual.attempts) {
    return fmt::format("it has {} attempts instead of {}", actual.attempts, expected.attempts);
  }
  if (expected.first_failure != actual.first_failure) return "the time of the first failure differs";
  if (expected.last_failure != actual.last_failure) return "the time of the last failure differs";
  if (expected.next_attempt != actual.next_attempt) return "the time of the next attempt differs";
  if (expected.is_delete != actual.is_delete) return "whether it is a deletion differs";
  return SameBody(expected.document, actual.document) ? kKept : "the body differs";
}

/// Ids whose byte order is not that of a locale, nor of a signed char; sorted.
std::vector<std::string> AwkwardIds() {
  std::vector<std::string> ids = {"a",  "B",  "a/b", "a b",       "aa",           "A",     "10",  "9", "_x",
                                  "~z", "%_", "*?",  "\u00FCber", "\u6F22\u5B57", "'; --", "a\tb"};
  for (int i = 0; i < 40; ++i) ids.push_back(fmt::format("folder/document {}.md", i));
  std::sort(ids.begin(), ids.end());  // std::string compares bytes as unsigned
  return ids;
}

// What a checkpoint holds, or what was wrong when it was asked.

Verdict ExpectCursors(Checkpoint& checkpoint, std::string_view source, std::vector<PartitionCursor> expected) {
  auto loaded = checkpoint.LoadCursors(source);
  if (!loaded.ok()) return Gave("LoadCursors()", loaded.status());
  const auto by_partition = [](const PartitionCursor& a, const PartitionCursor& b) { return a.partition < b.partition; };
  std::sort(loaded->begin(), loaded->end(), by_partition);
  std::sort(expected.begin(), expected.end(), by_partition);
  if (*loaded == expected) return kKept;
  if (loaded->size() != expected.size()) {
    return fmt::format("source '{}' has cursors of {} partitions instead of {}", source, loaded->size(), expected.size());
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!((*loaded)[i] == expected[i])) {
      return fmt::format("cursor {} of source '{}' differs, or its partition: {} bytes instead of {}", i, source,
                         (*loaded)[i].cursor.size(), expected[i].cursor.size());
    }
  }
  return kKept;
}

absl::StatusOr<std::vector<std::optional<LedgerEntry>>> Find(Checkpoint& checkpoint, std::string_view source,
                                                             const std::vector<std::string>& ids) {
  const std::vector<std::string_view> views(ids.begin(), ids.end());
  std::vector<std::optional<LedgerEntry>> found(2, LedgerEntry());
  if (absl::Status status = checkpoint.FindEntries(source, views, found); !status.ok()) return status;
  return found;
}

Verdict ExpectEntry(Checkpoint& checkpoint, std::string_view source, const std::string& id,
                    const std::optional<LedgerEntry>& expected) {
  const auto found = Find(checkpoint, source, {id});
  if (!found.ok()) return Gave("FindEntries()", found.status());
  if (found->size() != 1) return fmt::format("FindEntries() of one id gave {} results", found->size());
  const std::optional<LedgerEntry>& entry = (*found)[0];
  if (entry == expected) return kKept;
  if (!entry.has_value()) return fmt::format("the entry of '{}' in source '{}' is missing", id, source);
  if (!expected.has_value()) return fmt::format("the entry of '{}' in source '{}' should not be there", id, source);
  return fmt::format("the entry of '{}' in source '{}' differs", id, source);
}

/// All dead letters, by pages of `limit`.
absl::StatusOr<std::vector<DeadLetter>> Letters(Checkpoint& checkpoint, std::string_view source, std::size_t limit = 100) {
  std::vector<DeadLetter> all;
  constexpr std::size_t kTooMany = 1000;
  while (all.size() < kTooMany) {
    const std::string after = all.empty() ? "" : all.back().document_id;
    auto page = checkpoint.ListDeadLetters(source, after, limit);
    if (!page.ok()) return page.status();
    if (page->empty()) break;
    for (DeadLetter& letter : *page) all.push_back(std::move(letter));
  }
  return all;
}

Verdict ExpectLetters(Checkpoint& checkpoint, std::string_view source, const std::vector<DeadLetter>& expected,
                      std::size_t limit = 100) {
  const auto letters = Letters(checkpoint, source, limit);
  if (!letters.ok()) return Gave("ListDeadLetters()", letters.status());
  if (letters->size() != expected.size()) {
    return fmt::format("source '{}' has {} dead letters instead of {}", source, letters->size(), expected.size());
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (Verdict verdict = Difference(expected[i], (*letters)[i]); !verdict.empty()) {
      return fmt::format("dead letter {} of source '{}', of '{}': {}", i, source, expected[i].document_id, verdict);
    }
  }
  return kKept;
}

// The rules. Each gets a checkpoint of its own, where nothing was committed.

Verdict CursorUnknown(Checkpoint& checkpoint) {
  if (Verdict verdict = ExpectCursors(checkpoint, kSource, {}); !verdict.empty()) return verdict;
  const absl::Status status = Commit(checkpoint, {.cursors = {{"", "1"}}});
  if (!status.ok()) return Gave("Commit()", status);
  return ExpectCursors(checkpoint, kOtherSource, {});
}

Verdict CursorRoundtrip(Checkpoint& checkpoint) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  const std::vector<PartitionCursor> cursors = {
      {"", "plain"}, {"bytes", every_byte}, {"\0\xFF'\""s, "x"}, {"long", std::string(10'000, 'c')}};
  if (absl::Status status = Commit(checkpoint, {.cursors = cursors}); !status.ok()) return Gave("Commit() of cursors", status);
  return ExpectCursors(checkpoint, kSource, cursors);
}

Verdict CursorReplaces(Checkpoint& checkpoint) {
  for (const char* const cursor : {"9", "10", "1"}) {  // newer is what came later, not what compares greater
    if (absl::Status status = Commit(checkpoint, {.cursors = {{"p", cursor}}}); !status.ok()) return Gave("Commit()", status);
  }
  return ExpectCursors(checkpoint, kSource, {{"p", "1"}});
}

Verdict CursorKept(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.cursors = {{"p", "1"}, {"q", "1"}}}); !status.ok())
    return Gave("Commit()", status);
  if (absl::Status status = Commit(checkpoint, {.cursors = {{"q", "2"}}}); !status.ok()) return Gave("Commit()", status);
  if (absl::Status status = Commit(checkpoint, {}); !status.ok()) return Gave("Commit() of nothing", status);
  return ExpectCursors(checkpoint, kSource, {{"p", "1"}, {"q", "2"}});
}

Verdict CursorPerSource(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.cursors = {{"", "ours"}}}); !status.ok()) return Gave("Commit()", status);
  const TestCommit theirs{.source = kOtherSource, .cursors = {{"", "theirs"}}};
  if (absl::Status status = Commit(checkpoint, theirs); !status.ok()) return Gave("Commit()", status);
  if (Verdict verdict = ExpectCursors(checkpoint, kSource, {{"", "ours"}}); !verdict.empty()) return verdict;
  return ExpectCursors(checkpoint, kOtherSource, {{"", "theirs"}});
}

Verdict CommitRepeatable(Checkpoint& checkpoint) {
  TestCommit commit{.cursors = {{"", "1"}}};
  if (checkpoint.keeps_ledger()) {
    commit.entries = {Entry("a")};
    commit.forgotten = {"b", "never there"};
  }
  for (int i = 0; i < 3; ++i) {
    if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of the same again", status);
  }
  if (Verdict verdict = ExpectCursors(checkpoint, kSource, commit.cursors); !verdict.empty()) return verdict;
  return checkpoint.keeps_ledger() ? ExpectEntry(checkpoint, kSource, "a", Entry("a")) : kKept;
}

/// Every commit gives two cursors and two entries the same number; no reader may see two numbers at once.
Verdict CommitAtomic(Checkpoint& checkpoint) {
  constexpr int kReaders = 2;
  constexpr int kCommits = 40;
  auto commit = [&](int number) {
    TestCommit test{.cursors = {{"p", std::to_string(number)}, {"q", std::to_string(number)}}};
    if (checkpoint.keeps_ledger()) test.entries = {Entry("a", number), Entry("b", number)};
    return Commit(checkpoint, test);
  };
  auto read = [&]() -> Verdict {
    const auto cursors = checkpoint.LoadCursors(kSource);
    if (!cursors.ok()) return Gave("LoadCursors() while Commit() runs", cursors.status());
    if (cursors->size() != 2 || (*cursors)[0].cursor != (*cursors)[1].cursor) return "LoadCursors() saw half of a commit";
    if (!checkpoint.keeps_ledger()) return kKept;
    const auto entries = Find(checkpoint, kSource, {"a", "b"});
    if (!entries.ok()) return Gave("FindEntries() while Commit() runs", entries.status());
    const bool whole = entries->size() == 2 && (*entries)[0].has_value() && (*entries)[1].has_value() &&
                       (*entries)[0]->version == (*entries)[1]->version;
    return whole ? kKept : "FindEntries() saw half of a commit";
  };
  if (absl::Status status = commit(0); !status.ok()) return Gave("Commit()", status);
  std::atomic<bool> done = false;
  return OnThreads(kReaders + 1, [&](int thread) -> Verdict {
    if (thread > 0) {
      Verdict verdict;
      do verdict = read();
      while (verdict.empty() && !done);
      return verdict;
    }
    struct Done {  // however this thread ends, the others must
      std::atomic<bool>& flag;
      ~Done() { flag = true; }
    } set_done{done};
    for (int number = 1; number <= kCommits; ++number) {
      if (absl::Status status = commit(number); !status.ok()) return Gave("Commit() while others read", status);
    }
    return kKept;
  });
}

Verdict Reset(Checkpoint& checkpoint) {
  for (const char* const source : {kSource, kOtherSource}) {
    TestCommit commit{.source = source, .cursors = {{"p", "1"}, {"q", "1"}}};
    if (checkpoint.keeps_ledger()) {
      commit.entries = {Entry("a"), Entry("b")};
      commit.dead_letters = {Letter("c")};
    }
    if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit()", status);
  }
  TestCommit reset{.cursors = {{"q", "2"}}, .reset = true};
  if (checkpoint.keeps_ledger()) {
    reset.entries = {Entry("b", 2)};
    reset.dead_letters = {Letter("c", 2)};
  }
  if (absl::Status status = Commit(checkpoint, reset); !status.ok()) return Gave("Commit() with `reset`", status);
  if (Verdict verdict = ExpectCursors(checkpoint, kSource, reset.cursors); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectCursors(checkpoint, kOtherSource, {}); !verdict.empty()) return verdict;
  if (!checkpoint.keeps_ledger()) return kKept;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", std::nullopt); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "b", Entry("b", 2)); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kOtherSource, "a", std::nullopt); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectLetters(checkpoint, kSource, {Letter("c", 2)}); !verdict.empty()) return verdict;
  return ExpectLetters(checkpoint, kOtherSource, {});
}

Verdict RecipeOfLastCommit(Checkpoint& checkpoint) {
  auto expect = [&](const std::optional<Recipe>& expected) -> Verdict {
    const auto recipe = checkpoint.LoadRecipe();
    if (!recipe.ok()) return Gave("LoadRecipe()", recipe.status());
    if (*recipe == expected) return kKept;
    return !expected.has_value() ? "LoadRecipe() gave a recipe before one was committed"
           : recipe->has_value() ? "LoadRecipe() gave another recipe than the last committed"
                                 : "LoadRecipe() gave no recipe though one was committed";
  };
  if (Verdict verdict = expect(std::nullopt); !verdict.empty()) return verdict;
  Recipe recipe{"chunker 'x'", "embedder \u00FC", 384, Metric::kDot, "schema"};
  for (const Metric metric : {Metric::kDot, Metric::kL2, Metric::kCosine}) {
    recipe.metric = metric;
    if (absl::Status status = Commit(checkpoint, {.recipe = recipe}); !status.ok()) return Gave("Commit() of a recipe", status);
    if (Verdict verdict = expect(recipe); !verdict.empty()) return verdict;
  }
  const TestCommit without{.source = kOtherSource, .cursors = {{"", "1"}}};
  if (absl::Status status = Commit(checkpoint, without); !status.ok()) return Gave("Commit() without a recipe", status);
  return expect(recipe);
}

Verdict EntryUnknown(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.entries = {Entry("b")}}); !status.ok()) return Gave("Commit()", status);
  const auto none = Find(checkpoint, kSource, {});
  if (!none.ok()) return Gave("FindEntries() of no ids", none.status());
  if (!none->empty()) return fmt::format("FindEntries() of no ids gave {} results", none->size());
  const auto found = Find(checkpoint, kSource, {"a", "b", "c", "b"});
  if (!found.ok()) return Gave("FindEntries()", found.status());
  if (found->size() != 4) return fmt::format("FindEntries() of 4 ids gave {} results", found->size());
  for (std::size_t i = 0; i < 4; ++i) {
    const bool known = i % 2 == 1;
    if ((*found)[i].has_value() == known) continue;
    return fmt::format("FindEntries() {} an entry for id {} of 4", known ? "did not give" : "gave", i);
  }
  return kKept;
}

Verdict EntryRoundtrip(Checkpoint& checkpoint) {
  std::vector<LedgerEntry> entries;
  for (const std::string& id : AwkwardIds()) entries.push_back(Entry(id, static_cast<int>(entries.size())));
  LedgerEntry bare;
  bare.document_id = "bare";
  entries.push_back(bare);
  LedgerEntry extreme = Entry("extreme");
  extreme.version = {std::string(2000, 't'), std::numeric_limits<std::uint64_t>::max()};
  for (int i = 0; i < 500; ++i)
    extreme.chunks.push_back({fmt::format("record {}", i), std::string(16, '\0'), std::string(16, '\xFF')});
  entries.push_back(extreme);
  entries.push_back(Entry(std::string(4096, 'i')));
  entries.push_back(Entry("marked as absent"));
  entries.back().absent_since = absl::FromUnixMillis(1'700'000'000'123);
  if (absl::Status status = Commit(checkpoint, {.entries = entries}); !status.ok()) return Gave("Commit() of entries", status);
  for (const LedgerEntry& entry : entries) {
    if (Verdict verdict = ExpectEntry(checkpoint, kSource, entry.document_id, entry); !verdict.empty()) return verdict;
  }
  return kKept;
}

Verdict EntryReplaces(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.entries = {Entry("a", 5), Entry("b", 5)}}); !status.ok())
    return Gave("Commit()", status);
  LedgerEntry shorter = Entry("a", 3);
  shorter.chunks.pop_back();
  if (absl::Status status = Commit(checkpoint, {.entries = {shorter}}); !status.ok()) return Gave("Commit()", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", shorter); !verdict.empty()) return verdict;
  return ExpectEntry(checkpoint, kSource, "b", Entry("b", 5));
}

Verdict EntryPerSource(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.entries = {Entry("a", 1)}}); !status.ok()) return Gave("Commit()", status);
  const TestCommit theirs{.source = kOtherSource, .entries = {Entry("a", 2), Entry("b", 2)}};
  if (absl::Status status = Commit(checkpoint, theirs); !status.ok()) return Gave("Commit()", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", Entry("a", 1)); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "b", std::nullopt); !verdict.empty()) return verdict;
  return ExpectEntry(checkpoint, kOtherSource, "a", Entry("a", 2));
}

Verdict Forgotten(Checkpoint& checkpoint) {
  const TestCommit commit{.entries = {Entry("a"), Entry("b")}, .dead_letters = {Letter("b"), Letter("c"), Letter("d")}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit()", status);
  const TestCommit forget{.forgotten = {"b", "c", "never there"}};
  if (absl::Status status = Commit(checkpoint, forget); !status.ok()) return Gave("Commit() of forgotten documents", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", Entry("a")); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "b", std::nullopt); !verdict.empty()) return verdict;
  return ExpectLetters(checkpoint, kSource, {Letter("d")});
}

Verdict CommitAwkwardIds(Checkpoint& checkpoint) {
  std::vector<std::string> ids = AwkwardIds();
  std::reverse(ids.begin(), ids.end());
  TestCommit commit;
  for (const std::string& id : ids) commit.entries.push_back(Entry(id));
  const TestCommit theirs{.source = kOtherSource, .entries = {Entry("b")}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of entries", status);
  if (absl::Status status = Commit(checkpoint, theirs); !status.ok()) return Gave("Commit() of entries", status);
  return kKept;
}

Verdict ListOrder(Checkpoint& checkpoint) {
  if (Verdict verdict = CommitAwkwardIds(checkpoint); !verdict.empty()) return verdict;
  const std::vector<std::string> expected = AwkwardIds();
  const auto listed = checkpoint.ListDocuments(kSource, "", 1000);
  if (!listed.ok()) return Gave("ListDocuments()", listed.status());
  if (*listed == expected) return kKept;
  if (listed->size() != expected.size()) {
    return fmt::format("ListDocuments() gave {} documents instead of {}", listed->size(), expected.size());
  }
  const auto differ = std::mismatch(expected.begin(), expected.end(), listed->begin());
  return fmt::format("ListDocuments() gave '{}' where '{}' is next in byte order", *differ.second, *differ.first);
}

Verdict ListPaging(Checkpoint& checkpoint) {
  if (Verdict verdict = CommitAwkwardIds(checkpoint); !verdict.empty()) return verdict;
  const auto whole = checkpoint.ListDocuments(kSource, "", 1000);
  if (!whole.ok()) return Gave("ListDocuments()", whole.status());
  for (const std::size_t limit : {1U, 7U}) {
    std::vector<std::string> all;
    while (all.size() <= whole->size()) {
      const auto page = checkpoint.ListDocuments(kSource, all.empty() ? "" : all.back(), limit);
      if (!page.ok()) return Gave("ListDocuments()", page.status());
      if (page->size() > limit) return fmt::format("ListDocuments() with a limit of {} gave {}", limit, page->size());
      if (page->empty()) break;
      all.insert(all.end(), page->begin(), page->end());
    }
    if (all != *whole) return fmt::format("pages of {} documents do not make up the whole list", limit);
  }
  const auto between = checkpoint.ListDocuments(kSource, "folder/document 1", 1);  // which is no document itself
  if (!between.ok()) return Gave("ListDocuments()", between.status());
  if (*between != std::vector<std::string>{"folder/document 1.md"})
    return "ListDocuments() after an id that is not there went wrong";
  const auto end = checkpoint.ListDocuments("no such source", "", 10);
  if (!end.ok()) return Gave("ListDocuments() of an unknown source", end.status());
  return end->empty() ? kKept : "ListDocuments() of an unknown source gave documents";
}

Verdict TombstoneRoundtrip(Checkpoint& checkpoint) {
  const TestCommit commit{.entries = {Entry("a"), Tombstone("b", 1), Tombstone("c", 2)}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of tombstones", status);
  if (absl::Status status = Commit(checkpoint, {.entries = {Tombstone("a", 3), Entry("c")}}); !status.ok())
    return Gave("Commit() of a tombstone over an entry", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", Tombstone("a", 3)); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "b", Tombstone("b", 1)); !verdict.empty()) return verdict;
  return ExpectEntry(checkpoint, kSource, "c", Entry("c"));
}

Verdict TombstoneUnlisted(Checkpoint& checkpoint) {
  const TestCommit commit{.entries = {Tombstone("a", 1), Tombstone("b", 2), Entry("c"), Tombstone("d", 3)}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of tombstones", status);
  const auto listed = checkpoint.ListDocuments(kSource, "", 1);
  if (!listed.ok()) return Gave("ListDocuments()", listed.status());
  if (*listed != std::vector<std::string>{"c"}) return "ListDocuments() gave a tombstone, or stopped at one";
  const auto rest = checkpoint.ListDocuments(kSource, "c", 10);
  if (!rest.ok()) return Gave("ListDocuments()", rest.status());
  return rest->empty() ? kKept : "ListDocuments() gave a tombstone";
}

Verdict TombstonePurge(Checkpoint& checkpoint) {
  for (const char* const source : {kSource, kOtherSource}) {
    const TestCommit commit{.source = source, .entries = {Entry("a"), Tombstone("b", 10), Tombstone("c", 11)}};
    if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of tombstones", status);
  }
  const TestCommit purge{.purge_before = *Tombstone("c", 11).deleted_at};
  if (absl::Status status = Commit(checkpoint, purge); !status.ok()) return Gave("Commit() with `purge_before`", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", Entry("a")); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "b", std::nullopt); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "c", Tombstone("c", 11)); !verdict.empty()) return verdict;
  return ExpectEntry(checkpoint, kOtherSource, "b", Tombstone("b", 10));
}

Verdict DeadLetterRoundtrip(Checkpoint& checkpoint) {
  std::vector<DeadLetter> letters;
  for (const Stage stage : {Stage::kRead, Stage::kLoad, Stage::kChunk, Stage::kEmbed, Stage::kWrite, Stage::kCommit}) {
    letters.push_back(Letter(fmt::format("stage {}", static_cast<int>(stage))));
    letters.back().stage = stage;
  }
  DeadLetter bare;
  bare.document_id = "t: bare";
  bare.reason = absl::UnknownError("");
  letters.push_back(bare);
  letters.push_back(Letter("u: of a deletion"));
  letters.back().is_delete = true;
  letters.push_back(Letter("with a body"));
  letters.back().document = Body();
  if (absl::Status status = Commit(checkpoint, {.dead_letters = letters}); !status.ok())
    return Gave("Commit() of dead letters", status);
  return ExpectLetters(checkpoint, kSource, letters);
}

Verdict DeadLetterAttempts(Checkpoint& checkpoint) {
  for (int run = 1; run <= 3; ++run) {
    const TestCommit commit{.dead_letters = {Letter("a", run)}};
    if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of a dead letter", status);
  }
  DeadLetter expected = Letter("a", 3);
  expected.attempts = 3;
  expected.first_failure = Letter("a", 1).first_failure;
  return ExpectLetters(checkpoint, kSource, {expected});
}

Verdict DeadLetterCleared(Checkpoint& checkpoint) {
  const TestCommit commit{.dead_letters = {Letter("a"), Letter("b")}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of dead letters", status);
  if (absl::Status status = Commit(checkpoint, {.entries = {Entry("a")}}); !status.ok())
    return Gave("Commit() of an entry", status);
  return ExpectLetters(checkpoint, kSource, {Letter("b")});
}

Verdict DeadLetterKeptInDoubt(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.dead_letters = {Letter("a")}}); !status.ok())
    return Gave("Commit() of a dead letter", status);
  LedgerEntry doubt;
  doubt.document_id = "a";
  if (absl::Status status = Commit(checkpoint, {.entries = {doubt}}); !status.ok())
    return Gave("Commit() of an entry in doubt", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", doubt); !verdict.empty()) return verdict;
  return ExpectLetters(checkpoint, kSource, {Letter("a")});
}

Verdict DeadLetterDropped(Checkpoint& checkpoint) {
  const TestCommit commit{.entries = {Entry("a")}, .dead_letters = {Letter("a"), Letter("b"), Letter("c")}};
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit()", status);
  const TestCommit drop{.dropped_letters = {"a", "b", "never there"}};
  if (absl::Status status = Commit(checkpoint, drop); !status.ok()) return Gave("Commit() of dropped letters", status);
  if (Verdict verdict = ExpectEntry(checkpoint, kSource, "a", Entry("a")); !verdict.empty()) return verdict;
  return ExpectLetters(checkpoint, kSource, {Letter("c")});
}

Verdict DeadLetterOrder(Checkpoint& checkpoint) {
  TestCommit commit;
  for (const std::string& id : AwkwardIds()) commit.dead_letters.push_back(Letter(id));
  const std::vector<DeadLetter> expected = commit.dead_letters;
  std::reverse(commit.dead_letters.begin(), commit.dead_letters.end());
  if (absl::Status status = Commit(checkpoint, commit); !status.ok()) return Gave("Commit() of dead letters", status);
  const auto page = checkpoint.ListDeadLetters(kSource, "", 3);
  if (!page.ok()) return Gave("ListDeadLetters()", page.status());
  if (page->size() != 3) return fmt::format("ListDeadLetters() with a limit of 3 gave {}", page->size());
  return ExpectLetters(checkpoint, kSource, expected, 7);
}

Verdict DeadLetterPerSource(Checkpoint& checkpoint) {
  if (absl::Status status = Commit(checkpoint, {.dead_letters = {Letter("a", 1)}}); !status.ok())
    return Gave("Commit()", status);
  const TestCommit theirs{.source = kOtherSource, .dead_letters = {Letter("a", 2)}};
  if (absl::Status status = Commit(checkpoint, theirs); !status.ok()) return Gave("Commit()", status);
  if (Verdict verdict = ExpectLetters(checkpoint, kSource, {Letter("a", 1)}); !verdict.empty()) return verdict;
  return ExpectLetters(checkpoint, kOtherSource, {Letter("a", 2)});
}

Verdict Reopened(CheckpointUnderTest test) {
  TestCommit commit{.cursors = {{"", "\0cursor\xFF"s}}};
  const bool keeps_ledger = test.checkpoint->keeps_ledger();
  if (keeps_ledger) {
    commit.entries = {Entry("a")};
    commit.dead_letters = {Letter("b")};
    commit.recipe = Recipe{"chunker", "embedder", 4, Metric::kL2, "schema"};
  }
  if (absl::Status status = Commit(*test.checkpoint, commit); !status.ok()) return Gave("Commit()", status);
  test.checkpoint.reset();
  const std::shared_ptr<Checkpoint> again = test.reopen();
  if (again == nullptr) return "`reopen` gave no checkpoint";
  if (Verdict verdict = ExpectCursors(*again, kSource, commit.cursors); !verdict.empty()) return verdict;
  if (!keeps_ledger) return kKept;
  if (Verdict verdict = ExpectEntry(*again, kSource, "a", Entry("a")); !verdict.empty()) return verdict;
  if (Verdict verdict = ExpectLetters(*again, kSource, {Letter("b")}); !verdict.empty()) return verdict;
  const auto recipe = again->LoadRecipe();
  if (!recipe.ok()) return Gave("LoadRecipe()", recipe.status());
  return *recipe == commit.recipe ? kKept : "the recipe differs";
}

struct NamedRule {
  std::string_view name;
  Verdict (*check)(Checkpoint&);
};

constexpr NamedRule kRules[] = {
    {"cursor.unknown", CursorUnknown},      {"cursor.roundtrip", CursorRoundtrip},
    {"cursor.replaces", CursorReplaces},    {"cursor.kept", CursorKept},
    {"cursor.per_source", CursorPerSource}, {"commit.repeatable", CommitRepeatable},
    {"commit.atomic", CommitAtomic},        {"reset", Reset},
};

constexpr NamedRule kLedgerRules[] = {
    {"recipe", RecipeOfLastCommit},
    {"entry.unknown", EntryUnknown},
    {"entry.roundtrip", EntryRoundtrip},
    {"entry.replaces", EntryReplaces},
    {"entry.per_source", EntryPerSource},
    {"forgotten", Forgotten},
    {"list.order", ListOrder},
    {"list.paging", ListPaging},
    {"tombstone.roundtrip", TombstoneRoundtrip},
    {"tombstone.unlisted", TombstoneUnlisted},
    {"tombstone.purge", TombstonePurge},
    {"dead_letter.roundtrip", DeadLetterRoundtrip},
    {"dead_letter.attempts", DeadLetterAttempts},
    {"dead_letter.cleared", DeadLetterCleared},
    {"dead_letter.kept_in_doubt", DeadLetterKeptInDoubt},
    {"dead_letter.dropped", DeadLetterDropped},
    {"dead_letter.order", DeadLetterOrder},
    {"dead_letter.per_source", DeadLetterPerSource},
};

}  // namespace

std::vector<Finding> CheckCheckpoint(const CheckpointFactory& factory) {
  Rules rules("checkpoint");
  bool usable = false;
  bool keeps_ledger = false;
  bool reopens = false;
  rules.Check("factory", [&]() -> Verdict {
    const CheckpointUnderTest test = factory();
    usable = test.checkpoint != nullptr;
    if (!usable) return "the factory gave no checkpoint";
    keeps_ledger = test.checkpoint->keeps_ledger();
    reopens = static_cast<bool>(test.reopen);
    return kKept;
  });
  if (!usable) return rules.Take();
  auto check = [&](const NamedRule& rule) { rules.Check(rule.name, [&] { return rule.check(*factory().checkpoint); }); };
  for (const NamedRule& rule : kRules) check(rule);
  if (keeps_ledger) {
    for (const NamedRule& rule : kLedgerRules) check(rule);
  }
  if (reopens) rules.Check("reopen", [&] { return Reopened(factory()); });
  return rules.Take();
}

}  // namespace ragpipe::testing
