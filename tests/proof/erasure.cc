// P20. Documents are deleted and replaced, and the store is compacted. Then every file of the store is searched, byte for byte,
// for what it held of them: a word of each text, heading, context and metadata value, ids, version tokens, fingerprints,
// vectors and bodies of dead letters. The same after a compaction that was cut off at any of its writes, or that a fault of the
// disk ended.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proof/proof.h"
#include "proof/store_rig.h"
#include "ragpipe/adapters.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/virtual_clock.h"
#include "support/memory_disk.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using testing::MemorySource;
using testing::MemorySourceOptions;
using Random = std::mt19937_64;

constexpr std::size_t kMarkBytes = 16;
constexpr std::size_t kSoughtBytes = 9;  // of a mark: the full-text index keeps of a word what the one before it has not
constexpr std::string_view kPoison = "poison";

enum class Kind { kWord, kId, kFingerprint, kVector };
constexpr std::array kKinds = {"a word", "an id", "a fingerprint", "a vector"};

using TraceCounts = std::array<std::uint64_t, kKinds.size()>;  // by kind

/// Bytes that belong to one document, or one of its chunks, and no other.
using Traces = std::map<std::string, Kind>;

std::string MakeMark(Random& random) {
  constexpr std::string_view kLetters = "abcdefghijlnopqrstuvwxyz0123456789";  // "mk" is where a mark begins
  std::string mark = "mk";
  while (mark.size() + 1 < kMarkBytes) mark += kLetters[random() % kLetters.size()];
  return mark + static_cast<char>('0' + random() % 10);  // no ending that a stemmer takes off
}

void AddMarks(std::string_view text, Kind kind, Traces& traces) {
  for (std::size_t at = text.find("mk"); at != std::string_view::npos; at = text.find("mk", at + 2)) {
    if (text.size() - at >= kMarkBytes) traces.emplace(text.substr(at + kMarkBytes - kSoughtBytes, kSoughtBytes), kind);
  }
}

void AddMarks(const Metadata& metadata, Traces& traces) {
  for (const auto& [field, value] : metadata) {
    if (const auto* text = std::get_if<std::string>(&value)) AddMarks(*text, Kind::kWord, traces);
  }
}

void AddTraces(const StoredRecord& record, Traces& traces) {
  AddMarks(record.text, Kind::kWord, traces);
  AddMarks(record.chunk.context, Kind::kWord, traces);
  for (const std::string& heading : record.chunk.headings) AddMarks(heading, Kind::kWord, traces);
  AddMarks(record.metadata, traces);
  AddMarks(record.document_id, Kind::kId, traces);
  AddMarks(record.version.token, Kind::kId, traces);
  traces.emplace(record.id, Kind::kId);
  traces.emplace(record.text_key, Kind::kFingerprint);
  const std::string_view vector(reinterpret_cast<const char*>(record.vector.data()), record.vector.size() * sizeof(float));
  traces.emplace(vector.substr(0, 16), Kind::kVector);
  traces.emplace(vector.substr(vector.size() - 16), Kind::kVector);
}

Traces Without(Traces traces, const Traces& live, bool with_ids) {
  std::erase_if(traces, [&](const auto& trace) {
    return live.contains(trace.first) || (!with_ids && trace.second == Kind::kId && trace.first.size() == kSoughtBytes);
  });
  return traces;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t BeginningOf(std::string_view bytes) {
  std::uint64_t beginning = 0;
  std::memcpy(&beginning, bytes.data(), sizeof(beginning));
  return beginning;
}

/// How many of the traces are in the bytes, by kind.
TraceCounts Count(const Traces& traces, const std::vector<std::string>& files) {
  TraceCounts found{};
  std::unordered_multimap<std::uint64_t, const Traces::value_type*> by_beginning;
  for (const auto& trace : traces) by_beginning.emplace(BeginningOf(trace.first), &trace);
  std::set<const Traces::value_type*> seen;
  for (const std::string_view file : files) {
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= file.size(); ++at) {
      const auto [begin, end] = by_beginning.equal_range(BeginningOf(file.substr(at)));
      for (auto trace = begin; trace != end; ++trace) {
        if (file.substr(at).starts_with(trace->second->first)) seen.insert(trace->second);
      }
    }
  }
  for (const Traces::value_type* trace : seen) ++found[static_cast<std::size_t>(trace->second)];
  return found;
}

