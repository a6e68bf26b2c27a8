#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/stored_record.h"
#include "sqlite/database.h"
#include "sqlite/vectors.h"

// What is stored, for Verify().
namespace ragpipe::sqlite {

/// As VectorSink::ListDocuments().
absl::StatusOr<std::vector<std::string>> ListStoredDocuments(Database& db, std::string_view source, std::string_view after,
                                                             std::size_t limit);

/// Reads the records of documents within one transaction of `db`.
class StoredRecordReader {
 public:
  StoredRecordReader(Database& db, std::size_t dimension)
      : db_(db), dimension_(dimension), vectors_(db, dimension, Vectors::Access::kRead) {}

  /// Appends the records of the document.
  absl::Status Read(std::string_view source, std::string_view document_id, std::vector<StoredRecord>& out);

 private:
  Database& db_;
  const std::size_t dimension_;
  Vectors vectors_;
};

}  // namespace ragpipe::sqlite
