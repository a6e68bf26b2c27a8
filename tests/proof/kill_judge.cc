#include "proof/kill_judge.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "core/status_macros.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"

namespace ragpipe::proof {
namespace {

/// The first column of the last row.
absl::StatusOr<std::string> RunSql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string result;
  int code = sqlite3_open(path.c_str(), &db);
  if (code == SQLITE_OK) {
    code = sqlite3_exec(
        db, sql.c_str(),
        [](void* out, int, char** columns, char**) {
          *static_cast<std::string*>(out) = columns[0] != nullptr ? columns[0] : "";
          return 0;
        },
        &result, nullptr);
  }
  const std::string message = sqlite3_errmsg(db);
  sqlite3_close(db);
  if (code != SQLITE_OK) return absl::DataLossError(fmt::format("{}: {}", sql, message));
  return result;
}

absl::Status CopyStore(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* suffix : {"", "-wal", "-journal"}) {
    std::error_code error;
    std::filesystem::remove(to.string() + suffix, error);
    if (std::filesystem::exists(from.string() + suffix)) {
      std::filesystem::copy_file(from.string() + suffix, to.string() + suffix, error);
      if (error) return absl::InternalError(error.message());
    }
  }
  return absl::OkStatus();
}

/// The full-text check writes, so it is made in a copy.
absl::Status CheckSound(const std::filesystem::path& store) {
  const std::filesystem::path copy = store.parent_path() / "sound.db";
  RAGPIPE_RETURN_IF_ERROR(CopyStore(store, copy));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string verdict, RunSql(copy, "PRAGMA integrity_check"));
  if (verdict != "ok") return absl::DataLossError("integrity_check: " + verdict);
  return RunSql(copy, "INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1)").status();
}

absl::Status ReadRecords(const std::filesystem::path& path, const KillModel& model, KilledContents& contents) {
  auto index = sqlite::OpenIndex(path);
  if (absl::IsNotFound(index.status())) return absl::OkStatus();
  RAGPIPE_RETURN_IF_ERROR(index.status());
  RAGPIPE_RETURN_IF_ERROR(CheckSound(path));

  testing::HashEmbedder embedder;
  std::vector<float> query(embedder.dimension(), 0.25F);  // a unit vector
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Hit> hits,
                           (*index)->Search({.vector = query, .text = {}, .top_k = 1'000'000, .mode = SearchMode::kVector}));
  RAGPIPE_ASSIGN_OR_RETURN(contents.documents, model.VersionsIn(hits));
  for (const Hit& hit : hits) {
    std::vector<float> vector(query.size());
    const std::string_view text = hit.text;
    EmbedRequest request;
    request.texts = {&text, 1};
    RAGPIPE_RETURN_IF_ERROR(embedder.Embed(request, vector));
    double product = 0;
    for (const float x : vector) product += 0.25 * x;
    if (std::abs(product - hit.vector_score) > 1e-4) {
      return absl::InternalError(fmt::format("a chunk of {} has another text's vector", hit.document_id));
    }
    contents.texts.insert(hit.text.substr(0, hit.text.find(',')));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const std::string rows,
                           RunSql(path,
                                  "SELECT (SELECT count(*) FROM records) || ' ' || (SELECT count(*) FROM documents) || ' ' ||"
                                  " (SELECT coalesce(sum(live), 0) FROM segments)"));
  const std::string expected = fmt::format("{} {} {}", hits.size(), contents.documents.size(), hits.size());
  if (rows != expected) {
    return absl::InternalError(fmt::format("records, documents and rows in use are {}, a search finds {}", rows, expected));
  }
  return absl::OkStatus();
}

absl::Status ReadLedger(const std::filesystem::path& path, std::string_view source, KilledContents& contents) {
  auto checkpoint = sqlite::OpenCheckpoint(path);
  if (absl::IsNotFound(checkpoint.status())) return absl::OkStatus();
  RAGPIPE_RETURN_IF_ERROR(checkpoint.status());
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, (*checkpoint)->ListDocuments(source, "", 1'000'000));
  const std::vector<std::string_view> views(ids.begin(), ids.end());
  std::vector<std::optional<LedgerEntry>> entries;
  RAGPIPE_RETURN_IF_ERROR((*checkpoint)->FindEntries(source, views, entries));
  for (const auto& entry : entries) contents.ledger[entry.value().document_id] = entry->version.token;
  return absl::OkStatus();
}

