#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace ragpipe::sqlite {

/// Makes sure that a file has one writer, among all processes and within this one. The lock is on a file of its own: opening
/// and closing the database file itself would drop the locks that SQLite holds on it.
class WriterLock {
 public:
  /// Takes "PATH-lock" at once, or kUnavailable that names the holder's process.
  static absl::StatusOr<WriterLock> Acquire(const std::string& path);

  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  explicit WriterLock(int file) : file_(file) {}
  int file_;
};

}  // namespace ragpipe::sqlite