std::string Describe(const TraceCounts& found) {
  std::string text;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] > 0) text += fmt::format("{}{} of something deleted, {} times", text.empty() ? "" : "; ", kKinds[i], found[i]);
  }
  return text;
}

std::string Reversed(std::string text) {
  std::reverse(text.begin() + 2, text.end() - 1);  // another mark
  return text;
}

/// Paragraphs, with a heading and a context of words of their own.
absl::StatusOr<std::vector<Chunk>> Split(const Document& document) {
  if (document.text.find(kPoison) != std::string::npos) return absl::InvalidArgumentError("poison");
  absl::StatusOr<std::vector<Chunk>> chunks = testing::ParagraphChunker().Split(document);
  const auto shelf = document.metadata.find("shelf");
  if (!chunks.ok() || shelf == document.metadata.end()) return chunks;
  const std::string mark = std::get<std::string>(shelf->second);
  for (Chunk& chunk : *chunks) {
    chunk.headings = {"heading " + Reversed(mark)};
    chunk.context = "context " + Reversed(mark) + "\n";
  }
  return chunks;
}

/// Connections opened meanwhile free pages without overwriting them, as SQLite does where it was not built otherwise.
class WithoutSecureDelete {
 public:
  WithoutSecureDelete() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(OnOpen)); }
  ~WithoutSecureDelete() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(OnOpen)); }
  WithoutSecureDelete(const WithoutSecureDelete&) = delete;
  WithoutSecureDelete& operator=(const WithoutSecureDelete&) = delete;

 private:
  static int OnOpen(sqlite3* db, char**, const sqlite3_api_routines*) {
    return sqlite3_exec(db, "PRAGMA secure_delete = off", nullptr, nullptr, nullptr);
  }
};

/// A store of documents whose every part has a word that nothing else has.
class MarkedCorpus {
 public:
  explicit MarkedCorpus(std::uint64_t seed) : random_(seed), source_(ChooseSource(random_)), chunker_("marked", Split) {
    keeps_tombstones_ = versions_ == MemorySourceOptions::Versions::kTokenAndOrdinal && random_() % 2 == 0;
    options_.commit_documents = 1 + random_() % 50;
    options_.deletion_guard.max_percent = 100;
    options_.record_ids = random_() % 2 == 0 ? RecordIds::kContent : RecordIds::kDocumentIndex;
    options_.tombstone_horizon = keeps_tombstones_ ? absl::Hours(1) : absl::ZeroDuration();
    options_.random_seed = 1;
    options_.clock = &clock_;
  }

  struct Found {
    std::uint64_t sought = 0;    // traces of what was deleted or replaced
    TraceCounts before{};        // of them, before the compaction
    std::uint64_t searches = 0;  // beside the compaction
    std::string wrong;
    std::string wrong_beside;
  };

  Found Prove(const TempDir& folder) {
    Found found;
    found.wrong = Prove(folder, found);
    return found;
  }

 private:
  std::string Prove(const TempDir& folder, Found& found) {
    const std::string path = folder / "index.db";
    std::optional<sqlite::Store> store;
    const auto runs = 2 + random_() % 4;
    for (std::uint64_t run = 0; run < runs; ++run) {
      if (run + 1 < runs) {
        Change();
      } else {
        Delete();
      }
      if (!store.has_value() || random_() % 3 == 0) {
        store.reset();
        auto opened = sqlite::Store::Open(path);
        if (!opened.ok()) return opened.status().ToString();
        store.emplace(*std::move(opened));
      }
      RunReport report;
      if (const absl::Status status = MakePipeline(*store).Run(report); !status.ok()) return "a run: " + status.ToString();
      now_ = TracesNow(*store);
      ever_.insert(now_.begin(), now_.end());
    }
    const Traces gone = Without(ever_, now_, !keeps_tombstones_);
    found.sought = gone.size();
    found.before = Count(gone, Files(folder));
    const auto answers = Answers(*store);
    absl::Status compacted;
    {
      std::atomic<bool> ended{false};
      std::thread compaction([&] {
        compacted = store->Compact();
        ended = true;
      });
      for (; !ended || found.searches == 0; ++found.searches) {
        if (Answers(*store) != answers) found.wrong_beside = "a search answers otherwise";
      }
      compaction.join();
    }
    if (!compacted.ok()) return "Compact(): " + compacted.ToString();
    const std::string left = Describe(Count(gone, Files(folder)));
    if (!left.empty()) return left;
    if (std::filesystem::file_size(path + "-wal") != 0) return "the log has something left";
    if (Answers(*store) != answers) return "a search answers otherwise than before the compaction";
    if (const std::string wrong = CheckLive(*store); !wrong.empty()) return wrong;
    store.reset();
    if (const std::string damage = FindDamage(path); !damage.empty()) return "damaged: " + damage;
    return "";
  }

