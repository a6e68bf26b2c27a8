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

struct DirectorySourceOptions {
  /// Globs on the path below the root, with '/' between parts: `*` and `?` stay within one part, `**` alone between slashes
  /// is any number of parts, `[a-z]` and `[!a-z]` are sets, `{md,txt}` alternatives, `docs/` is `docs/**`, and `\` takes the
  /// special meaning of the next character.
  std::vector<std::string> include = {"**"};
  std::vector<std::string> exclude = {};  ///< wins over include; a glob that matches a directory excludes all below it
  bool hidden = false;                    ///< also files and directories whose name begins with '.'

  /// To files and directories, wherever they lead; a directory already on the path is not entered again, and a link to
  /// nothing is no file. When false no link is followed, but the root itself may be one.
  bool follow_symlinks = false;

  /// Also files that are named as images, audio, video, archives, programs, PDF or office files, fonts, databases or model
  /// weights: text is never in them, so each would become a dead letter. When false they are passed over, as if excluded.
  bool binary = false;

  std::size_t max_file_bytes = std::size_t{64} << 20;  ///< a larger file becomes a dead letter, unread
  std::string name = {};   ///< Source::name(); empty = "fs:" + the root as given, without slashes at its end
  Clock* clock = nullptr;  ///< borrowed; null = SystemClock(); it tells which files are too new for a version token
};

/// The files below a directory, in a fixed order. A document's id is its path below the root; metadata: "path", and "title" is
/// left to the chunker. The media type comes from the extension: "text/plain" where it is unknown. The text is the bytes of the
/// file, a byte order mark included.
/// Each run lists the whole tree and reads only what changed: the version token is made of size, mtime, ctime (in nanoseconds)
/// and inode, and left empty for a file written within two seconds of the listing, which is then read and compared by content
/// (the "racy" rule of Git's index, Documentation/technical/racy-git.txt).
/// What cannot be read is never taken for a deletion: an unreadable directory makes the snapshot incomplete, an unreadable,
/// oversized or ever-changing file, or one whose path is not UTF-8 or is longer than an id, becomes a dead letter. Bodies are
/// read by the engine's workers. Devices, sockets and pipes are not opened.
class RAGPIPE_EXPORT DirectorySource final : public Source {
 public:
  explicit DirectorySource(std::string root, DirectorySourceOptions options = {});

  std::string_view name() const override { return options_.name; }

  /// Errors: kNotFound, kPermissionDenied for the root, kFailedPrecondition when it is no directory; kInvalidArgument for a
  /// glob that does not parse or can never match, and for an empty root or include.
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

 private:
  std::string root_;
  DirectorySourceOptions options_;
};

}  // namespace ragpipe::fs
