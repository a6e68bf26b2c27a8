#include "support/memory_disk.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <unordered_map>
#include <utility>

namespace {

constexpr std::size_t kRegionBytes = 32768;  // what SQLite maps of shared memory at once
constexpr int kMaxPath = 1024;

std::atomic<int> checkpoint_pages{0};

int OnOpen(sqlite3* db, char**, const sqlite3_api_routines*) {
  if (const int pages = checkpoint_pages; pages > 0) sqlite3_wal_autocheckpoint(db, pages);
  return SQLITE_OK;
}

bool Coin(std::mt19937_64& random) { return random() % 2 == 0; }

}  // namespace

// A change of a file's bytes that is not durable, or was made after one that is not.
struct MemoryDisk::Write {
  enum class Fate { kDirty, kLost, kSynced };  // lost: in memory only, and no sync will write it

  bool truncate = false;
  std::size_t offset = 0;  // the new size of a truncation
  std::string bytes;
  Fate fate = Fate::kDirty;
};

struct MemoryDisk::Inode {
  std::string bytes;  // as read
  std::string durable;
  std::vector<Write> writes;  // what leads from durable to bytes
  std::vector<File*> files;   // open ones
  std::vector<std::unique_ptr<std::array<char, kRegionBytes>>> shared_memory;

  void Apply(Write write) {
    if (write.truncate) {
      bytes.resize(std::min(bytes.size(), write.offset));
    } else {
      bytes.resize(std::max(bytes.size(), write.offset + write.bytes.size()));
      bytes.replace(write.offset, write.bytes.size(), write.bytes);
    }
    writes.push_back(std::move(write));
  }

  void Sync(bool failed) {
    bool lost = false;
    for (Write& write : writes) {
      if (write.fate == Write::Fate::kDirty) write.fate = failed ? Write::Fate::kLost : Write::Fate::kSynced;
      lost = lost || write.fate == Write::Fate::kLost;
    }
    if (lost) return;
    durable = bytes;
    writes.clear();
  }

  std::string CutPower(std::mt19937_64& random) const {
    enum { kNothing, kEverything, kPrefix, kSectors };
    const auto how = random() % 4;
    const std::size_t sector_bytes = Coin(random) ? 512 : 4096;
    const std::size_t prefix = random() % (writes.size() + 1);
    const bool garbage = Coin(random);  // in sectors that belong to the file and were never written
    std::unordered_map<std::size_t, std::size_t> moments;
    auto survives = [&](std::size_t i, std::size_t sector) {
      if (writes[i].fate == Write::Fate::kSynced || how == kEverything) return true;
      if (how == kNothing) return false;
      if (how == kPrefix) return i < prefix || (i == prefix && Coin(random));  // the last one is torn
      return i < moments.try_emplace(sector, random() % (writes.size() + 1)).first->second;
    };
    std::string left = durable;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      const Write& write = writes[i];
      if (write.truncate) {
        if (survives(i, std::string::npos)) left.resize(std::min(left.size(), write.offset));
        continue;
      }
      const std::size_t end = write.offset + write.bytes.size();
      for (std::size_t begin = write.offset; begin < end;) {
        const std::size_t stop = std::min(end, (begin / sector_bytes + 1) * sector_bytes);
        if (survives(i, begin / sector_bytes)) {
          while (left.size() < begin) left += garbage ? static_cast<char>(random()) : '\0';
          left.resize(std::max(left.size(), stop));
          left.replace(begin, stop - begin, write.bytes, begin - write.offset, stop - begin);
        }
        begin = stop;
      }
    }
    return left;
  }
};

struct MemoryDisk::File : sqlite3_file {
  MemoryDisk* disk = nullptr;
  InodePtr inode;
  bool named = false;
  bool syncs_folder = false;  // with the first sync, as SQLite's own VFS for a log or journal that may be new
  int lock = SQLITE_LOCK_NONE;
  bool maps_shared_memory = false;
  unsigned shared_locks = 0;
  unsigned exclusive_locks = 0;
};

struct MemoryDisk::Methods {
  static MemoryDisk& Disk(sqlite3_vfs* vfs) { return *static_cast<MemoryDisk*>(vfs->pAppData); }
  static File& From(sqlite3_file* file) { return *static_cast<File*>(file); }