  using MarkedPipeline = Pipeline<MemorySource&, FunctionChunker&, testing::HashEmbedder&, VectorSink&, Checkpoint&>;

  MemorySourceOptions ChooseSource(Random& random) {
    using Versions = MemorySourceOptions::Versions;
    MemorySourceOptions options;
    options.mode = random() % 2 == 0 ? MemorySourceOptions::Mode::kSnapshot : MemorySourceOptions::Mode::kFeed;
    options.versions = random() % 2 == 0 ? Versions::kToken : Versions::kTokenAndOrdinal;
    versions_ = options.versions;
    return options;
  }

  MarkedPipeline MakePipeline(sqlite::Store& store) {
    return MarkedPipeline{source_, chunker_, embedder_, store.sink(), store.checkpoint(), options_};
  }

  std::string Paragraph() {
    std::string text = std::string(kEveryText) + " " + MakeMark(random_);
    const auto words = random_() % 40 == 0 ? 20'000 : random_() % 60;
    for (std::uint64_t i = 0; i < words; ++i) text += fmt::format(" word{}", random_() % 500);
    return text + "\n\n";
  }

  void Put(const std::string& id, std::string text) {
    Metadata metadata;
    metadata["shelf"] = MakeMark(random_);
    if (random_() % 8 == 0) text += kPoison;
    source_.Put(id, std::move(text), std::move(metadata));
  }

  std::string Text() {
    std::string text;
    for (auto paragraphs = 1 + random_() % 6; paragraphs > 0; --paragraphs) text += Paragraph();
    return text;
  }

  /// Some documents come, some are replaced, edited, or given other metadata, some go.
  void Change() {
    for (auto documents = 1 + random_() % (random_() % 4 == 0 ? 300 : 30); documents > 0; --documents)
      Put("doc " + MakeMark(random_), Text());
    for (const auto& [id, document] : source_.documents()) {
      switch (random_() % 8) {
        case 0:
          Put(id, Text());
          break;
        case 1:
          Put(id, Paragraph() + document.text);
          break;
        case 2:
          source_.Put(id, document.text, {{"shelf", MakeMark(random_)}});
          break;
        case 3:
          source_.Delete(id);
          break;
        default:
          break;
      }
    }
  }

  void Delete() {
    const auto share = random_() % 3 == 0 ? 100 : 10 + random_() % 90;
    for (const auto& [id, document] : source_.documents()) {
      if (random_() % 100 < share) source_.Delete(id);
    }
  }

  std::vector<StoredRecord> Records(sqlite::Store& store) {
    std::vector<StoredRecord> records;
    const auto ids = store.sink().ListDocuments(source_.name(), "", SIZE_MAX >> 1);
    const std::vector<std::string_view> views(ids->begin(), ids->end());
    store.sink().ReadRecords(source_.name(), views, records).IgnoreError();  // what it misses is found by Verify()
    return records;
  }

  Traces TracesNow(sqlite::Store& store) {
    Traces traces;
    for (const StoredRecord& record : Records(store)) AddTraces(record, traces);
    const auto letters = store.checkpoint().ListDeadLetters(source_.name(), "", SIZE_MAX);
    for (const DeadLetter& letter : *letters) {
      AddMarks(letter.document_id, Kind::kId, traces);
      AddMarks(letter.version.token, Kind::kId, traces);
      if (!letter.document.has_value()) continue;
      AddMarks(letter.document->text, Kind::kWord, traces);
      AddMarks(letter.document->metadata, traces);
    }
    return traces;
  }

