#include "support/failing_new.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> first{0};  // 0 = nothing fails and nothing is counted
std::atomic<std::uint64_t> last{0};
std::atomic<std::uint64_t> allocated{0};
std::atomic<std::uint64_t> failed{0};

bool RunsOut() {
  if (first == 0) return false;
  const std::uint64_t number = ++allocated;
  if (number < first || number > last) return false;
  ++failed;
  return true;
}

void* Allocate(std::size_t bytes) { return RunsOut() ? nullptr : std::malloc(std::max<std::size_t>(bytes, 1)); }

void* AllocateAligned(std::size_t bytes, std::size_t alignment) {
  return RunsOut() ? nullptr : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

}  // namespace

// All forms: a sanitizer has each of its own, and memory of one must not be given to another.
void* operator new(std::size_t bytes) {
  void* const memory = Allocate(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* const memory = AllocateAligned(bytes, static_cast<std::size_t>(alignment));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return Allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return AllocateAligned(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return operator new(bytes, alignment); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return Allocate(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return AllocateAligned(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }

void FailingNew::Fail(std::uint64_t at, std::uint64_t count) {
  allocated = 0;
  failed = 0;
  last = at + count - 1;
  first = at;
}

void FailingNew::Heal() { first = 0; }
std::uint64_t FailingNew::allocations() { return allocated; }
std::uint64_t FailingNew::failures() { return failed; }
