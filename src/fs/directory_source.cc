#include "ragpipe/fs/directory_source.h"

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "fs/directory_walk.h"
#include "fs/file_version.h"
#include "fs/glob.h"
#include "fs/media_type.h"
#include "fs/printable_path.h"
#include "fs/read_file.h"
#include "fs/unique_fd.h"
#include "ragpipe/clock.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kMaxIdBytes = 4096;
constexpr std::size_t kMaxEvents = 256;      // of one call of Next()
constexpr std::size_t kEntriesASlice = 256;  // between two looks at the clock

class DirectoryStream final : public ChangeStream {
 public:
  DirectoryStream(UniqueFd root, WalkOptions walk, const ReadFileOptions& read)
      : listed_at_(read.clock->Now()), read_(read), walk_(std::move(root), std::move(walk)) {}

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    const std::size_t limit = out.size() + kMaxEvents;
    const std::size_t before = out.size();
    while (!ended_) {  // a slice at least: the deadline may have passed already
      for (std::size_t i = 0; i < kEntriesASlice && out.size() < limit && !ended_; ++i) Visit(out);
      if (out.size() != before || read_.clock->Now() >= deadline) break;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Document> Load(const Change& change) override {
    RAGPIPE_ASSIGN_OR_RETURN(FileContent content, ReadFileAt(walk_.root(), change.document_id, read_));
    Document document;
    document.id = change.document_id;
    document.text = std::move(content.bytes);
    const std::string_view media_type = MediaTypeOf(change.document_id);
    document.media_type = media_type.empty() ? "application/octet-stream" : media_type;
    document.metadata.emplace("path", change.document_id);
    document.version.token = VersionToken(content.stat, content.read_at);
    document.updated_at = absl::TimeFromTimespec(content.stat.st_mtim);
    return document;
  }

 private:
  void Visit(std::vector<Event>& out) {
    switch (walk_.Next()) {
      case DirectoryWalk::Step::kFile:
        out.push_back(ToEvent());
        break;
      case DirectoryWalk::Step::kOther:
        break;
      case DirectoryWalk::Step::kEnd:
        if (absl::Status holes = walk_.Holes(); holes.ok()) {
          out.emplace_back(SnapshotComplete{});
        } else {
          out.emplace_back(SnapshotIncomplete{.partition = "", .reason = std::move(holes)});
        }
        out.emplace_back(EndOfFeed{});
        ended_ = true;
        break;
    }
  }

  Event ToEvent() const {
    const std::string_view path = walk_.path();
    if (path.size() > kMaxIdBytes) {
      return Bad(fmt::format("the path has {} bytes; a document id has at most {}. Move the file up or exclude it", path.size(),
                             kMaxIdBytes));
    }
    if (internal::FindInvalidUtf8(path) != std::string_view::npos) {
      return Bad("the path is not UTF-8, which a document id must be. Rename the file or exclude it");
    }
    const struct stat& file = walk_.stat();
    Change change;
    change.document_id = path;
    change.version.token = VersionToken(file, listed_at_);
    change.updated_at = absl::TimeFromTimespec(file.st_mtim);
    change.size_hint = static_cast<std::size_t>(file.st_size);
    return change;
  }

  Event Bad(const std::string& why) const {
    return BadChange{PlaceName(walk_.path()), absl::InvalidArgumentError(why), "", ""};
  }

  const absl::Time listed_at_;  // before the first stat
  const ReadFileOptions read_;
  DirectoryWalk walk_;
  bool ended_ = false;
};

absl::StatusOr<UniqueFd> OpenRoot(const std::string& root) {
  if (root.empty()) return absl::InvalidArgumentError("the root directory is empty; the current directory is '.'");
  const int fd = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return UniqueFd(fd);
  const int error = errno;
  const std::string message =
      fmt::format("the root directory '{}' cannot be opened: {}", PrintablePath(root), std::generic_category().message(error));
  return absl::Status(error == ENOTDIR ? absl::StatusCode::kFailedPrecondition : absl::ErrnoToStatusCode(error), message);
}

}  // namespace

DirectorySource::DirectorySource(std::string root, DirectorySourceOptions options)
    : root_(std::move(root)), options_(std::move(options)) {
  if (options_.name.empty()) {
    const std::size_t last = root_.find_last_not_of('/');
    options_.name = "fs:" + (last == std::string::npos ? root_ : root_.substr(0, last + 1));
  }
}

absl::StatusOr<std::unique_ptr<ChangeStream>> DirectorySource::StreamChanges(std::span<const PartitionCursor> /*since*/) {
  if (options_.include.empty()) return absl::InvalidArgumentError("include is empty: nothing would be listed; use '**'");
  WalkOptions walk;
  RAGPIPE_ASSIGN_OR_RETURN(walk.include, GlobSet::Compile(options_.include));
  RAGPIPE_ASSIGN_OR_RETURN(walk.exclude, GlobSet::Compile(options_.exclude));
  walk.hidden = options_.hidden;
  walk.follow_symlinks = options_.follow_symlinks;
  walk.binary = options_.binary;
  RAGPIPE_ASSIGN_OR_RETURN(UniqueFd root, OpenRoot(root_));
  const ReadFileOptions read{.follow_symlinks = options_.follow_symlinks,
                             .max_bytes = options_.max_file_bytes,
                             .clock = options_.clock != nullptr ? options_.clock : &SystemClock()};
  return std::make_unique<DirectoryStream>(std::move(root), std::move(walk), read);
}

}  // namespace ragpipe::fs
