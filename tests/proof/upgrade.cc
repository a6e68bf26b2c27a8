// P19. A file of each format version that was ever released is opened: to write, which migrates it, and to read. It holds what
// it held, an unchanged source costs nothing and an edit one text. The same for what is left where the process or the power
// goes at any moment of the migration. A file of a newer format is refused, and not a byte of it changes.
#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "proof/fixtures/corpus.h"
#include "proof/proof.h"
#include "proof/store_rig.h"
#include "ragpipe/sqlite/store.h"
#include "support/memory_disk.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

/// All that a store tells, of both sources.
struct Told {
  std::vector<std::string> lines;
  std::string schema;  // of the recipe

  friend bool operator==(const Told& a, const Told& b) { return a.lines == b.lines; }
};

std::string ToLine(const StoredRecord& record) {
  std::string line =
      fmt::format("{} {} {} {} {} '{}' '{}' {} {}", record.source, record.document_id, record.position, record.id,
                  record.version.token, record.text, record.chunk.context, record.chunk.tokens, record.metadata.size());
  for (const std::string& heading : record.chunk.headings) line += " " + heading;
  for (const float x : record.vector) line += fmt::format(" {}", x);
  return line;
}

absl::StatusOr<Told> Read(FixtureCorpus& corpus, sqlite::Store& store) {
  Told told;
  RAGPIPE_ASSIGN_OR_RETURN(const Recipe recipe, store.index().LoadRecipe());
  told.schema = recipe.schema;
  for (testing::MemorySource* source : {&corpus.feed(), &corpus.folder()}) {
    const std::string_view name = source->name();
    RAGPIPE_ASSIGN_OR_RETURN(const auto stored, store.sink().ListDocuments(name, "", 1000));
    const std::vector<std::string_view> ids(stored.begin(), stored.end());
    std::vector<StoredRecord> records;
    RAGPIPE_RETURN_IF_ERROR(store.sink().ReadRecords(name, ids, records));
    std::map<std::string, std::string> sorted;
    for (const StoredRecord& record : records) sorted[record.id] = ToLine(record);
    for (const auto& [id, line] : sorted) told.lines.push_back(line);

    RAGPIPE_ASSIGN_OR_RETURN(const auto known, store.checkpoint().ListDocuments(name, "", 1000));
    std::vector<std::optional<LedgerEntry>> entries;
    RAGPIPE_RETURN_IF_ERROR(store.checkpoint().FindEntries(name, {ids.data(), ids.size()}, entries));
    if (known != stored) told.lines.push_back("the ledger has other documents");
    for (const auto& entry : entries) {
      if (!entry.has_value()) continue;
      told.lines.push_back(
          fmt::format("{} {} {}", entry->document_id, entry->version.token, entry->version.ordinal.value_or(0)));
      for (const LedgerChunk& chunk : entry->chunks) told.lines.push_back(chunk.record_id + chunk.text_key);
    }
    RAGPIPE_ASSIGN_OR_RETURN(const auto cursors, store.checkpoint().LoadCursors(name));
    for (const PartitionCursor& cursor : cursors) told.lines.push_back(cursor.partition + " " + cursor.cursor);
    RAGPIPE_ASSIGN_OR_RETURN(const auto letters, store.checkpoint().ListDeadLetters(name, "", 1000));
    for (const DeadLetter& letter : letters) {
      told.lines.push_back(fmt::format("dead: {} {} {}", letter.document_id, letter.reason.ToString(),
                                       letter.document.has_value() ? letter.document->text : "no body"));
    }
  }
  const std::vector<float> anywhere(corpus.embedder().dimension(), 1);
  const Filter filter = {{.field = "tags", .op = Condition::Op::kContains, .values = {std::string("tag21")}}};
  for (const auto& query :
       {IndexQuery{.vector = anywhere, .text = {}, .top_k = 1000, .mode = SearchMode::kVector},
        IndexQuery{.vector = {}, .text = "rivers of number4", .top_k = 1000, .mode = SearchMode::kText},
        IndexQuery{.vector = anywhere, .text = "book", .top_k = 1000, .mode = SearchMode::kHybrid, .filter = &filter}}) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Hit> hits, store.index().Search(query));
    for (const Hit& hit : hits) told.lines.push_back(fmt::format("{} {:.4f}", hit.record_id, hit.score));
  }
  return told;
}

std::string FirstDifference(const Told& is, const Told& wanted) {
  for (std::size_t i = 0; i < std::max(is.lines.size(), wanted.lines.size()); ++i) {
    const std::string a = i < is.lines.size() ? is.lines[i] : "nothing";
    const std::string b = i < wanted.lines.size() ? wanted.lines[i] : "nothing";
    if (a != b) return fmt::format("tells '{}' instead of '{}'", a, b);
  }
  return "";
}

std::string Sql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string result;
  const auto keep = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) = columns[0];
    return 0;
  };
  sqlite3_open(path.c_str(), &db);
  if (sqlite3_exec(db, sql.c_str(), keep, &result, nullptr) != SQLITE_OK) result = sqlite3_errmsg(db);
  sqlite3_close(db);
  return result;
}

