#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

namespace ragpipe::sqlite {

/// Bytes on disk of a store's database and its log; 0 when there is none.
std::uint64_t StoreBytes(const std::string& path);

/// Deletes a store's files. The caller holds its WriterLock. Connections that are open stay usable, one that is just being
/// opened finds all that was committed, or no file.
/// Errors: kUnavailable while a search keeps part of the log in use.
absl::Status RemoveStore(const std::string& path);

}  // namespace ragpipe::sqlite
