#pragma once

#include <cstdint>

/// The operator new of a program that is linked with it: throws std::bad_alloc when told to. Threading: from any thread.
class FailingNew {
 public:
  /// From now on allocations are counted from 1, and `count` of them fail, the `at`-th first.
  static void Fail(std::uint64_t at, std::uint64_t count);
  static void Heal();

  static std::uint64_t allocations();  ///< since Fail()
  static std::uint64_t failures();     ///< among them
};
