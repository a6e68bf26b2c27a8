#include "proof/kill_points.h"

#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace ragpipe::proof {
namespace {

using testing::Call;
using Kind = KillPoint::Kind;

constexpr KillPoint Before(Call call, const char* name) { return {Kind::kBeforeStage, call, {}, name}; }
constexpr KillPoint After(Call call, const char* name) { return {Kind::kAfterStage, call, {}, name}; }
constexpr KillPoint File(FileCall call, const char* name) { return {Kind::kFile, {}, call, name}; }

constexpr std::array kPoints = {
    Before(Call::kStreamChanges, "StreamChanges"),
    After(Call::kStreamChanges, "StreamChanges"),
    Before(Call::kNext, "Next"),
    After(Call::kNext, "Next"),
    Before(Call::kLoad, "Load"),
    After(Call::kLoad, "Load"),
    Before(Call::kSplit, "Split"),
    After(Call::kSplit, "Split"),
    Before(Call::kFindVectors, "FindVectors"),
    After(Call::kFindVectors, "FindVectors"),
    Before(Call::kEmbed, "Embed"),
    After(Call::kEmbed, "Embed"),
    Before(Call::kEnsureCollection, "EnsureCollection"),
    After(Call::kEnsureCollection, "EnsureCollection"),
    Before(Call::kWrite, "Write"),
    After(Call::kWrite, "Write"),
    Before(Call::kFlush, "Flush"),
    After(Call::kFlush, "Flush"),
    Before(Call::kCommit, "Commit"),
    After(Call::kCommit, "Commit"),
    Before(Call::kAcknowledge, "Acknowledge"),
    After(Call::kAcknowledge, "Acknowledge"),
    Before(Call::kFindEntries, "FindEntries"),
    After(Call::kFindEntries, "FindEntries"),
    Before(Call::kListDocuments, "ListDocuments"),
    After(Call::kListDocuments, "ListDocuments"),
    Before(Call::kListDeadLetters, "ListDeadLetters"),
    Before(Call::kLoadCursors, "LoadCursors"),
    Before(Call::kLoadRecipe, "LoadRecipe"),
    File(FileCall::kOpen, "open"),
    File(FileCall::kWrite, "write"),
    File(FileCall::kSync, "sync"),
    File(FileCall::kTruncate, "truncate"),
    File(FileCall::kDelete, "delete"),
    File(FileCall::kLock, "lock"),
    File(FileCall::kSharedMemory, "shared memory"),
    KillPoint(),
};

struct Watch {
  FileCall call = FileCall::kOpen;
  int hit = 0;
  std::array<std::atomic<int>, 7> counts{};
};

Watch& TheWatch() {
  static Watch watch;
  return watch;
}

/// Counts the call. True = this is the one to die at.
bool IsTheOne(FileCall call) {
  Watch& watch = TheWatch();
  const int count = ++watch.counts[static_cast<std::size_t>(call)];
  return call == watch.call && count == watch.hit;
}

void Pass(FileCall call) {
  if (IsTheOne(call)) Die();
}

/// SQLite's file, with that of the system's VFS behind it in memory.
struct WatchedFile {
  sqlite3_file base;

  static sqlite3_file* Real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<WatchedFile*>(file) + 1);
  }
};