/// Brings the folder of documents to the end of the history.
void WriteLastStep(const ChildTask& task, const KillModel& model) {
  if (task.source != SourceKind::kFolder) return;
  const std::filesystem::path documents = task.folder / "documents";
  for (const KillModel::Change& change : model.steps().back()) {
    std::filesystem::create_directories((documents / change.id).parent_path());
    if (change.version.has_value()) {
      std::ofstream(documents / change.id, std::ios::binary) << model.TextOf(change.id, *change.version);
    } else {
      std::filesystem::remove(documents / change.id);
    }
  }
}

std::string Describe(const std::map<std::string, int>& is, const std::map<std::string, int>& should_be) {
  std::string text;
  for (const auto& [id, version] : should_be) {
    const auto found = is.find(id);
    if (found == is.end()) text += fmt::format(" {} is lost;", id);
    if (found != is.end() && found->second != version) text += fmt::format(" {} is v{}, not v{};", id, found->second, version);
  }
  for (const auto& [id, version] : is) {
    if (!should_be.contains(id)) text += fmt::format(" {} is an orphan;", id);
  }
  return text;
}

}  // namespace

KillModel Grow(ChildTask& task, char change) {
  task.history += change;
  KillModel model(task.seed, task.history);
  WriteLastStep(task, model);
  return model;
}

absl::StatusOr<KilledContents> ReadContents(const ChildTask& task, const KillModel& model, Where where) {
  std::filesystem::path index = task.folder / "index.db";
  std::filesystem::path ledger = task.stores == Stores::kTwo ? task.folder / "ledger.db" : index;
  if (where == Where::kInCopy) {
    RAGPIPE_RETURN_IF_ERROR(CopyStore(index, task.folder / "index-copy.db"));
    RAGPIPE_RETURN_IF_ERROR(CopyStore(ledger, task.folder / "ledger-copy.db"));
    index = task.folder / "index-copy.db";
    ledger = task.folder / "ledger-copy.db";
  }
  KilledContents contents;
  RAGPIPE_RETURN_IF_ERROR(ReadRecords(index, model, contents));
  RAGPIPE_RETURN_IF_ERROR(ReadLedger(ledger, task.source == SourceKind::kFeed ? "memory" : "folder", contents));
  if (task.stores == Stores::kTwo && !contents.ledger.empty()) RAGPIPE_RETURN_IF_ERROR(CheckSound(ledger));
  return contents;
}

absl::Status CheckLeft(const ChildTask& task, const absl::StatusOr<KilledContents>& left, const ChildJournal& journal,
                       const std::map<std::string, int>& before, const KillModel& model) {
  RAGPIPE_RETURN_IF_ERROR(left.status());
  const std::map<std::string, int>& after = model.versions();
  auto version_in = [](const std::map<std::string, int>& versions, const std::string& id) {
    const auto found = versions.find(id);
    return found == versions.end() ? -1 : found->second;
  };
  std::set<std::string> ids;
  for (const auto* versions : {&before, &after, &left->documents}) {
    for (const auto& [id, version] : *versions) ids.insert(id);
  }
  for (const std::string& id : ids) {
    const int is = version_in(left->documents, id);
    if (is != version_in(before, id) && is != version_in(after, id)) {
      return absl::InternalError(fmt::format("{} is v{}, which is neither the old nor the new version", id, is));
    }
    if (task.stores == Stores::kTwo) continue;
    const auto entry = left->ledger.find(id);
    if ((entry != left->ledger.end()) != (is >= 0) ||
        (is >= 0 && task.source == SourceKind::kFeed && entry->second != fmt::format("v{}", is))) {
      return absl::InternalError(fmt::format("{} is v{} in the index, and another version in the ledger", id, is));
    }
  }
  for (const std::string& id : journal.committed) {
    if (version_in(left->documents, id) != version_in(after, id)) {
      return absl::DataLossError(fmt::format("{} was committed and is v{}", id, version_in(left->documents, id)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDone(const ChildTask& task, const absl::StatusOr<KilledContents>& done, const KillModel& model) {
  RAGPIPE_RETURN_IF_ERROR(done.status());
  if (done->documents != model.versions()) return absl::InternalError(Describe(done->documents, model.versions()));
  for (const auto& [id, token] : done->ledger) {
    const auto found = model.versions().find(id);
    if (found == model.versions().end()) return absl::InternalError(id + " is in the ledger still");
    if (task.source == SourceKind::kFeed && token != fmt::format("v{}", found->second)) {
      return absl::InternalError(fmt::format("{} is {} in the ledger", id, token));
    }
  }
  if (done->ledger.size() != model.versions().size()) return absl::InternalError("the ledger lost a document");
  return absl::OkStatus();
}

}  // namespace ragpipe::proof