class Upgrades {
 public:
  explicit Upgrades(std::uint64_t seed) : random_(seed) {
    auto fresh = sqlite::Store::Open(path_);
    if (fresh.ok()) status_ = corpus_.Run(*fresh);
    if (!fresh.ok() || !status_.ok()) return;
    fresh_ = Read(corpus_, *fresh).value_or(Told());
    fresh = absl::CancelledError();
    current_ = std::stoi(Sql(path_, "PRAGMA user_version"));
    fresh_files_ = ReadFiles();
  }

  const absl::Status& status() const { return status_; }
  int current() const { return current_; }

  std::optional<MemoryDisk::Image> Load(int version) const {
    std::ifstream file(fmt::format(RAGPIPE_FIXTURES "/version{}.db", version), std::ios::binary);
    if (!file) return std::nullopt;
    return MemoryDisk::Image{{"", std::string(std::istreambuf_iterator<char>(file), {})}};
  }

  /// "" or what is wrong with the life of such a file.
  std::string Live(int version, const MemoryDisk::Image& image) {
    WriteFiles(image);
    if (version < current_) {
      const absl::Status read = sqlite::OpenIndex(path_).status();
      if (!absl::IsFailedPrecondition(read) || !absl::StrContains(read.message(), "Store::Open"))
        return "to a reader: " + read.ToString();
      if (ReadFiles() != image) return "a reader changed it";
    }
    if (const std::string wrong = CheckContents(); !wrong.empty()) return wrong;
    if (!sqlite::OpenIndex(path_).ok() || !sqlite::OpenCheckpoint(path_).ok()) return "does not open for reading";
    {
      auto store = sqlite::Store::Open(path_);
      if (const std::string wrong = GoOn(*store); !wrong.empty()) return wrong;
    }
    const std::string damage = FindDamage(path_);
    return damage.empty() ? "" : "damaged: " + damage;
  }

  /// "" or what is wrong where a migration ends before its end, for each write of it: with all that was written so far, and
  /// with what is left when the power goes.
  std::vector<std::string> MigrateAndDie(const MemoryDisk::Image& image) {
    MemoryDisk disk;
    std::vector<MemoryDisk::Image> left;
    disk.Put(path_, image);
    disk.before_change = [&] {
      left.push_back(disk.Get(path_));
      left.push_back(disk.CutPower(path_, random_));
    };
    sqlite::Store::Open(path_).status().IgnoreError();  // seen when it is lived in
    disk.before_change = nullptr;
    std::vector<std::string> wrong;
    for (const MemoryDisk::Image& files : left) {
      disk.Put(path_, files);
      wrong.push_back(CheckContents());
      if (wrong.back().empty()) wrong.back() = FindDamage(path_);
    }
    return wrong;
  }

  /// "" or how such a newer file is taken.
  std::string Refuse(std::int64_t version, const MemoryDisk::Image& image) {
    WriteFiles(image);
    for (const auto& [what, status] : {std::pair("Store::Open()", sqlite::Store::Open(path_).status()),
                                       std::pair("OpenIndex()", sqlite::OpenIndex(path_).status()),
                                       std::pair("OpenCheckpoint()", sqlite::OpenCheckpoint(path_).status())}) {
      if (!absl::IsFailedPrecondition(status) || !absl::StrContains(status.message(), fmt::format("{}", version)))
        return fmt::format("{} of version {}: {}", what, version, status.ToString());
    }
    return ReadFiles() == image ? "" : fmt::format("a file of version {} was refused and touched", version);
  }

  /// The file as a newer library left it, or left it behind with its log when it was killed.
  MemoryDisk::Image MakeNewer(std::int64_t version, bool with_log) {
    WriteFiles(fresh_files_);
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    sqlite3_exec(db, fmt::format("PRAGMA user_version = {}; CREATE TABLE news(x)", version).c_str(), nullptr, nullptr, nullptr);
    MemoryDisk::Image image = ReadFiles();
    sqlite3_close(db);
    return with_log ? image : ReadFiles();
  }

 private:
  MemoryDisk::Image ReadFiles() const {
    MemoryDisk::Image image;
    for (const char* suffix : {"", "-wal"}) {
      std::ifstream file(path_ + suffix, std::ios::binary);
      std::string bytes(std::istreambuf_iterator<char>(file), {});
      if (!bytes.empty()) image[suffix] = std::move(bytes);  // every reader may leave a log of no bytes
    }
    return image;
  }

  void WriteFiles(const MemoryDisk::Image& image) const {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
    for (const auto& [suffix, bytes] : image) std::ofstream(path_ + suffix, std::ios::binary) << bytes;
  }