  static void Announce(const File& file) {
    if (file.named && file.disk->before_change) file.disk->before_change();
  }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* out_flags) {
    MemoryDisk& disk = Disk(vfs);
    out->pMethods = nullptr;
    if (name != nullptr && (flags & SQLITE_OPEN_CREATE) != 0 && disk.before_change && !disk.Has(name)) disk.before_change();
    const std::lock_guard guard(disk.mutex_);
    if (const int code = disk.Hit(kOpen); code != SQLITE_OK) return code;
    InodePtr inode;
    bool created = name == nullptr;
    if (name != nullptr) {
      const auto found = disk.names_.find(name);
      if (found != disk.names_.end()) {
        inode = found->second;
      } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
        return SQLITE_CANTOPEN;
      } else {
        created = true;
      }
    }
    if (created) {
      inode = std::make_shared<Inode>();
      if (name != nullptr) {
        disk.names_[name] = inode;
        disk.renamings_.push_back({name, inode});
      }
    }
    File* const file = new (out) File();
    file->disk = &disk;
    file->inode = std::move(inode);
    file->named = name != nullptr;
    file->syncs_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    file->inode->files.push_back(file);
    file->pMethods = &kFileMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    MemoryDisk& disk = Disk(vfs);
    if (disk.before_change) disk.before_change();
    const std::lock_guard guard(disk.mutex_);
    if (const int code = disk.Hit(kDelete); code != SQLITE_OK) return code;
    if (disk.names_.erase(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
    disk.renamings_.push_back({name, nullptr});
    if (sync_folder != 0) disk.SyncFolder();
    return SQLITE_OK;
  }

  static int Access(sqlite3_vfs* vfs, const char* name, int what, int* out) {
    MemoryDisk& disk = Disk(vfs);
    const std::lock_guard guard(disk.mutex_);
    if (disk.Hit(kStat) != SQLITE_OK) return SQLITE_IOERR_ACCESS;
    const auto found = disk.names_.find(name);
    *out = found != disk.names_.end() && (what != SQLITE_ACCESS_EXISTS || !found->second->bytes.empty()) ? 1 : 0;
    return SQLITE_OK;
  }

  static int FullPath(sqlite3_vfs*, const char* name, int bytes, char* out) {
    sqlite3_snprintf(bytes, out, "%s", name);
    return SQLITE_OK;
  }

  static int Randomness(sqlite3_vfs* vfs, int bytes, char* out) {
    sqlite3_vfs* const system = Disk(vfs).system_;
    return system->xRandomness(system, bytes, out);
  }

  static int Sleep(sqlite3_vfs*, int microseconds) { return microseconds; }  // nobody waits

  static int CurrentTime(sqlite3_vfs* vfs, double* out) {
    sqlite3_vfs* const system = Disk(vfs).system_;
    return system->xCurrentTime(system, out);
  }

  static int Close(sqlite3_file* handle) {
    File& file = From(handle);
    {
      const std::lock_guard guard(file.disk->mutex_);
      Unmap(file);
      std::erase(file.inode->files, &file);
    }
    file.~File();
    return SQLITE_OK;
  }

  static int Read(sqlite3_file* handle, void* out, int bytes, sqlite3_int64 offset) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    if (const int code = file.disk->Hit(kRead); code != SQLITE_OK) return code;
    const std::string& from = file.inode->bytes;
    const auto begin = std::min(static_cast<std::size_t>(offset), from.size());
    const auto wanted = static_cast<std::size_t>(bytes);
    const std::size_t found = std::min(wanted, from.size() - begin);
    std::memcpy(out, from.data() + begin, found);
    if (found == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(out) + found, 0, wanted - found);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int WriteTo(sqlite3_file* handle, const void* from, int bytes, sqlite3_int64 offset) {
    File& file = From(handle);
    Announce(file);
    MemoryDisk& disk = *file.disk;
    const std::lock_guard guard(disk.mutex_);
    const auto begin = static_cast<std::size_t>(offset);
    auto size = static_cast<std::size_t>(bytes);
    int code = disk.Hit(kWrite);
    if (code != SQLITE_OK) {
      size = !disk.frozen_ && disk.fault_->by_half ? size / 2 : 0;
    } else if (file.named && !disk.paused_ && disk.quota_.has_value()) {
      const std::size_t used = disk.BytesUsed();
      const std::size_t end = file.inode->bytes.size() + (*disk.quota_ > used ? *disk.quota_ - used : 0);
      if (begin + size > end) {
        size = end > begin ? end - begin : 0;
        code = SQLITE_FULL;
        ++disk.failures_;
      }
    }
    if (size > 0) file.inode->Apply({.offset = begin, .bytes = std::string(static_cast<const char*>(from), size)});
    disk.most_bytes_ = std::max(disk.most_bytes_, disk.BytesUsed());
    return code;
  }

  static int Truncate(sqlite3_file* handle, sqlite3_int64 size) {
    File& file = From(handle);
    Announce(file);
    const std::lock_guard guard(file.disk->mutex_);
    if (const int code = file.disk->Hit(kTruncate); code != SQLITE_OK) return code;
    file.inode->Apply({.truncate = true, .offset = static_cast<std::size_t>(size), .bytes = {}});
    return SQLITE_OK;
  }

  static int Sync(sqlite3_file* handle, int) {
    File& file = From(handle);
    Announce(file);
    const std::lock_guard guard(file.disk->mutex_);
    const int code = file.disk->Hit(kSync);
    if (file.disk->frozen_) return code;
    file.inode->Sync(code != SQLITE_OK);
    if (code != SQLITE_OK) {
      ++file.disk->failed_syncs_;
    } else if (std::exchange(file.syncs_folder, false)) {
      file.disk->SyncFolder();
    }
    return code;
  }

  static int Size(sqlite3_file* handle, sqlite3_int64* out) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    if (file.disk->Hit(kStat) != SQLITE_OK) return SQLITE_IOERR_FSTAT;
    *out = static_cast<sqlite3_int64>(file.inode->bytes.size());
    return SQLITE_OK;
  }

  // The highest lock that another connection has on the file.
  static int OthersLock(const File& file) {
    int highest = SQLITE_LOCK_NONE;
    for (const File* other : file.inode->files) {
      if (other != &file) highest = std::max(highest, other->lock);
    }
    return highest;
  }

  static int Lock(sqlite3_file* handle, int level) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    if (file.lock >= level) return SQLITE_OK;
    if (const int code = file.disk->Hit(kLock); code != SQLITE_OK) return code;
    const int others = OthersLock(file);
    if (level == SQLITE_LOCK_SHARED) {
      if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    } else if (others >= SQLITE_LOCK_RESERVED) {
      return SQLITE_BUSY;
    } else if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
      file.lock = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    file.lock = level;
    return SQLITE_OK;
  }

  static int Unlock(sqlite3_file* handle, int level) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    file.lock = std::min(file.lock, level);
    return SQLITE_OK;
  }

  static int CheckReserved(sqlite3_file* handle, int* out) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    *out = std::max(file.lock, OthersLock(file)) >= SQLITE_LOCK_RESERVED ? 1 : 0;
    return SQLITE_OK;
  }

  static int Control(sqlite3_file*, int what, void* argument) {
    if (what != SQLITE_FCNTL_PRAGMA || checkpoint_pages == 0) return SQLITE_NOTFOUND;
    const std::string_view pragma = static_cast<char**>(argument)[1];
    return pragma == "wal_autocheckpoint" ? SQLITE_OK : SQLITE_NOTFOUND;
  }

  static int SectorSize(sqlite3_file*) { return 4096; }
  static int Characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int Map(sqlite3_file* handle, int region, int bytes, int extend, void volatile** out) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    *out = nullptr;
    if (const int code = file.disk->Hit(kMapShared); code != SQLITE_OK) return code;
    if (static_cast<std::size_t>(bytes) != kRegionBytes) return SQLITE_IOERR_SHMSIZE;
    file.maps_shared_memory = true;
    auto& regions = file.inode->shared_memory;
    const auto index = static_cast<std::size_t>(region);
    if (index >= regions.size() && extend == 0) return SQLITE_OK;
    while (regions.size() <= index) regions.push_back(std::make_unique<std::array<char, kRegionBytes>>());
    *out = regions[index]->data();
    return SQLITE_OK;
  }

  static int LockMapped(sqlite3_file* handle, int first, int count, int flags) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    const unsigned mask = ((1U << count) - 1U) << first;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      file.shared_locks &= ~mask;
      file.exclusive_locks &= ~mask;
      return SQLITE_OK;
    }
    if (const int code = file.disk->Hit(kLockShared); code != SQLITE_OK) return code;
    const bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    for (const File* other : file.inode->files) {
      if (other == &file) continue;
      if ((mask & (other->exclusive_locks | (shared ? 0U : other->shared_locks))) != 0) return SQLITE_BUSY;
    }
    (shared ? file.shared_locks : file.exclusive_locks) |= mask;
    return SQLITE_OK;
  }

  static void Barrier(sqlite3_file* handle) { const std::lock_guard guard(From(handle).disk->mutex_); }

  // The last to leave takes the shared memory with it, as a process that ends does.
  static void Unmap(File& file) {
    file.maps_shared_memory = false;
    file.shared_locks = 0;
    file.exclusive_locks = 0;
    const auto& files = file.inode->files;
    if (std::none_of(files.begin(), files.end(), [](const File* f) { return f->maps_shared_memory; })) {
      file.inode->shared_memory.clear();
    }
  }

  static int UnmapShared(sqlite3_file* handle, int) {
    File& file = From(handle);
    const std::lock_guard guard(file.disk->mutex_);
    Unmap(file);
    return SQLITE_OK;
  }

  static const sqlite3_io_methods kFileMethods;
};

