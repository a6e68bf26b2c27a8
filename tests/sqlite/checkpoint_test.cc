#include <absl/status/status.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fixture.h"

namespace ragpipe::sqlite {
namespace {

struct Fixture {
  Fixture() { REQUIRE_OK(store); }

  Checkpoint& checkpoint() { return store->checkpoint(); }

  std::vector<std::optional<LedgerEntry>> Find(const std::vector<std::string_view>& ids, std::string_view source = "source") {
    std::vector<std::optional<LedgerEntry>> found;
    REQUIRE_OK(checkpoint().FindEntries(source, ids, found));
    return found;
  }

  std::vector<DeadLetter> Letters(std::string_view source = "source") {
    auto letters = checkpoint().ListDeadLetters(source, "", 100);
    REQUIRE_OK(letters);
    return *std::move(letters);
  }

  TempDir dir;
  std::string path = dir / "index.db";
  absl::StatusOr<Store> store = Store::Open(path);
};

DeadLetter TestLetter(const std::string& document_id, int day) {
  return {.document_id = document_id,
          .version = {"v" + std::to_string(day), std::uint64_t{1} << 63},
          .partition = "p",
          .stage = Stage::kEmbed,
          .reason = absl::InvalidArgumentError("refused on day " + std::to_string(day)),
          .first_failure = absl::FromUnixSeconds(day * 86400),
          .last_failure = absl::FromUnixSeconds(day * 86400),
          .document = {}};
}

TEST_CASE("the ledger keeps entries as they are") {
  Fixture f;
  CHECK(f.checkpoint().keeps_ledger());
  std::vector<LedgerEntry> entries = {TestEntry("a"), TestEntry("b")};
  entries[1].version = {"", std::numeric_limits<std::uint64_t>::max()};
  entries[1].chunks.clear();
  LedgerEntry odd = TestEntry(std::string("\0\xff\n'", 4));
  odd.content_hash = std::string(16, '\0');
  odd.chunks.assign(300, {std::string(200, 'i'), std::string(16, '\xff'), ""});
  odd.version = {std::string("\0v", 2), {}};
  entries.push_back(odd);
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = entries}));
  const auto found = f.Find({"missing", "b", odd.document_id, "a", "a"});
  REQUIRE(found.size() == 5);
  CHECK_FALSE(found[0].has_value());
  CHECK(found[1] == entries[1]);
  CHECK(found[2] == odd);
  CHECK(found[3] == entries[0]);
  CHECK(found[4] == entries[0]);
  CHECK_FALSE(f.Find({"a"}, "other")[0].has_value());
  CHECK(f.Find({}).empty());
}

TEST_CASE("an entry is replaced, and forgotten") {
  Fixture f;
  LedgerEntry entry = TestEntry("a");
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = {&entry, 1}}));
  REQUIRE_OK(f.checkpoint().Commit({.source = "other", .entries = {&entry, 1}}));
  entry = TestEntry("a", "v2");
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = {&entry, 1}}));
  CHECK(f.Find({"a"})[0] == entry);
  const std::vector<std::string> forgotten = {"a", "never"};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .forgotten = forgotten}));
  CHECK_FALSE(f.Find({"a"})[0].has_value());
  CHECK(f.Find({"a"}, "other")[0] == TestEntry("a"));
}

TEST_CASE("documents are listed in byte order, page by page") {
  Fixture f;
  std::vector<std::string> ids = {"b", "a", "a/", "a.", "B", "é", "\xff", std::string("a\0", 2), "aa"};
  std::vector<LedgerEntry> entries;
  for (const std::string& id : ids) entries.push_back(TestEntry(id));
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = entries}));
  REQUIRE_OK(f.checkpoint().Commit({.source = "tail", .entries = entries}));
  std::sort(ids.begin(), ids.end());
  std::vector<std::string> listed;
  while (true) {
    const auto page = f.checkpoint().ListDocuments("source", listed.empty() ? "" : listed.back(), 2);
    REQUIRE_OK(page);
    if (page->empty()) break;
    CHECK(page->size() <= 2);
    listed.insert(listed.end(), page->begin(), page->end());
  }
  CHECK(listed == ids);
  CHECK(f.checkpoint().ListDocuments("source", "", std::numeric_limits<std::size_t>::max())->size() == ids.size());
  CHECK(f.checkpoint().ListDocuments("nobody", "", 10)->empty());
  CHECK(f.checkpoint().ListDocuments("source", "", 0)->empty());
}

