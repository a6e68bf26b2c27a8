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

}  // namespace

// The other forms end in these two.
void* operator new(std::size_t bytes) {
  void* const memory = RunsOut() ? nullptr : std::malloc(std::max<std::size_t>(bytes, 1));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  void* const memory = RunsOut() ? nullptr : std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

void FailingNew::Fail(std::uint64_t at, std::uint64_t count) {
  allocated = 0;
  failed = 0;
  last = at + count - 1;
  first = at;
}

void FailingNew::Heal() { first = 0; }
std::uint64_t FailingNew::allocations() { return allocated; }
std::uint64_t FailingNew::failures() { return failed; }