const sqlite3_io_methods MemoryDisk::Methods::kFileMethods = {
    2,          Close,           Read, WriteTo,    Truncate, Sync,        Size,    Lock,   Unlock, CheckReserved, Control,
    SectorSize, Characteristics, Map,  LockMapped, Barrier,  UnmapShared, nullptr, nullptr};

MemoryDisk::MemoryDisk() : system_(sqlite3_vfs_find(nullptr)) {
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(File);
  vfs_.mxPathname = kMaxPath;
  vfs_.zName = "memory_disk";
  vfs_.pAppData = this;
  vfs_.xOpen = Methods::Open;
  vfs_.xDelete = Methods::Delete;
  vfs_.xAccess = Methods::Access;
  vfs_.xFullPathname = Methods::FullPath;
  vfs_.xRandomness = Methods::Randomness;
  vfs_.xSleep = Methods::Sleep;
  vfs_.xCurrentTime = Methods::CurrentTime;
  sqlite3_vfs_register(&vfs_, 1);
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(OnOpen));
}

MemoryDisk::~MemoryDisk() {
  checkpoint_pages = 0;
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(OnOpen));
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(system_, 1);
}

MemoryDisk::Image MemoryDisk::CutPower(const std::string& path, std::mt19937_64& random) const {
  const std::lock_guard guard(mutex_);
  std::map<std::string, InodePtr> names = durable_names_;
  std::map<std::string, std::size_t> changes;
  for (const Renaming& renaming : renamings_) ++changes[renaming.name];
  for (auto& [name, count] : changes) count = random() % (count + 1);
  for (const Renaming& renaming : renamings_) {
    std::size_t& left = changes[renaming.name];
    if (left == 0) continue;
    --left;
    names[renaming.name] = renaming.inode;
  }
  Image image;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    const auto found = names.find(path + suffix);
    if (found != names.end() && found->second != nullptr) image[suffix] = found->second->CutPower(random);
  }
  return image;
}

