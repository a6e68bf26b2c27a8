#include "sqlite/store_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "core/status_macros.h"
#include "sqlite/database.h"

namespace ragpipe::sqlite {
namespace {

// A reader that opens the database between its deletion and that of its log must not miss what is only in the log.
absl::Status EmptyLog(const std::string& path) {
  absl::StatusOr<Database> db = Database::Open(path, Database::Access::kReadWriteCreate);
  if (!db.ok()) return absl::OkStatus();  // damaged: nobody can open it
  const absl::StatusOr<std::int64_t> busy = db->ReadInt("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy.ok() || *busy == 0) return absl::OkStatus();
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
  if (std::filesystem::exists(path, error)) RAGPIPE_RETURN_IF_ERROR(EmptyLog(path));
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    std::filesystem::remove(path + suffix, error);
    if (error) return absl::FailedPreconditionError(fmt::format("'{}{}' cannot be deleted: {}", path, suffix, error.message()));
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::sqlite
