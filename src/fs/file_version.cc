#include "fs/file_version.h"

#include <absl/time/clock.h>
#include <fmt/format.h>

namespace ragpipe::fs {
namespace {

constexpr absl::Duration kRacyWindow = absl::Seconds(2);  // the coarsest tick of a file system in use (FAT)

constexpr absl::Duration kTick = absl::Milliseconds(20);  // more than the longest of a kernel's clock

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

std::string VersionToken(const struct stat& file, absl::Time now) {
  const absl::Time racy_from = now - kRacyWindow;
  if (absl::TimeFromTimespec(file.st_mtim) >= racy_from || absl::TimeFromTimespec(file.st_ctim) >= racy_from) return {};
  return fmt::format("{}:{}.{:09}:{}.{:09}:{}", file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec, file.st_ctim.tv_sec,
                     file.st_ctim.tv_nsec, file.st_ino);
}

QuietStat StatWhenQuiet(int fd) {
  QuietStat file;
  for (bool waited = false;; waited = true) {
    file.ok = fstat(fd, &file.stat) == 0;
    if (!file.ok) return file;
    const absl::Duration age = absl::Now() - absl::TimeFromTimespec(file.stat.st_ctim);
    file.quiet = age >= kTick || age < absl::ZeroDuration();  // another machine's clock, ahead of ours, tells nothing
    if (file.quiet || waited) return file;
    absl::SleepFor(kTick - age);
  }
}

bool WasWritten(const struct stat& before, const struct stat& after) {
  return before.st_dev != after.st_dev || before.st_ino != after.st_ino || before.st_size != after.st_size ||
         !SameTime(before.st_mtim, after.st_mtim) || !SameTime(before.st_ctim, after.st_ctim);
}

}  // namespace ragpipe::fs
