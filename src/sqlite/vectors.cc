#include "sqlite/vectors.h"

#include "core/status_macros.h"
#include "sqlite/segments.h"

namespace ragpipe::sqlite {

absl::Status Vectors::Read(std::int64_t slot, std::span<float> out) {
  RAGPIPE_RETURN_IF_ERROR(MoveTo(slot / kSegmentRows));
  return db_.Error(sqlite3_blob_read(blob_, out.data(), static_cast<int>(out.size_bytes()), OffsetOf(slot)));
}

absl::Status Vectors::Write(std::int64_t slot, std::span<const float> vector) {
  RAGPIPE_RETURN_IF_ERROR(MoveTo(slot / kSegmentRows));
  return db_.Error(sqlite3_blob_write(blob_, vector.data(), static_cast<int>(vector.size_bytes()), OffsetOf(slot)));
}

absl::Status Vectors::MoveTo(std::int64_t segment) {
  if (segment == segment_) return absl::OkStatus();
  segment_ = -1;
  const int code = blob_ != nullptr ? sqlite3_blob_reopen(blob_, segment)
                                    : sqlite3_blob_open(db_.handle(), "main", "vectors", "data", segment,
                                                        access_ == Access::kWrite ? 1 : 0, &blob_);
  if (code == SQLITE_OK && sqlite3_blob_bytes(blob_) != static_cast<int>(SegmentBytes(dimension_)))
    return db_.Error(SQLITE_CORRUPT);
  // "No such row" is a plain SQLITE_ERROR; every segment that the directory names has one.
  RAGPIPE_RETURN_IF_ERROR(db_.Error(code == SQLITE_ERROR ? SQLITE_CORRUPT : code));
  segment_ = segment;
  return absl::OkStatus();
}

int Vectors::OffsetOf(std::int64_t slot) const {
  return static_cast<int>(static_cast<std::size_t>(slot % kSegmentRows) * dimension_ * sizeof(float));
}

}  // namespace ragpipe::sqlite