  std::string CheckContents() {
    {
      auto store = sqlite::Store::Open(path_);
      if (!store.ok()) return "does not open: " + store.status().ToString();
      const absl::StatusOr<Told> told = Read(corpus_, *store);
      if (!told.ok()) return told.status().ToString();
      if (*told != fresh_) return FirstDifference(*told, fresh_);
      schema_ = told->schema;
    }
    const std::string now = Sql(path_, "PRAGMA user_version");
    return now == fmt::format("{}", current_) ? "" : "is of version " + now + " after it was opened";
  }

  /// Unchanged, then edited.
  std::string GoOn(sqlite::Store& store) {
    FixtureCorpus corpus;
    absl::Status status = corpus.Run(store);
    if (schema_ != fresh_.schema) {  // records of then are formed otherwise: nothing is mixed, and the host decides
      if (!absl::IsFailedPrecondition(status) || !absl::StrContains(status.message(), "schema"))
        return "a run over records of another schema: " + status.ToString();
      const absl::StatusOr<Told> told = Read(corpus, store);
      if (!told.ok() || *told != fresh_) return "a refused run changed something";
      status = corpus.Run(store, OnRecipeChange::kRebuild);
    } else if (const std::uint64_t texts = corpus.embedder().counts().texts; texts != 0) {
      return fmt::format("an unchanged source costs {} texts", texts);
    }
    if (!status.ok()) return "a run: " + status.ToString();
    if (const std::string wrong = CheckSound(corpus, store); !wrong.empty()) return wrong;

    const std::uint64_t before = corpus.embedder().counts().texts;
    corpus.folder().Put("document21", corpus.TextOf(21, "listed") + "one more paragraph tells of a lighthouse");
    if (status = corpus.Run(store); !status.ok()) return "the next run: " + status.ToString();
    const std::uint64_t texts = corpus.embedder().counts().texts - before;
    if (texts != 1) return fmt::format("an edit of one paragraph costs {} texts", texts);
    const auto hits = store.index().Search({.vector = {}, .text = "lighthouse", .top_k = 9, .mode = SearchMode::kText});
    if (!hits.ok() || hits->size() != 1) return "the edit is not found";
    return CheckSound(corpus, store);
  }

  static std::string CheckSound(FixtureCorpus& corpus, sqlite::Store& store) {
    for (testing::MemorySource* source : {&corpus.feed(), &corpus.folder()}) {
      VerifyReport report;
      const absl::Status status = corpus.MakePipeline(*source, store, OnRecipeChange::kRefuse).Verify({}, report);
      if (!status.ok() || !report.is_sound()) return "Verify(): " + status.ToString() + ToText(report);
    }
    return "";
  }

  std::mt19937_64 random_;
  const TempDir folder_;
  const std::string path_ = folder_ / "index.db";
  FixtureCorpus corpus_;
  absl::Status status_;
  Told fresh_;
  int current_ = 0;
  MemoryDisk::Image fresh_files_;
  std::string schema_;
};

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally opened("P19", "a file of every format opens, holds what it held, costs nothing, goes on");
  Tally killed("P19", "killed or without power at any write of a migration: the next open ends it");
  Tally newer("P19", "a file of a newer format is refused, and not a byte of it changes");
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    const std::string replay = fmt::format("--first {} --cases 1", seed);
    const auto start = std::chrono::steady_clock::now();
    Upgrades upgrades(seed);
    if (!upgrades.status().ok() || upgrades.current() < 3) {
      opened.Violation(replay, "no fresh index to compare with: " + upgrades.status().ToString());
      continue;
    }
    for (int version = 1; version <= upgrades.current(); ++version) {
      const std::optional<MemoryDisk::Image> image = upgrades.Load(version);
      if (!image.has_value()) {
        if (version < upgrades.current())
          opened.Violation(replay, fmt::format("format {} has no fixture; tests/proof/fixtures/README.md says how", version));
        continue;
      }
      opened.Case();
      if (const std::string wrong = upgrades.Live(version, *image); !wrong.empty())
        opened.Violation(replay, fmt::format("format {} {}", version, wrong));
    }
    const auto middle = std::chrono::steady_clock::now();
    opened.Spent(middle - start);
    for (int version = 1; version < upgrades.current(); ++version) {
      const std::optional<MemoryDisk::Image> image = upgrades.Load(version);
      if (!image.has_value()) continue;
      for (const std::string& wrong : upgrades.MigrateAndDie(*image)) {
        killed.Case();
        if (!wrong.empty()) killed.Violation(replay, fmt::format("format {} {}", version, wrong));
      }
    }
    const auto late = std::chrono::steady_clock::now();
    killed.Spent(late - middle);
    for (const std::int64_t version : {upgrades.current() + 1, upgrades.current() + 7, 0x7fffffff}) {
      for (const bool with_log : {false, true}) {
        newer.Case();
        const std::string wrong = upgrades.Refuse(version, upgrades.MakeNewer(version, with_log));
        if (!wrong.empty()) newer.Violation(replay, (with_log ? "with its log, " : "") + wrong);
      }
    }
    newer.Spent(std::chrono::steady_clock::now() - late);
  }
  return {opened, killed, newer};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 2, ragpipe::proof::Prove); }
