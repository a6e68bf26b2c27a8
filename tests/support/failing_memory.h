#pragma once

#include <cstdint>

/// SQLite's memory, which runs out when told to. Threading: from any thread.
class FailingMemory {
 public:
  /// Puts itself between SQLite and its allocator. No connection may be open.
  static void Install();

  /// Lets the `at`-th allocation from now on fail, from 1, and all later ones if `lasting`.
  static void Fail(std::uint64_t at, bool lasting);
  static void Pause(bool paused);  ///< nothing fails and nothing is counted meanwhile
  static void Heal();

  static std::uint64_t allocations();  ///< since Fail()
  static std::uint64_t failures();     ///< among them
};
