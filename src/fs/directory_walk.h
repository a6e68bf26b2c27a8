#pragma once

#include <absl/status/status.h>
#include <dirent.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fs/glob.h"
#include "fs/unique_fd.h"

namespace ragpipe::fs {

struct WalkOptions {
  GlobSet include;
  GlobSet exclude;  ///< what matches is left out, a directory with all below it
  bool hidden = false;
  bool follow_symlinks = false;
  bool binary = false;  ///< also files whose extension is of a well-known binary format
};

/// Visits the regular files below a directory: in each directory by name in byte order, a directory in its place. Holds at
/// most some tens of descriptors open, at any depth. Devices, sockets and pipes are never opened.
class DirectoryWalk {
 public:
  enum class Step { kFile, kOther, kEnd };

  /// `root` is an open directory.
  DirectoryWalk(UniqueFd root, WalkOptions options);

  /// Visits one entry. After kFile, path() and stat() tell of the file.
  Step Next();

  std::string_view path() const { return path_; }
  const struct stat& stat() const { return stat_; }
  int root() const { return root_.get(); }

  /// OK, or what could not be listed so far: how many places, and the first of them with the reason.
  absl::Status Holes() const;

 private:
  struct Entry {
    std::size_t name = 0;  // offset in `names`
    unsigned char type = DT_UNKNOWN;
  };

  // A directory that is being listed.
  struct Frame {
    UniqueFd fd;  // closed while the walk is far below
    dev_t device = 0;
    ino_t inode = 0;
    std::size_t path_size = 0;  // of its path with the '/' at its end
    GlobSet::State include;     // after that path
    GlobSet::State exclude;
    std::string names;  // each ends with NUL
    std::vector<Entry> entries;
    std::size_t next = 0;
  };

  Step VisitEntry(Frame& frame, const char* name, unsigned char type);
  Step VisitFile(const Frame& frame, const char* name, bool has_stat);
  void EnterDirectory(const Frame& parent, const char* name);
  void ReadEntries(Frame& frame);
  bool IsAncestor(const struct stat& directory) const;
  bool ReopenTop();
  UniqueFd OpenDirectory(int parent, const char* name) const;
  void AddHole(std::string_view path, int error);

  const UniqueFd root_;
  const WalkOptions options_;
  std::vector<Frame> frames_;
  std::string path_;
  struct stat stat_ {};
  GlobSet::State scratch_;

  std::size_t holes_ = 0;
  int first_error_ = 0;
  std::string first_holes_;
};

}  // namespace ragpipe::fs