constexpr sqlite3_io_methods kMethods = {
    2,  // of the interface: with shared memory, without mapped files
    [](sqlite3_file* file) { return WatchedFile::Real(file)->pMethods->xClose(WatchedFile::Real(file)); },
    [](sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
      return WatchedFile::Real(file)->pMethods->xRead(WatchedFile::Real(file), bytes, count, offset);
    },
    [](sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
      sqlite3_file* const real = WatchedFile::Real(file);
      if (IsTheOne(FileCall::kWrite)) {
        real->pMethods->xWrite(real, bytes, count / 2, offset);
        Die();
      }
      return real->pMethods->xWrite(real, bytes, count, offset);
    },
    [](sqlite3_file* file, sqlite3_int64 size) {
      Pass(FileCall::kTruncate);
      return WatchedFile::Real(file)->pMethods->xTruncate(WatchedFile::Real(file), size);
    },
    [](sqlite3_file* file, int flags) {
      Pass(FileCall::kSync);
      return WatchedFile::Real(file)->pMethods->xSync(WatchedFile::Real(file), flags);
    },
    [](sqlite3_file* file, sqlite3_int64* size) {
      return WatchedFile::Real(file)->pMethods->xFileSize(WatchedFile::Real(file), size);
    },
    [](sqlite3_file* file, int level) {
      Pass(FileCall::kLock);
      return WatchedFile::Real(file)->pMethods->xLock(WatchedFile::Real(file), level);
    },
    [](sqlite3_file* file, int level) {
      Pass(FileCall::kLock);
      return WatchedFile::Real(file)->pMethods->xUnlock(WatchedFile::Real(file), level);
    },
    [](sqlite3_file* file, int* reserved) {
      return WatchedFile::Real(file)->pMethods->xCheckReservedLock(WatchedFile::Real(file), reserved);
    },
    [](sqlite3_file* file, int operation, void* argument) {
      return WatchedFile::Real(file)->pMethods->xFileControl(WatchedFile::Real(file), operation, argument);
    },
    [](sqlite3_file* file) { return WatchedFile::Real(file)->pMethods->xSectorSize(WatchedFile::Real(file)); },
    [](sqlite3_file* file) { return WatchedFile::Real(file)->pMethods->xDeviceCharacteristics(WatchedFile::Real(file)); },
    [](sqlite3_file* file, int page, int bytes, int extend, void volatile** memory) {
      Pass(FileCall::kSharedMemory);
      return WatchedFile::Real(file)->pMethods->xShmMap(WatchedFile::Real(file), page, bytes, extend, memory);
    },
    [](sqlite3_file* file, int offset, int count, int flags) {
      Pass(FileCall::kSharedMemory);
      return WatchedFile::Real(file)->pMethods->xShmLock(WatchedFile::Real(file), offset, count, flags);
    },
    [](sqlite3_file* file) {
      Pass(FileCall::kSharedMemory);
      WatchedFile::Real(file)->pMethods->xShmBarrier(WatchedFile::Real(file));
    },
    [](sqlite3_file* file, int remove) {
      Pass(FileCall::kSharedMemory);
      return WatchedFile::Real(file)->pMethods->xShmUnmap(WatchedFile::Real(file), remove);
    },
    nullptr,
    nullptr,
};

sqlite3_vfs* RealVfs(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

}  // namespace

std::string ToString(const KillPoint& point) {
  switch (point.kind) {
    case Kind::kBeforeStage:
      return fmt::format("before {}", point.name);
    case Kind::kAfterStage:
      return fmt::format("after {}", point.name);
    case Kind::kFile:
      return fmt::format("in SQLite's {}", point.name);
    case Kind::kTime:
      break;
  }
  return point.name;
}

std::span<const KillPoint> KillPoints() { return kPoints; }

void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

void WatchFileCalls(FileCall call, int hit) {
  TheWatch().call = call;
  TheWatch().hit = hit;
  sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs watched = *real;
  watched.zName = "watched";
  watched.pAppData = real;
  watched.szOsFile = static_cast<int>(sizeof(WatchedFile)) + real->szOsFile;
  watched.xOpen = [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    Pass(FileCall::kOpen);
    sqlite3_file* const real_file = WatchedFile::Real(file);
    const int code = RealVfs(vfs)->xOpen(RealVfs(vfs), name, real_file, flags, out_flags);
    file->pMethods = real_file->pMethods != nullptr ? &kMethods : nullptr;
    return code;
  };
  watched.xDelete = [](sqlite3_vfs* vfs, const char* name, int sync_folder) {
    Pass(FileCall::kDelete);
    return RealVfs(vfs)->xDelete(RealVfs(vfs), name, sync_folder);
  };
  sqlite3_vfs_register(&watched, 1);
}

int CountOf(FileCall call) { return TheWatch().counts[static_cast<std::size_t>(call)]; }

}  // namespace ragpipe::proof
