#pragma once

#include <string>

namespace ragpipe {

using Cursor = std::string;     ///< a source's own resume position; bytes that nobody else reads
using Partition = std::string;  ///< "" where a source has one only

struct PartitionCursor {
  Partition partition;
  Cursor cursor;

  friend bool operator==(const PartitionCursor&, const PartitionCursor&) = default;
};

}  // namespace ragpipe
