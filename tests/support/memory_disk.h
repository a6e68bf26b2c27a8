#pragma once

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// A disk in memory that is SQLite's default VFS while it lives. It knows what was synced and what was only written, fails when
/// told to, and may be small.
///
/// When the power goes, everything synced is there, and of the rest anything: each sector as it was at some moment since, each
/// name with the file it had at some moment since. After a failed sync nothing that it should have written is ever written by a
/// later one, though reads still show it: the system takes the pages for clean (A. Rebello et al., "Can Applications Recover
/// from fsync Failures?", USENIX ATC 2020). Locks and shared memory are those of one process.
/// Threading: from any thread. Lifetime: one at a time; longer than the connections opened on it.
class MemoryDisk {
 public:
  /// May be combined with |.
  enum Operation : unsigned {
    kOpen = 1U << 0,
    kRead = 1U << 1,
    kWrite = 1U << 2,
    kTruncate = 1U << 3,
    kSync = 1U << 4,
    kDelete = 1U << 5,
    kStat = 1U << 6,
    kLock = 1U << 7,
    kMapShared = 1U << 8,
    kLockShared = 1U << 9,
  };

  struct Fault {
    unsigned operations = 0;
    std::uint64_t at = 1;  ///< the first of these operations that fails, from 1
    bool lasting = false;  ///< all later ones fail, too
    int code = 0;          ///< SQLite's result code
    bool by_half = false;  ///< a write writes half of its bytes before it fails
  };

  /// Bytes of a database, its log and its journal, by what their names have after its path: "", "-wal", "-journal".
  using Image = std::map<std::string, std::string>;

  MemoryDisk();
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  /// What could be left of a database if the power went now.
  Image CutPower(const std::string& path, std::mt19937_64& random) const;

  /// Writes such files, durably, in the place of what has these names. None may be open.
  void Put(const std::string& path, const Image& image);

  /// The files as a reader sees them.
  Image Get(const std::string& path) const;

  void Fail(const Fault& fault);
  void Pause(bool paused);             ///< no fault and no quota meanwhile, nothing is counted
  void Heal();                         ///< no fault, no quota
  std::uint64_t matching() const;      ///< operations since Fail() that the fault could have hit
  std::uint64_t failures() const;      ///< operations that the fault or the quota hit
  std::uint64_t failed_syncs() const;  ///< among them

  /// Nothing works any more, whatever else fails: connections that close now leave the files as a killed process does.
  void Freeze(bool frozen);

  /// Of all named files together: a write beyond is cut there and fails with SQLITE_FULL.
  void SetQuota(std::size_t bytes);
  std::size_t most_bytes() const;  ///< that named files ever had together

  /// Connections opened from now on copy the write-ahead log back after so many pages, whatever they ask for; 0 = as they ask.
  void CheckpointEvery(int pages);

  /// Called before each change of a named file or of a name, by the thread that makes it: where only one connection writes, one
  /// at a time. Set it while no connection is busy.
  std::function<void()> before_change;

 private:
  struct Inode;
  struct File;
  struct Write;
  struct Methods;  // what SQLite calls
  using InodePtr = std::shared_ptr<Inode>;

  // Of one name, since the folder was last synced.
  struct Renaming {
    std::string name;
    InodePtr inode;  // null = deleted
  };

  bool Has(const char* name) const;
  int Hit(Operation operation);  // the fault's code, or SQLITE_OK
  std::size_t BytesUsed() const;
  void SyncFolder();

  mutable std::mutex mutex_;  // guards all below and the inodes
  std::map<std::string, InodePtr> names_;
  std::map<std::string, InodePtr> durable_names_;
  std::vector<Renaming> renamings_;
  std::optional<Fault> fault_;
  bool paused_ = false;
  bool frozen_ = false;
  std::uint64_t matching_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t failed_syncs_ = 0;
  std::optional<std::size_t> quota_;
  std::size_t most_bytes_ = 0;
  sqlite3_vfs* system_;  // for time and randomness
  sqlite3_vfs vfs_{};
};
