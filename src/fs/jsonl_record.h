#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fs/jsonl_fields.h"
#include "core/fingerprint.h"
#include "ragpipe/fs/jsonl_source.h"
#include "ragpipe/source.h"

namespace ragpipe::fs {

struct JsonlRecord {
  bool is_object = false;  ///< the line is one JSON object, which cannot be the beginning of a longer one
  absl::Status status;     ///< why the line is no change; without text of the line
  Change change;           ///< complete when the status is OK; else it has the document id where that is known
};

/// Errors: kInvalidArgument for a field in two roles, or a required one without a name.
absl::Status CheckFields(const JsonlSourceOptions& options);

/// Makes changes of lines.
class JsonlRecordReader {
 public:
  explicit JsonlRecordReader(const JsonlSourceOptions& options);

  JsonlRecord Read(std::string_view line);

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::size_t Index(const std::string& field);
  absl::Status FieldError(std::size_t field, std::string_view wanted) const;
  absl::Status TakeId(Change& change);
  absl::Status TakeKind(Change& change) const;
  absl::Status TakeOrdinal(Change& change) const;
  absl::Status TakeUpdatedAt(Change& change) const;
  absl::Status TakeMetadata(Metadata& metadata) const;
  absl::Status TakeChange(std::string_view line, Change& change);

  const std::string media_type_;
  std::vector<std::string> names_;
  std::size_t id_, text_, deleted_, ordinal_, updated_at_;  // in `names_`, or kNone
  std::vector<std::size_t> metadata_;
  internal::Fingerprint reading_;   // of what decides how a line is read
  std::vector<FieldValue> values_;  // of the line at hand, as `names_`
};

}  // namespace ragpipe::fs
