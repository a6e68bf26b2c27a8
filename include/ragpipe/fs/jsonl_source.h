#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/clock.h"
#include "ragpipe/export.h"
#include "ragpipe/source.h"

namespace ragpipe::fs {

struct JsonlSourceOptions {
  std::string id_field = "id";                    ///< a string or an integer
  std::string text_field = "text";                ///< a string
  std::vector<std::string> metadata_fields = {};  ///< copied when present: bool, number, string, list of strings; null = absent
  std::string media_type = "text/plain";
  std::string deleted_field = {};     ///< when set: a line where it is true deletes the document
  std::string ordinal_field = {};     ///< when set: an integer >= 0, in every line, that orders the versions of one document
  std::string updated_at_field = {};  ///< when set: RFC 3339 text, or a number of seconds since 1970; null or absent = unknown

  /// False: the file is a log; each run goes on after the last committed line, and lines once read are not read again.
  /// True: the file is the whole truth; each run reads all of it and documents that are gone from it are deleted. Replace such
  /// a file by renaming a finished one over it.
  bool snapshot = false;

  std::size_t max_line_bytes = std::size_t{64} << 20;  ///< a longer line becomes a dead letter
  std::string name = {};                               ///< Source::name(); empty = "jsonl:" + the path as given
  Clock* clock = nullptr;  ///< borrowed; null = SystemClock(); it tells when the deadline of Next() has come
};

/// A file of one JSON object a line, ended by LF or CR LF; blank lines and a byte order mark at the beginning are passed over.
/// A run reads what was there when it began. Every change carries its document and a token made of the line and the options.
///
/// A line that is not an object with the fields above becomes a dead letter, under its document id where that can be read, else
/// under its line number, "line 17"; the reason names the line in any case. Fields that are not named in the options are not
/// looked at.
///
/// A last line without its newline is taken when it is a whole object, which cannot be the beginning of a longer one. Else it
/// is left for the next run.
///
/// The cursor of a log is a byte offset with the line number and a hash of the file's head (up to 4096 bytes), so that a
/// rotated, truncated or rewritten file is read from its beginning. Lines that a rotation took away before a run read them
/// are not looked for.
///
/// A snapshot is incomplete, and nothing is deleted for its absence, where a line has no readable document id, the last line
/// is torn, or the file was written to while it was read.
class RAGPIPE_EXPORT JsonlSource final : public Source {
 public:
  explicit JsonlSource(std::string path, JsonlSourceOptions options = {});

  std::string_view name() const override { return options_.name; }

  /// Errors: kNotFound, kPermissionDenied for the file, kFailedPrecondition when it is no regular file; kInvalidArgument for
  /// options that give one field two roles (metadata apart) or name a metadata field twice.
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  std::string path_;
  JsonlSourceOptions options_;
};

}  // namespace ragpipe::fs