TEST_CASE("cursors that are not named stay") {
  Fixture f;
  const std::vector<PartitionCursor> first = {{"", "1"}, {"p", std::string("\0\xff", 2)}};
  const std::vector<PartitionCursor> second = {{"p", ""}};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .cursors = first}));
  REQUIRE_OK(f.checkpoint().Commit({.source = "other", .cursors = first}));
  CHECK(f.checkpoint().LoadCursors("source").value() == first);
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .cursors = second}));
  CHECK(f.checkpoint().LoadCursors("source").value() == std::vector<PartitionCursor>{{"", "1"}, {"p", ""}});
  CHECK(f.checkpoint().LoadCursors("other").value() == first);
}

TEST_CASE("dead letters count their attempts and keep the first failure") {
  Fixture f;
  DeadLetter letter = TestLetter("a", 1);
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = {&letter, 1}}));
  letter = TestLetter("a", 2);
  letter.stage = Stage::kWrite;
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = {&letter, 1}}));
  letter = TestLetter("a", 3);
  letter.partition = "q";
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = {&letter, 1}}));
  const auto letters = f.Letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].attempts == 3);
  CHECK(letters[0].first_failure == absl::FromUnixSeconds(86400));
  CHECK(letters[0].last_failure == absl::FromUnixSeconds(3 * 86400));
  CHECK(letters[0].reason == absl::InvalidArgumentError("refused on day 3"));
  CHECK(letters[0].stage == Stage::kEmbed);
  CHECK(letters[0].version == Version{"v3", std::uint64_t{1} << 63});
  CHECK(letters[0].partition == "q");
  CHECK_FALSE(letters[0].document.has_value());
  CHECK(f.Letters("other").empty());
}

TEST_CASE("an entry clears the dead letter, and so does forgetting") {
  Fixture f;
  const std::vector<DeadLetter> letters = {TestLetter("a", 1), TestLetter("b", 1), TestLetter("c", 1)};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = letters}));
  const LedgerEntry entry = TestEntry("a");
  const std::vector<std::string> forgotten = {"b"};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = {&entry, 1}, .forgotten = forgotten}));
  REQUIRE(f.Letters().size() == 1);
  CHECK(f.Letters()[0].document_id == "c");
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = {letters.data(), 1}}));
  CHECK(f.Letters()[0].attempts == 1);  // anew
}

TEST_CASE("a dead letter keeps a body that no other table would take") {
  Fixture f;
  DeadLetter letter = TestLetter("a", 1);
  letter.document = Document{.id = "a",
                             .text = std::string("\xff\0text", 6),
                             .media_type = "text/\xfe",
                             .metadata = {{"bad \xff", "\xff"},
                                          {"list", std::vector<std::string>{"\xff"}},
                                          {"int", std::int64_t{-1}},
                                          {"inf", std::numeric_limits<double>::infinity()},
                                          {"third", 1.0 / 3},
                                          {"one", 1.0},
                                          {"yes", true}},
                             .version = {"v\xff", std::numeric_limits<std::uint64_t>::max()},
                             .updated_at = absl::FromUnixNanos(-5)};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = {&letter, 1}}));
  const auto letters = f.Letters();
  REQUIRE(letters.size() == 1);
  REQUIRE(letters[0].document.has_value());
  const Document& document = *letters[0].document;
  CHECK(document.id == letter.document->id);
  CHECK(document.text == letter.document->text);
  CHECK(document.media_type == letter.document->media_type);
  CHECK(document.metadata == letter.document->metadata);
  CHECK(document.version == letter.document->version);
  CHECK(document.updated_at == letter.document->updated_at);
}

