#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/source.h"

namespace ragpipe::fs {

struct JsonlSourceOptions {
  std::string id_field = "id";      ///< a string or an integer
  std::string text_field = "text";  ///< a string
  std::vector<std::string> metadata_fields;  ///< copied when present: bool, number, string, list of strings
  std::string media_type = "text/plain";
  std::string deleted_field;     ///< when set: a line where it is true deletes the document
  std::string ordinal_field;     ///< when set: an integer >= 0 that orders the versions of one document
  std::string updated_at_field;  ///< when set: RFC 3339 text, or a number of seconds since 1970

  /// False: the file is a log; each run goes on after the last committed line, and lines once read are not read again.
  /// True: the file is the whole truth; each run reads all of it and documents that are gone from it are deleted.
  bool snapshot = false;

  std::size_t max_line_bytes = std::size_t{64} << 20;  ///< a longer line becomes a dead letter
  std::string name;  ///< Source::name(); empty = "jsonl:" + the path as given
};

/// A file of one JSON object a line. The cursor is a byte offset with the line number and a hash of the file's head, so that
/// a rotated or rewritten file is read from its beginning. A last line without its newline is left for the next run. A line
/// that is not an object with the fields above becomes a dead letter named by its line number, "line 17".
class RAGPIPE_EXPORT JsonlSource final : public Source {
 public:
  explicit JsonlSource(std::string path, JsonlSourceOptions options = {});

  std::string_view name() const override { return options_.name; }

  /// Errors: kNotFound, kPermissionDenied for the file; kInvalidArgument for options that name the same field twice.
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  std::string path_;
  JsonlSourceOptions options_;
};

}  // namespace ragpipe::fs
