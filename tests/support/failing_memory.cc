#include "support/failing_memory.h"

#include <sqlite3.h>

#include <atomic>

namespace {

sqlite3_mem_methods system_memory;
std::atomic<std::uint64_t> fail_at{0};  // 0 = never
std::atomic<bool> fail_later{false};
std::atomic<bool> is_paused{false};
std::atomic<std::uint64_t> allocated{0};
std::atomic<std::uint64_t> failed{0};

bool RunsOut() {
  if (is_paused || fail_at == 0) return false;
  const std::uint64_t number = ++allocated;
  if (fail_later ? number < fail_at : number != fail_at) return false;
  ++failed;
  return true;
}

void* Allocate(int bytes) { return RunsOut() ? nullptr : system_memory.xMalloc(bytes); }
void* Reallocate(void* old, int bytes) { return RunsOut() ? nullptr : system_memory.xRealloc(old, bytes); }

}  // namespace

void FailingMemory::Install() {
  sqlite3_shutdown();
  if (system_memory.xMalloc != nullptr) return;
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory);
  sqlite3_mem_methods methods = system_memory;
  methods.xMalloc = Allocate;
  methods.xRealloc = Reallocate;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);  // no small allocation escapes
}

void FailingMemory::Fail(std::uint64_t at, bool lasting) {
  allocated = 0;
  failed = 0;
  fail_later = lasting;
  fail_at = at;
}

void FailingMemory::Pause(bool paused) { is_paused = paused; }
void FailingMemory::Heal() { fail_at = 0; }
std::uint64_t FailingMemory::allocations() { return allocated; }
std::uint64_t FailingMemory::failures() { return failed; }
