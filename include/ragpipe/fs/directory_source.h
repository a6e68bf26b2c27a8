#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/source.h"

namespace ragpipe::fs {

struct DirectorySourceOptions {
  /// Globs on the path below the root, with '/' between parts: `*` and `?` stay within one part, `**` crosses parts,
  /// `[a-z]` is a set, `{md,txt}` alternatives.
  std::vector<std::string> include = {"**"};
  std::vector<std::string> exclude;
  bool hidden = false;           ///< also files and directories whose name begins with '.'
  bool follow_symlinks = false;  ///< to files and directories; a directory already on the path is not entered again
  std::size_t max_file_bytes = std::size_t{64} << 20;  ///< a larger file becomes a dead letter, unread
  std::string name;  ///< Source::name(); empty = "fs:" + the root as given
};

/// The files below a directory. A document's id is its path below the root; metadata: "path", and "title" is left to the
/// chunker. Each run lists the whole tree and reads only what changed: the version token is made of size, mtime, ctime (in
/// nanoseconds) and inode, and left empty for a file written within two seconds of the listing, which is then read and
/// compared by content (the "racy" rule of Git's index, Documentation/technical/racy-git.txt).
/// What cannot be read is never taken for a deletion: an unreadable directory makes the snapshot incomplete, an unreadable,
/// oversized or ever-changing file, or one whose name is not UTF-8, becomes a dead letter. Bodies are read by the engine's workers.
class RAGPIPE_EXPORT DirectorySource final : public Source {
 public:
  explicit DirectorySource(std::string root, DirectorySourceOptions options = {});

  std::string_view name() const override { return options_.name; }

  /// Errors: kNotFound or kPermissionDenied for the root; kInvalidArgument for a glob that does not parse.
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  std::string root_;
  DirectorySourceOptions options_;
};

}  // namespace ragpipe::fs
