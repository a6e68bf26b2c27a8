#include "sqlite/store_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "core/status_macros.h"
#include "sqlite/database.h"
#include "sqlite/write_ahead_log.h"

namespace ragpipe::sqlite {
namespace {

// A reader that opens the database between its deletion and that of its log must not miss what is only in the log.
absl::Status MoveLogIntoFile(const std::string& path) {
  absl::StatusOr<Database> db = Database::Open(path, Database::Access::kReadWriteCreate);
  if (!db.ok() || !absl::IsUnavailable(EmptyLog(*db))) return absl::OkStatus();  // nobody can read what is damaged
  return absl::UnavailableError(fmt::format("'{}' is being read; delete it when the searches in it have ended", path));
}

}  // namespace

std::uint64_t StoreBytes(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

absl::Status RemoveStore(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) RAGPIPE_RETURN_IF_ERROR(MoveLogIntoFile(path));
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    std::filesystem::remove(path + suffix, error);
    if (error) return absl::FailedPreconditionError(fmt::format("'{}{}' cannot be deleted: {}", path, suffix, error.message()));
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::sqlite
