#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// Rows in a segment: few enough that a scan passes over little that is dead, many enough that rows cost nothing.
inline constexpr std::int64_t kSegmentRows = 256;

constexpr std::size_t SegmentBytes(std::size_t dimension) { return std::size_t{kSegmentRows} * dimension * sizeof(float); }

/// Who owns the rows of a segment.
struct Segment {
  std::int64_t id = 0;
  std::array<std::int64_t, kSegmentRows> documents{};  ///< documents.id; 0 = free
  std::array<std::uint32_t, kSegmentRows> words{};     ///< words of the record
};

/// All of them, in order.
absl::StatusOr<std::vector<Segment>> ReadSegments(Database& db);

/// Adds a segment without its vectors. `live`: how many of its rows are owned.
absl::Status InsertSegment(Database& db, const Segment& segment, int live);

/// Gives slots to records and takes them back. What it changed is in the database after Flush().
class SlotAllocator {
 public:
  SlotAllocator(Database& db, std::size_t dimension) : db_(db), dimension_(dimension) {}

  /// A free slot: of the first segment that has one, so that holes close, else of a new segment.
  absl::StatusOr<std::int64_t> Allocate(std::int64_t document);
  absl::Status SetWords(std::int64_t slot, std::uint32_t words);
  absl::Status Release(std::int64_t slot);

  /// Segments without a record go.
  absl::Status Flush();

 private:
  struct Loaded {
    Segment segment;
    int live = 0;
    bool changed = false;
  };

  absl::StatusOr<Loaded*> Load(std::int64_t id);
  absl::StatusOr<Loaded*> LoadOneWithRoom();
  absl::StatusOr<std::int64_t> Append();

  Database& db_;
  const std::size_t dimension_;
  std::map<std::int64_t, Loaded> loaded_;
  std::optional<std::int64_t> with_room_;
};

}  // namespace ragpipe::sqlite
