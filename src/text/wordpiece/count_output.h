#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ragpipe/chunk.h"
#include "text/wordpiece/word_run.h"
#include "text/wordpiece/word_table.h"
#include "text/wordpiece/word_walk.h"
#include "text/wordpiece/word_window.h"

namespace ragpipe::text::internal {

/// The number of tokens, or any above a limit.
class CountOutput {
 public:
  static constexpr bool kTakesIds = false;
  static constexpr bool kTakesRanges = false;

  explicit CountOutput(std::size_t limit) : limit_(limit) {}

  std::size_t count() const { return count_; }
  bool full() const { return count_ > limit_; }

  void AddWindow(const WordWindow& window) { count_ += window.alone(); }
  void AddWhole(const WordWindow& /*window*/, const WordTable& /*table*/, std::size_t /*first*/,
                std::span<const std::uint32_t> slots) {
    count_ += slots.size();
  }
  void AddWord(const WordWindow& /*window*/, std::size_t /*piece*/, WordTokens tokens) { count_ += tokens.count; }
  void BeginRun(ByteRange /*piece*/) {}
  void AddRunWord(const WordRun::Word& /*word*/, WordTokens tokens) { count_ += tokens.count; }
  void AddAdded(std::uint32_t /*id*/, ByteRange /*source*/) { ++count_; }

 private:
  std::size_t limit_;
  std::size_t count_ = 0;
};

}  // namespace ragpipe::text::internal
