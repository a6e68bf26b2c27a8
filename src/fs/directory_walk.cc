#include "fs/directory_walk.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "fs/media_type.h"
#include "fs/printable_path.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kMaxOpenDirectories = 32;
constexpr std::size_t kMaxNamedHoles = 3;
constexpr int kMoved = ESTALE;  // the directory at the path is another one now

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

unsigned char TypeOf(const struct stat& file) {
  if (S_ISREG(file.st_mode)) return DT_REG;
  if (S_ISDIR(file.st_mode)) return DT_DIR;
  if (S_ISLNK(file.st_mode)) return DT_LNK;
  return DT_FIFO;  // or anything else that is passed over
}

}  // namespace

DirectoryWalk::DirectoryWalk(UniqueFd root, WalkOptions options) : root_(std::move(root)), options_(std::move(options)) {
  Frame frame;
  frame.fd = UniqueFd(fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  struct stat stat {};
  if (!frame.fd.ok() || fstat(frame.fd.get(), &stat) != 0) {
    AddHole(".", errno);
    return;
  }
  frame.device = stat.st_dev;
  frame.inode = stat.st_ino;
  frame.include = options_.include.Start();
  frame.exclude = options_.exclude.Start();
  ReadEntries(frame);
  frames_.push_back(std::move(frame));
}

DirectoryWalk::Step DirectoryWalk::Next() {
  if (frames_.empty()) return Step::kEnd;
  Frame& top = frames_.back();
  path_.resize(top.path_size);
  if (top.next == top.entries.size() || (!top.fd.ok() && !ReopenTop())) {
    frames_.pop_back();
    return Step::kOther;
  }
  const Entry entry = top.entries[top.next++];
  return VisitEntry(top, top.names.c_str() + entry.name, entry.type);
}

DirectoryWalk::Step DirectoryWalk::VisitEntry(Frame& frame, const char* name, unsigned char type) {
  if (!GlobSet::IsDead(frame.exclude)) {
    scratch_ = frame.exclude;
    options_.exclude.Advance(scratch_, name);
    if (options_.exclude.Accepts(scratch_)) return Step::kOther;
  }
  bool has_stat = false;
  if (type == DT_UNKNOWN || (type == DT_LNK && options_.follow_symlinks)) {
    if (fstatat(frame.fd.get(), name, &stat_, options_.follow_symlinks ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
      // Gone, or a symbolic link to nothing or to itself.
      if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR) AddHole(path_ + name, errno);
      return Step::kOther;
    }
    type = TypeOf(stat_);
    has_stat = true;
  }
  if (type == DT_REG) return VisitFile(frame, name, has_stat);
  if (type == DT_DIR) EnterDirectory(frame, name);
  return Step::kOther;
}

DirectoryWalk::Step DirectoryWalk::VisitFile(const Frame& frame, const char* name, bool has_stat) {
  if (!options_.binary && MediaTypeOf(name).empty()) return Step::kOther;
  if (!options_.include.AcceptsEverythingBelow(frame.include)) {
    scratch_ = frame.include;
    options_.include.Advance(scratch_, name);
    if (!options_.include.Accepts(scratch_)) return Step::kOther;
  }
  if (!has_stat && fstatat(frame.fd.get(), name, &stat_, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) AddHole(path_ + name, errno);
    return Step::kOther;
  }
  if (!S_ISREG(stat_.st_mode)) return Step::kOther;  // replaced since the directory was read
  path_ += name;
  return Step::kFile;
}

void DirectoryWalk::EnterDirectory(const Frame& parent, const char* name) {
  Frame frame;
  frame.include = parent.include;
  frame.exclude = parent.exclude;
  options_.exclude.Advance(frame.exclude, name);
  options_.exclude.Advance(frame.exclude, "/");
  if (options_.exclude.AcceptsEverythingBelow(frame.exclude)) return;
  options_.include.Advance(frame.include, name);
  options_.include.Advance(frame.include, "/");
  if (GlobSet::IsDead(frame.include)) return;

  path_ += name;
  struct stat stat {};
  frame.fd = OpenDirectory(parent.fd.get(), name);
  if (!frame.fd.ok() || fstat(frame.fd.get(), &stat) != 0) {
    if (errno != ENOENT) AddHole(path_, errno);
    return;
  }
  if (options_.follow_symlinks && IsAncestor(stat)) return;
  frame.device = stat.st_dev;
  frame.inode = stat.st_ino;
  path_ += '/';
  frame.path_size = path_.size();
  ReadEntries(frame);
  if (frames_.size() >= kMaxOpenDirectories) frames_[frames_.size() - kMaxOpenDirectories].fd.Reset();
  frames_.push_back(std::move(frame));
}

void DirectoryWalk::ReadEntries(Frame& frame) {
  const int fd = fcntl(frame.fd.get(), F_DUPFD_CLOEXEC, 0);  // the frame keeps its own for what is below
  const std::unique_ptr<DIR, CloseDirectory> directory(fd < 0 ? nullptr : fdopendir(fd));
  if (directory == nullptr) {
    AddHole(path_, errno);
    if (fd >= 0) close(fd);
    return;
  }
  while (true) {
    errno = 0;
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (name.front() == '.' && !options_.hidden)) continue;
    frame.entries.push_back({frame.names.size(), entry->d_type});
    frame.names.append(name.data(), name.size() + 1);
  }
  if (errno != 0) AddHole(path_, errno);
  std::sort(frame.entries.begin(), frame.entries.end(), [names = frame.names.c_str()](const Entry& a, const Entry& b) {
    return std::strcmp(names + a.name, names + b.name) < 0;
  });
}

