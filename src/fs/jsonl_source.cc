#include "ragpipe/fs/jsonl_source.h"

#include <absl/status/status.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "fs/file_version.h"
#include "fs/jsonl_cursor.h"
#include "fs/jsonl_record.h"
#include "fs/line_reader.h"
#include "fs/printable_path.h"
#include "fs/unique_fd.h"
#include "ragpipe/clock.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kMaxEvents = 256;                      // of one call of Next() ...
constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 20;  // ... or sooner, after so many bytes of lines
constexpr std::size_t kStepsASlice = 16;                     // between two looks at the clock

struct OpenFile {
  UniqueFd fd;
  struct stat stat {};
  bool quiet = true;  // nobody was writing to it when it was opened
  std::string head;   // its first kMaxHeadBytes
};

class JsonlStream final : public ChangeStream {
 public:
  JsonlStream(OpenFile file, const JsonlCursor& start, const JsonlSourceOptions& options)
      : file_(std::move(file)),
        lines_(start.lines),
        read_to_(start.offset),
        snapshot_(options.snapshot),
        max_line_bytes_(options.max_line_bytes),
        clock_(options.clock != nullptr ? *options.clock : SystemClock()),
        records_(options),
        reader_(file_.fd.get(), start.offset, static_cast<std::uint64_t>(file_.stat.st_size), options.max_line_bytes) {
    if (file_.head.size() == kMaxHeadBytes) head_hash_ = HeadHash(file_.head);
  }

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    const std::size_t before = out.size();
    const std::uint64_t start = read_to_;
    auto is_full = [&] { return out.size() - before >= kMaxEvents || (out.size() != before && read_to_ - start >= kMaxBytes); };
    while (!ended_) {  // a slice at least: the deadline may have passed already
      for (std::size_t i = 0; i < kStepsASlice && !is_full() && !ended_; ++i) RAGPIPE_RETURN_IF_ERROR(Step(out));
      if (is_full() || clock_.Now() >= deadline) break;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Step(std::vector<Event>& out) {
    LineReader::Line line;
    RAGPIPE_ASSIGN_OR_RETURN(const LineReader::Result result, reader_.Next(line));
    switch (result) {
      case LineReader::Result::kLine:
        TakeLine(line, out);
        break;
      case LineReader::Result::kPart:
        break;
      case LineReader::Result::kEnd:
        End(out);
        break;
    }
    return absl::OkStatus();
  }

  void TakeLine(const LineReader::Line& line, std::vector<Event>& out) {
    const std::uint64_t number = lines_ + 1;
    const std::uint64_t before = read_to_;
    read_to_ = line.end;
    if (line.has_newline) ++lines_;
    if (line.is_too_long) {
      // Without its newline it is met again by the next run, which then knows where it ends.
      if (!line.has_newline) read_to_ = before;
      out.push_back(Bad(
          number, "", fmt::format("it has more than {} bytes; raise max_line_bytes or divide the document", max_line_bytes_)));
      return;
    }
    std::string_view text = line.bytes;
    if (line.begin == 0 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;

    JsonlRecord record = records_.Read(text);
    if (!line.has_newline && !record.is_object) {
      AddHole("the last line is torn: it has no newline and is no whole object");
    } else if (!record.status.ok()) {
      out.push_back(Bad(number, std::move(record.change.document_id), std::string(record.status.message())));
    } else {
      record.change.resume_after = ResumeAfter();
      out.emplace_back(std::move(record.change));
    }
  }

  Event Bad(std::uint64_t line, std::string document_id, std::string_view why) {
    const std::string place = fmt::format("line {}", line);
    if (document_id.empty()) {
      document_id = place;
      AddHole(fmt::format("{} has no document id that can be read", place));
    }
    return BadChange{std::move(document_id), absl::InvalidArgumentError(fmt::format("{}: {}", place, why)), "", ResumeAfter()};
  }

  Cursor ResumeAfter() const {
    if (snapshot_) return {};
    JsonlCursor cursor{.offset = read_to_, .lines = lines_, .head_hash = head_hash_};
    if (cursor.HeadBytes() < kMaxHeadBytes) {
      cursor.head_hash = HeadHash(std::string_view(file_.head).substr(0, cursor.HeadBytes()));
    }
    return EncodeCursor(cursor);
  }

  void AddHole(std::string_view hole) {
    if (holes_++ == 0) first_hole_ = hole;
  }

  void End(std::vector<Event>& out) {
    ended_ = true;
    if (snapshot_) {
      struct stat now {};
      // Not its ctime: another file renamed over it leaves what was read whole.
      if (!file_.quiet || fstat(file_.fd.get(), &now) != 0 || now.st_size != file_.stat.st_size ||
          now.st_mtim.tv_sec != file_.stat.st_mtim.tv_sec || now.st_mtim.tv_nsec != file_.stat.st_mtim.tv_nsec) {
        AddHole("the file was written to while it was read; replace it by renaming a finished file over it");
      }
      if (holes_ == 0) {
        out.emplace_back(SnapshotComplete{});
      } else {
        const std::string more = holes_ > 1 ? fmt::format("; and {} more", holes_ - 1) : "";
        out.emplace_back(SnapshotIncomplete{.partition = "", .reason = absl::DataLossError(first_hole_ + more)});
      }
    }
    out.emplace_back(EndOfFeed{});
  }

  const OpenFile file_;
  std::uint64_t lines_;    // newlines before `read_to_`
  std::uint64_t read_to_;  // the end of the last line that was taken
  const bool snapshot_;
  const std::size_t max_line_bytes_;
  Clock& clock_;
  JsonlRecordReader records_;
  LineReader reader_;
  std::string head_hash_;  // where the file has a whole head
  std::size_t holes_ = 0;
  std::string first_hole_;
  bool ended_ = false;
};

absl::StatusOr<OpenFile> Open(const std::string& path, bool snapshot) {
  auto failed = [&path](absl::StatusCode code, std::string_view why) {
    return absl::Status(code, fmt::format("'{}' cannot be read: {}", PrintablePath(path), why));
  };
  OpenFile file;
  file.fd = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));  // a pipe must not hold us
  if (!file.fd.ok() || fstat(file.fd.get(), &file.stat) != 0) {
    return failed(absl::ErrnoToStatusCode(errno), std::generic_category().message(errno));
  }
  if (!S_ISREG(file.stat.st_mode)) return failed(absl::StatusCode::kFailedPrecondition, "it is no regular file");
  if (snapshot) {  // a log may grow meanwhile
    const QuietStat quiet = StatWhenQuiet(file.fd.get());
    if (!quiet.ok) return failed(absl::ErrnoToStatusCode(errno), std::generic_category().message(errno));
    file.stat = quiet.stat;
    file.quiet = quiet.quiet;
  }
  const auto size = static_cast<std::size_t>(file.stat.st_size);
  RAGPIPE_ASSIGN_OR_RETURN(file.head, ReadAt(file.fd.get(), 0, std::min(kMaxHeadBytes, size)));
  return file;
}