TEST_CASE("dead letters are listed in byte order, page by page") {
  Fixture f;
  const std::vector<DeadLetter> letters = {TestLetter("c", 1), TestLetter("a", 1), TestLetter("b", 1)};
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .dead_letters = letters}));
  const auto first = f.checkpoint().ListDeadLetters("source", "", 2);
  REQUIRE_OK(first);
  REQUIRE(first->size() == 2);
  CHECK(first->at(1).document_id == "b");
  const auto rest = f.checkpoint().ListDeadLetters("source", "b", 2);
  REQUIRE_OK(rest);
  REQUIRE(rest->size() == 1);
  CHECK(rest->at(0).document_id == "c");
  CHECK(f.checkpoint().ListDeadLetters("source", "c", 2)->empty());
}

TEST_CASE("a reset drops every source before the rest of the request is stored") {
  Fixture f;
  const LedgerEntry entry = TestEntry("a");
  const DeadLetter letter = TestLetter("b", 1);
  const PartitionCursor cursor{"p", "1"};
  const Recipe recipe = TestRecipe(2);
  for (const char* source : {"source", "other"}) {
    REQUIRE_OK(f.checkpoint().Commit(
        {.source = source, .cursors = {&cursor, 1}, .entries = {&entry, 1}, .dead_letters = {&letter, 1}, .recipe = &recipe}));
  }
  CHECK(f.checkpoint().LoadRecipe().value() == recipe);
  const Recipe next = TestRecipe(3, Metric::kL2);
  const LedgerEntry fresh = TestEntry("fresh");
  REQUIRE_OK(f.checkpoint().Commit(
      {.source = "source", .entries = {&fresh, 1}, .dead_letters = {&letter, 1}, .recipe = &next, .reset = true}));
  CHECK(f.checkpoint().LoadRecipe().value() == next);
  CHECK(f.checkpoint().ListDocuments("source", "", 10).value() == std::vector<std::string>{"fresh"});
  CHECK(f.checkpoint().ListDocuments("other", "", 10)->empty());
  CHECK(f.checkpoint().LoadCursors("source")->empty());
  REQUIRE(f.Letters().size() == 1);
  CHECK(f.Letters()[0].attempts == 1);
  CHECK(f.Letters("other").empty());
}

TEST_CASE("records and ledger move in one transaction") {
  Fixture f;
  REQUIRE_OK(f.store->sink().EnsureCollection({TestRecipe(2)}));
  REQUIRE_OK(Write(f.store->sink(), {.document_id = "a", .upserts = {{.id = "a0", .text = "x", .vector = {1, 0}}}}));
  REQUIRE_OK(f.store->sink().Flush());
  const std::vector<float> query = {1, 0};
  CHECK(FindAll(f.store->index(), query).empty());
  CHECK_FALSE(f.Find({"a"})[0].has_value());
  const LedgerEntry entry = TestEntry("a");
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = {&entry, 1}}));
  CHECK(FindAll(f.store->index(), query).size() == 1);
  CHECK(f.Find({"a"})[0] == entry);
}

TEST_CASE("a ledger row that cannot be read is data loss") {
  Fixture f;
  const LedgerEntry entry = TestEntry("a");
  REQUIRE_OK(f.checkpoint().Commit({.source = "source", .entries = {&entry, 1}}));
  const std::string damage = GENERATE(as<std::string>(), "x''", "x'05'", "x'01ff'", "x'ffffffffffffffffffff'", "x'0101'");
  RunSql(f.path, "UPDATE ledger SET chunks = " + damage);
  const std::vector<std::string_view> ids = {"a"};
  std::vector<std::optional<LedgerEntry>> found;
  CHECK(f.checkpoint().FindEntries("source", ids, found).code() == absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace ragpipe::sqlite