void MemoryDisk::Put(const std::string& path, const Image& image) {
  const std::lock_guard guard(mutex_);
  for (const char* suffix : {"", "-wal", "-journal"}) {
    names_.erase(path + suffix);
    durable_names_.erase(path + suffix);
    std::erase_if(renamings_, [&](const Renaming& renaming) { return renaming.name == path + suffix; });
  }
  for (const auto& [suffix, bytes] : image) {
    auto inode = std::make_shared<Inode>();
    inode->bytes = bytes;
    inode->durable = bytes;
    names_[path + suffix] = inode;
    durable_names_[path + suffix] = inode;
  }
}

MemoryDisk::Image MemoryDisk::Get(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  Image image;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    const auto found = names_.find(path + suffix);
    if (found != names_.end()) image[suffix] = found->second->bytes;
  }
  return image;
}

void MemoryDisk::Fail(const Fault& fault) {
  const std::lock_guard guard(mutex_);
  fault_ = fault;
  matching_ = 0;
  failures_ = 0;
  failed_syncs_ = 0;
}

void MemoryDisk::Pause(bool paused) {
  const std::lock_guard guard(mutex_);
  paused_ = paused;
}

void MemoryDisk::Freeze(bool frozen) {
  const std::lock_guard guard(mutex_);
  frozen_ = frozen;
}

void MemoryDisk::Heal() {
  const std::lock_guard guard(mutex_);
  fault_.reset();
  quota_.reset();
}

std::uint64_t MemoryDisk::matching() const {
  const std::lock_guard guard(mutex_);
  return matching_;
}

std::uint64_t MemoryDisk::failures() const {
  const std::lock_guard guard(mutex_);
  return failures_;
}

std::uint64_t MemoryDisk::failed_syncs() const {
  const std::lock_guard guard(mutex_);
  return failed_syncs_;
}

void MemoryDisk::SetQuota(std::size_t bytes) {
  const std::lock_guard guard(mutex_);
  quota_ = bytes;
}

std::size_t MemoryDisk::most_bytes() const {
  const std::lock_guard guard(mutex_);
  return most_bytes_;
}

void MemoryDisk::CheckpointEvery(int pages) { checkpoint_pages = pages; }

int MemoryDisk::Hit(Operation operation) {
  if (frozen_) return SQLITE_IOERR;
  if (paused_ || !fault_.has_value() || (fault_->operations & operation) == 0) return SQLITE_OK;
  ++matching_;
  const bool hit = fault_->lasting ? matching_ >= fault_->at : matching_ == fault_->at;
  if (!hit) return SQLITE_OK;
  ++failures_;
  return fault_->code;
}

bool MemoryDisk::Has(const char* name) const {
  const std::lock_guard guard(mutex_);
  return names_.contains(name);
}

std::size_t MemoryDisk::BytesUsed() const {
  std::size_t bytes = 0;
  for (const auto& [name, inode] : names_) bytes += inode->bytes.size();
  return bytes;
}

void MemoryDisk::SyncFolder() {
  durable_names_ = names_;
  renamings_.clear();
}
