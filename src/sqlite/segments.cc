#include "sqlite/segments.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

static_assert(std::endian::native == std::endian::little, "the file holds numbers as this machine does; add a conversion");

template <class Array>
Blob AsBlob(const Array& array) {
  return Blob{std::string_view(reinterpret_cast<const char*>(array.data()), sizeof(array))};
}

template <class Array>
bool FillFrom(std::string_view bytes, Array& array) {
  if (bytes.size() != sizeof(array)) return false;
  std::memcpy(array.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace

absl::StatusOr<std::vector<Segment>> ReadSegments(Database& db) {
  std::vector<Segment> segments;
  Statement row = db.Query("SELECT segment, documents, words FROM segments ORDER BY segment");
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return segments;
    Segment& segment = segments.emplace_back();
    segment.id = row.Int(0);
    if (!FillFrom(row.Bytes(1), segment.documents) || !FillFrom(row.Bytes(2), segment.words)) return db.Error(SQLITE_CORRUPT);
  }
}

absl::Status InsertSegment(Database& db, const Segment& segment, int live) {
  return db.Run("INSERT INTO segments(segment, live, documents, words) VALUES(?, ?, ?, ?)", segment.id, live,
                AsBlob(segment.documents), AsBlob(segment.words));
}

absl::StatusOr<std::int64_t> SlotAllocator::Allocate(std::int64_t document) {
  RAGPIPE_ASSIGN_OR_RETURN(Loaded* const loaded, LoadOneWithRoom());
  auto& documents = loaded->segment.documents;
  const auto free = std::find(documents.begin(), documents.end(), 0);
  *free = document;
  loaded->changed = true;
  if (++loaded->live == kSegmentRows) with_room_.reset();
  return loaded->segment.id * kSegmentRows + (free - documents.begin());
}

absl::Status SlotAllocator::SetWords(std::int64_t slot, std::uint32_t words) {
  RAGPIPE_ASSIGN_OR_RETURN(Loaded* const loaded, Load(slot / kSegmentRows));
  loaded->segment.words[static_cast<std::size_t>(slot % kSegmentRows)] = words;
  loaded->changed = true;
  return absl::OkStatus();
}

absl::Status SlotAllocator::Release(std::int64_t slot) {
  RAGPIPE_ASSIGN_OR_RETURN(Loaded* const loaded, Load(slot / kSegmentRows));
  const auto row = static_cast<std::size_t>(slot % kSegmentRows);
  if (loaded->segment.documents[row] == 0) return db_.Error(SQLITE_CORRUPT);
  loaded->segment.documents[row] = 0;
  loaded->segment.words[row] = 0;
  loaded->changed = true;
  --loaded->live;
  return absl::OkStatus();
}

absl::Status SlotAllocator::Flush() {
  for (const auto& [id, loaded] : loaded_) {
    if (loaded.live == 0) {
      RAGPIPE_RETURN_IF_ERROR(db_.Run("DELETE FROM segments WHERE segment = ?", id));
      RAGPIPE_RETURN_IF_ERROR(db_.Run("DELETE FROM vectors WHERE segment = ?", id));
    } else if (loaded.changed) {
      RAGPIPE_RETURN_IF_ERROR(db_.Run("UPDATE segments SET live = ?, documents = ?, words = ? WHERE segment = ?", loaded.live,
                                      AsBlob(loaded.segment.documents), AsBlob(loaded.segment.words), id));
    }
  }
  loaded_.clear();
  with_room_.reset();
  return absl::OkStatus();
}

absl::StatusOr<SlotAllocator::Loaded*> SlotAllocator::Load(std::int64_t id) {
  const auto [position, inserted] = loaded_.try_emplace(id);
  Loaded& loaded = position->second;
  if (!inserted) return &loaded;
  loaded.segment.id = id;
  Statement row = db_.Query("SELECT live, documents, words FROM segments WHERE segment = ?", id);
  RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found || !FillFrom(row.Bytes(1), loaded.segment.documents) || !FillFrom(row.Bytes(2), loaded.segment.words)) {
    return db_.Error(SQLITE_CORRUPT);
  }
  const auto& documents = loaded.segment.documents;
  loaded.live = static_cast<int>(kSegmentRows - std::count(documents.begin(), documents.end(), 0));
  if (loaded.live != row.Int(0)) return db_.Error(SQLITE_CORRUPT);
  return &loaded;
}

absl::StatusOr<SlotAllocator::Loaded*> SlotAllocator::LoadOneWithRoom() {
  if (with_room_.has_value()) return Load(*with_room_);
  for (auto& [id, loaded] : loaded_) {
    if (loaded.live < kSegmentRows) {
      with_room_ = id;
      return &loaded;
    }
  }
  RAGPIPE_RETURN_IF_ERROR(Flush());  // the loaded ones are full: let the database know
  {
    Statement row = db_.Query("SELECT segment FROM segments WHERE live < 256 ORDER BY segment LIMIT 1");
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) with_room_ = row.Int(0);
  }
  if (!with_room_.has_value()) {
    RAGPIPE_ASSIGN_OR_RETURN(with_room_, Append());
  }
  return Load(*with_room_);
}

absl::StatusOr<std::int64_t> SlotAllocator::Append() {
  std::int64_t id = 0;
  {
    Statement last = db_.Query("SELECT coalesce(max(segment) + 1, 0) FROM segments");
    RAGPIPE_RETURN_IF_ERROR(last.Next().status());
    id = last.Int(0);
  }
  RAGPIPE_RETURN_IF_ERROR(InsertSegment(db_, {.id = id}, 0));
  RAGPIPE_RETURN_IF_ERROR(db_.Run("INSERT INTO vectors(segment, data) VALUES(?, zeroblob(?))", id, SegmentBytes(dimension_)));
  return id;
}

}  // namespace ragpipe::sqlite
