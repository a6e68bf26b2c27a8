#include "proof/kill_reader.h"

#include <absl/status/status.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "proof/kill_model.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"

namespace ragpipe::proof {
namespace {

volatile std::sig_atomic_t must_end = 0;

absl::Status Read(Index& index, Checkpoint& checkpoint, const KillModel& model) {
  std::vector<float> vector(testing::HashEmbedder().dimension(), 0.25F);
  for (const SearchMode mode : {SearchMode::kVector, SearchMode::kText}) {
    const auto hits = index.Search({.vector = vector, .text = "common", .top_k = 1'000'000, .mode = mode});
    if (!hits.ok()) return hits.status();
    if (const auto versions = model.VersionsIn(*hits); !versions.ok()) return versions.status();
  }
  for (const std::string_view source : {"memory", "folder"}) {
    if (const auto ids = checkpoint.ListDocuments(source, "", 1000); !ids.ok()) return ids.status();
  }
  return absl::OkStatus();
}

}  // namespace

int RunReader(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) return 2;
  signal(SIGTERM, [](int) { must_end = 1; });
  const std::filesystem::path folder = arguments[0];
  const std::string path = folder / "index.db";
  const KillModel model(std::stoull(arguments[1]), "");
  std::ofstream(folder / "reading").close();
  ReaderNotes notes;
  for (int opened = 0; must_end == 0; ++opened) {
    auto index = sqlite::OpenIndex(path);
    auto checkpoint = sqlite::OpenCheckpoint(path);
    absl::Status status = index.ok() ? checkpoint.status() : index.status();
    // Often once, so that the writer is alone when it closes; sometimes with a connection that lives through a kill.
    const int reads = opened % 4 == 0 ? 20 : 1;
    for (int i = 0; status.ok() && i < reads && must_end == 0; ++i) {
      status = Read(**index, **checkpoint, model);
      if (status.ok()) ++notes.reads;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!status.ok() && !absl::IsNotFound(status)) notes.violations.push_back(status.ToString());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  std::ofstream file(folder / "reader");
  file << notes.reads << '\n';
  for (const std::string& violation : notes.violations) file << violation << '\n';
  return file.good() ? 0 : 1;
}

ReaderNotes TakeReaderNotes(const std::filesystem::path& folder) {
  ReaderNotes notes;
  std::ifstream file(folder / "reader");
  if (!(file >> notes.reads)) notes.violations.push_back("the reader wrote nothing down");
  file.ignore();
  for (std::string line; std::getline(file, line);) notes.violations.push_back(line);
  return notes;
}

}  // namespace ragpipe::proof
