#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ragpipe::proof {

enum class SourceKind { kFolder, kFeed };
enum class Stores { kOne, kTwo };  ///< one file for records and ledger, or a file for each

/// What a child is to do: one run of the pipeline over the documents of a history, and where to die.
struct ChildTask {
  std::filesystem::path folder;  ///< index.db, ledger.db, documents/, journal
  std::uint64_t seed = 0;
  std::string history;
  SourceKind source = SourceKind::kFeed;
  Stores stores = Stores::kOne;
  std::size_t point = 0;  ///< in KillPoints()
  int hit = 0;            ///< 0 = do not die
};

/// What a child did, as it wrote it down while it lived. Each line is in the file before the next step begins.
struct ChildJournal {
  std::vector<std::string> loaded;     ///< document ids
  std::vector<std::string> embedded;   ///< texts
  std::vector<std::string> committed;  ///< document ids, after Commit() had returned OK
  std::vector<int> calls;              ///< of each point, from a child that ended by itself
};

std::vector<std::string> ToArguments(const ChildTask& task);

/// The body of the child. Returns what main() returns: 0 when the run ended well and complete.
int RunChild(const std::vector<std::string>& arguments);

/// Reads what the last child wrote down, and removes it.
ChildJournal TakeJournal(const std::filesystem::path& folder);

/// Documents the pipeline may hold at once under the child's memory budget, and so the most that a resume reads again.
inline constexpr std::size_t kMostDocumentsInFlight = 16;

}  // namespace ragpipe::proof