bool DirectoryWalk::IsAncestor(const struct stat& directory) const {
  return std::any_of(frames_.begin(), frames_.end(), [&directory](const Frame& frame) {
    return frame.device == directory.st_dev && frame.inode == directory.st_ino;
  });
}

/// Opens the directory on top again, from the root on, and with it those that are needed next.
bool DirectoryWalk::ReopenTop() {
  const std::size_t first_kept = frames_.size() - std::min(frames_.size(), kMaxOpenDirectories);
  UniqueFd current(fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    Frame& frame = frames_[i];
    if (i > 0) {
      const std::size_t begin = frames_[i - 1].path_size;
      const std::string name = path_.substr(begin, frame.path_size - 1 - begin);
      UniqueFd child = OpenDirectory(i > first_kept ? frames_[i - 1].fd.get() : current.get(), name.c_str());
      current = std::move(child);
    }
    struct stat stat {};
    if (!current.ok() || fstat(current.get(), &stat) != 0) {
      AddHole(path_, errno);
      return false;
    }
    if (stat.st_dev != frame.device || stat.st_ino != frame.inode) {
      AddHole(path_, kMoved);
      return false;
    }
    if (i >= first_kept) frame.fd = std::move(current);
  }
  return true;
}

UniqueFd DirectoryWalk::OpenDirectory(int parent, const char* name) const {
  return UniqueFd(
      openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (options_.follow_symlinks ? 0 : O_NOFOLLOW)));
}

void DirectoryWalk::AddHole(std::string_view path, int error) {
  if (holes_ == 0) first_error_ = error;
  if (++holes_ > kMaxNamedHoles) return;
  fmt::format_to(std::back_inserter(first_holes_), "{}'{}' ({})", holes_ == 1 ? "" : ", ",
                 path.empty() ? "." : PrintablePath(path), std::generic_category().message(error));
}

absl::Status DirectoryWalk::Holes() const {
  if (holes_ == 0) return absl::OkStatus();
  const std::string more = holes_ > kMaxNamedHoles ? fmt::format(" and {} more", holes_ - kMaxNamedHoles) : "";
  const std::string message =
      fmt::format("{} {} could not be listed: {}{}", holes_, holes_ == 1 ? "place" : "places", first_holes_, more);
  return absl::Status(absl::ErrnoToStatusCode(first_error_), message);
}

}  // namespace ragpipe::fs
