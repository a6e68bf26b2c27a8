#pragma once

#include <absl/status/status.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Reads and writes rows of the packed vectors in place, without moving the rest of their segment.
/// Lifetime: used within one transaction of `db`.
class Vectors {
 public:
  enum class Access { kRead, kWrite };

  Vectors(Database& db, std::size_t dimension, Access access) : db_(db), dimension_(dimension), access_(access) {}
  Vectors(const Vectors&) = delete;
  Vectors& operator=(const Vectors&) = delete;
  ~Vectors() { sqlite3_blob_close(blob_); }

  /// Fills `out` with whole rows, from this slot on.
  absl::Status Read(std::int64_t slot, std::span<float> out);
  absl::Status Write(std::int64_t slot, std::span<const float> vector);

 private:
  absl::Status MoveTo(std::int64_t segment);
  int OffsetOf(std::int64_t slot) const;

  Database& db_;
  const std::size_t dimension_;
  const Access access_;
  sqlite3_blob* blob_ = nullptr;
  std::int64_t segment_ = -1;
};

}  // namespace ragpipe::sqlite