  static std::vector<std::string> Files(const TempDir& folder) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files.push_back(ReadFile(entry.path()));
    return files;
  }

  /// The ids of all records, nearest first, and those of all with one word, by rank.
  static std::vector<std::string> Answers(sqlite::Store& store) {
    std::vector<std::string> ids;
    const std::vector<float> anywhere(testing::HashEmbedderOptions().dimension, 1);
    for (const auto& query : {IndexQuery{.vector = anywhere, .text = {}, .top_k = 100'000, .mode = SearchMode::kVector},
                              IndexQuery{.vector = {}, .text = "word7", .top_k = 100'000, .mode = SearchMode::kText}}) {
      const auto hits = store.index().Search(query);
      ids.push_back(hits.status().ToString());
      for (const Hit& hit : hits.value_or(std::vector<Hit>())) ids.push_back(hit.record_id);
    }
    return ids;
  }

  /// What is live is found, sound, and not bought again; then documents come and go as ever.
  std::string CheckLive(sqlite::Store& store) {
    for (const StoredRecord& record : Records(store)) {
      const std::string mark = record.text.substr(record.text.find("mk"), kMarkBytes);
      const auto hits = store.index().Search({.vector = {}, .text = mark, .top_k = 10, .mode = SearchMode::kText});
      if (!hits.ok() || hits->size() != 1 || hits->front().record_id != record.id)
        return fmt::format("record '{}' is not found by its word", record.id);
    }
    for (const bool changed : {false, true}) {
      if (changed) Change();
      const std::uint64_t texts = embedder_.counts().texts;
      RunReport report;
      VerifyReport verified;
      MarkedPipeline pipeline = MakePipeline(store);
      if (const absl::Status status = pipeline.Run(report); !status.ok()) return "the next run: " + status.ToString();
      if (!changed && embedder_.counts().texts != texts) return "the next run embeds what is there";
      if (const absl::Status status = pipeline.Verify({}, verified); !status.ok()) return status.ToString();
      if (!verified.is_sound()) return ToText(verified);
    }
    return "";
  }

  Random random_;
  MemorySourceOptions::Versions versions_{};
  MemorySource source_;
  FunctionChunker chunker_;
  testing::HashEmbedder embedder_;
  testing::VirtualClock clock_;
  PipelineOptions options_;
  bool keeps_tombstones_ = false;
  Traces now_;
  Traces ever_;
};

/// A store on a disk in memory that is compacted, not to the end.
class BrokenCompaction {
 public:
  BrokenCompaction(std::uint64_t seed, const TempDir& folder)
      : random_(seed), path_(folder / "index.db"), left_(folder / "left.db") {}

  void Prove(const std::string& replay, Tally& tally) {
    auto opened = sqlite::Store::Open(path_);
    if (!opened.ok()) return tally.Violation(replay, opened.status().ToString());
    std::optional<sqlite::Store> store = *std::move(opened);
    for (int run = 0; run < 3; ++run) {
      for (int i = 0; i < 3; ++i) Edit(source_, random_);
      RunReport report;
      if (!Ingest(source_, store->sink(), store->checkpoint(), report).ok()) return tally.Violation(replay, "a run fails");
      const absl::StatusOr<Contents> contents = ReadContents(*store);
      if (!contents.ok()) return tally.Violation(replay, contents.status().ToString());
      now_ = *contents;
      for (const auto& [id, record] : now_.records) AddTraces(record, ever_);
    }
    const MemoryDisk::Image image = disk_.Get(path_);  // with its log, as a killed process leaves it

    std::vector<MemoryDisk::Image> cuts;
    std::uint64_t changes = 0;
    Random cut_random(random_());  // asked from the thread that writes
    disk_.before_change = [&] {
      ++changes;
      if (cut_random() % 8 == 0) cuts.push_back(disk_.CutPower(path_, cut_random));
    };
    const absl::Status status = store->Compact();
    disk_.before_change = nullptr;
    if (!status.ok()) return tally.Violation(replay, "Compact(): " + status.ToString());
    store.reset();
    for (const MemoryDisk::Image& cut : cuts) {
      tally.Case();
      disk_.Put(left_, cut);
      if (const std::string wrong = Examine(); !wrong.empty()) tally.Violation(replay, "cut off: " + wrong);
    }
    for (std::uint64_t i = 0; i < 10; ++i) {
      tally.Case();
      disk_.Put(left_, image);
      if (const std::string wrong = Break(changes); !wrong.empty()) tally.Violation(replay, "with a fault: " + wrong);
    }
  }

 private:
  std::string Break(std::uint64_t changes) {
    constexpr std::array<std::pair<unsigned, int>, 5> kFaults = {{{MemoryDisk::kWrite, SQLITE_IOERR_WRITE},
                                                                  {MemoryDisk::kWrite, SQLITE_FULL},
                                                                  {MemoryDisk::kSync, SQLITE_IOERR_FSYNC},
                                                                  {MemoryDisk::kTruncate, SQLITE_IOERR_TRUNCATE},
                                                                  {MemoryDisk::kRead, SQLITE_IOERR_READ}}};
    auto opened = sqlite::Store::Open(left_);
    if (!opened.ok()) return opened.status().ToString();
    std::optional<sqlite::Store> store = *std::move(opened);
    const auto& [operations, code] = kFaults[random_() % kFaults.size()];
    const bool is_rare = (operations & (MemoryDisk::kSync | MemoryDisk::kTruncate)) != 0;
    disk_.Fail({.operations = operations,
                .at = 1 + random_() % (is_rare ? 6 : changes),
                .lasting = random_() % 2 == 0,
                .code = code,
                .by_half = random_() % 2 == 0});
    const absl::Status status = store->Compact();
    const bool failed = disk_.failures() > 0;
    disk_.Heal();
    if (status.ok() && failed) return "Compact() says OK";
    if (!status.ok() && (status.code() == absl::StatusCode::kDataLoss || status.code() == absl::StatusCode::kUnavailable))
      return "blames something else: " + status.ToString();
    if (random_() % 2 == 0) {  // the host goes on with the store, which may ask to be opened again
      const absl::StatusOr<Contents> contents = ReadContents(*store);
      if (!contents.ok()) return contents.status().ToString();
      if (*contents != now_) return "the index is another one";
      const absl::Status again = store->Compact();
      if (again.ok()) return CheckBytes();
      if (again.code() != absl::StatusCode::kFailedPrecondition) return again.ToString();
    }
    store.reset();
    return Examine();
  }

  /// Compacts what is left.
  std::string Examine() {
    {
      auto store = sqlite::Store::Open(left_);
      if (!store.ok()) return "does not open: " + store.status().ToString();
      const absl::StatusOr<Contents> contents = ReadContents(*store);
      if (!contents.ok()) return contents.status().ToString();
      if (*contents != now_) return "the index is another one";
      if (const absl::Status status = store->Compact(); !status.ok()) return "the next Compact(): " + status.ToString();
      if (const std::string wrong = CheckBytes(); !wrong.empty()) return wrong;
      const absl::StatusOr<Contents> kept = ReadContents(*store);
      if (!kept.ok() || *kept != now_) return "the next Compact() makes it another index";
    }
    const std::string damage = FindDamage(left_);
    return damage.empty() ? "" : "damaged: " + damage;
  }

  std::string CheckBytes() {
    Traces live;
    for (const auto& [id, record] : now_.records) AddTraces(record, live);
    std::vector<std::string> files;
    for (const auto& [suffix, bytes] : disk_.Get(left_)) files.push_back(bytes);
    return Describe(Count(Without(ever_, live, true), files));
  }

  Random random_;
  const std::string path_;
  const std::string left_;
  MemoryDisk disk_;
  MemorySource source_;
  Contents now_;
  Traces ever_;
};

std::vector<Tally> Prove(const Arguments& arguments) {
  Tally erased("P20", "deleted and replaced, then Compact(): no byte of it is in any file");
  Tally beside("P20", "searches beside Compact(): every answer is that of before");
  Tally broken("P20", "Compact() is cut off or fails: the index is as before, the next one erases");
  TraceCounts before{};
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    const TempDir folder;
    std::optional<WithoutSecureDelete> careless;
    if (seed % 2 == 0) careless.emplace();
    const MarkedCorpus::Found found = MarkedCorpus(seed).Prove(folder);
    erased.Case(found.sought);
    beside.Case(found.searches);
    for (std::size_t i = 0; i < before.size(); ++i) before[i] += found.before[i];
    const std::string replay = fmt::format("--first {} --cases 1", seed);
    if (!found.wrong.empty()) erased.Violation(replay, found.wrong);
    if (!found.wrong_beside.empty()) beside.Violation(replay, found.wrong_beside);
  }
  if (arguments.cases >= 5) {  // what is never seen cannot be missed
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == 0) erased.Violation("all", fmt::format("{} was never seen before a compaction", kKinds[i]));
    }
  }
  const auto middle = std::chrono::steady_clock::now();
  erased.Spent(middle - start);
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.cases; ++seed) {
    const TempDir folder;  // of the lock files
    BrokenCompaction(seed, folder).Prove(fmt::format("--first {} --cases 1", seed), broken);
  }
  broken.Spent(std::chrono::steady_clock::now() - middle);
  return {erased, beside, broken};
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 10, ragpipe::proof::Prove); }
