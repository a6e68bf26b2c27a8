#pragma once

#include <absl/time/time.h>
#include <sys/stat.h>

#include <string>

namespace ragpipe::fs {

/// "size:mtime:ctime:inode", which a file that was written again does not keep. Empty when the file was written less than two
/// seconds before `now` (or after it): a second write within the same tick of the file system's clock could keep it. Take
/// `now` before the stat.
std::string VersionToken(const struct stat& file, absl::Time now);

/// Stats the open file, after a wait of some milliseconds where it was written just now: two writes within one tick of the
/// system's clock (4 to 10 ms) leave the same times, so that WasWritten() could not see the second.
struct QuietStat {
  bool ok = false;     ///< false: see errno
  bool quiet = false;  ///< false: it is still being written
  struct stat stat {};
};
QuietStat StatWhenQuiet(int fd);

/// Whether the file was written, or replaced, between the two.
bool WasWritten(const struct stat& before, const struct stat& after);

}  // namespace ragpipe::fs
