#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "ragpipe/testing/fault_plan.h"

namespace ragpipe::proof {

/// What SQLite asks of the operating system.
enum class FileCall { kOpen, kWrite, kSync, kTruncate, kDelete, kLock, kSharedMemory };

/// A place where a process can die.
struct KillPoint {
  enum class Kind {
    kBeforeStage,  ///< before a call of a stage
    kAfterStage,   ///< after it
    kFile,         ///< at a call of SQLite's; a write is half done
    kTime,         ///< wherever it is when the time has come
  };

  Kind kind = Kind::kTime;
  testing::Call call = testing::Call::kAny;
  FileCall file_call = FileCall::kOpen;
  const char* name = "a random time";
};

std::string ToString(const KillPoint& point);

/// All of them.
std::span<const KillPoint> KillPoints();

/// Kills this process, as kill -9 does.
void Die();

/// Makes SQLite count what it asks of the operating system in this process, and die at the `hit`-th `call`, from 1; 0 = never.
/// To be called once, before a file is opened.
void WatchFileCalls(FileCall call, int hit);

/// So many were made since WatchFileCalls().
int CountOf(FileCall call);

}  // namespace ragpipe::proof
