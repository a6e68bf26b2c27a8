#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ragpipe::proof {

/// What a process saw that read the index while others wrote it and died.
struct ReaderNotes {
  std::uint64_t reads = 0;
  std::vector<std::string> violations;  ///< a document that was not whole, or a read that failed
};

/// The body of the reader: opens the index, searches, lists and closes until it gets SIGTERM. It makes the file "reading" when
/// it begins. `arguments`: folder and seed.
int RunReader(const std::vector<std::string>& arguments);

/// Reads what a reader wrote down before it ended.
ReaderNotes TakeReaderNotes(const std::filesystem::path& folder);

}  // namespace ragpipe::proof
