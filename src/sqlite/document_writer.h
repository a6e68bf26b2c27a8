#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ragpipe/record.h"
#include "sqlite/database.h"
#include "sqlite/segments.h"
#include "sqlite/vectors.h"

namespace ragpipe::sqlite {

/// Finds the reasons for which a document is refused, before anything of the batch is written.
/// Errors: kInvalidArgument; others when the file cannot be read.
absl::Status CheckWrites(Database& db, std::size_t dimension, std::span<const DocumentWrite> writes);

/// Applies checked writes within the open transaction: rows, words, vectors and facets of a document move together.
class DocumentWriter {
 public:
  DocumentWriter(Database& db, std::size_t dimension)
      : db_(db), slots_(db, dimension), vectors_(db, dimension, Vectors::Access::kWrite) {}

  absl::Status Apply(const DocumentWrite& write);

  /// After the last Apply().
  absl::Status Finish() { return slots_.Flush(); }

 private:
  absl::StatusOr<std::optional<std::int64_t>> FindDocument(const DocumentWrite& write, std::string* metadata);
  absl::StatusOr<std::int64_t> PutDocument(const DocumentWrite& write);
  absl::Status PutRecord(std::int64_t document, const Record& record, bool with_vector);
  absl::Status DropOthers(std::int64_t document, std::span<const Record> kept);
  absl::Status DropRecord(std::int64_t slot);
  absl::Status DropDocumentIfEmpty(const DocumentWrite& write);
  absl::Status ForgetFacets(std::int64_t document, std::string_view metadata);

  Database& db_;
  SlotAllocator slots_;
  Vectors vectors_;
};

/// Drops every record, within the open transaction.
absl::Status DropAllRecords(Database& db);

}  // namespace ragpipe::sqlite