/// Where to begin: at the cursor when it is of this file, else at the beginning.
JsonlCursor StartOf(const OpenFile& file, std::span<const PartitionCursor> since) {
  const auto found =
      std::find_if(since.begin(), since.end(), [](const PartitionCursor& cursor) { return cursor.partition.empty(); });
  if (found == since.end()) return {};
  const std::optional<JsonlCursor> cursor = DecodeCursor(found->cursor);
  if (!cursor.has_value() || cursor->offset > static_cast<std::uint64_t>(file.stat.st_size)) return {};
  if (cursor->head_hash != HeadHash(std::string_view(file.head).substr(0, cursor->HeadBytes()))) return {};
  return *cursor;
}

}  // namespace

JsonlSource::JsonlSource(std::string path, JsonlSourceOptions options) : path_(std::move(path)), options_(std::move(options)) {
  if (options_.name.empty()) options_.name = "jsonl:" + path_;
}

absl::StatusOr<std::unique_ptr<ChangeStream>> JsonlSource::StreamChanges(std::span<const PartitionCursor> since) {
  RAGPIPE_RETURN_IF_ERROR(CheckFields(options_));
  RAGPIPE_ASSIGN_OR_RETURN(OpenFile file, Open(path_, options_.snapshot));
  const JsonlCursor start = options_.snapshot ? JsonlCursor() : StartOf(file, since);
  return std::make_unique<JsonlStream>(std::move(file), start, options_);
}

}  // namespace ragpipe::fs
