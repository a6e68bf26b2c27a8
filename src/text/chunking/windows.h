#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/chunker.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/packing.h"

namespace ragpipe::text::internal {

/// A stretch of a text that comes in parts. What stands before `begin` has been split already.
struct Window {
  std::string_view text;
  std::size_t offset = 0;  ///< of `text` in the whole
  std::size_t begin = 0;
  Level level = Level::kParagraph;  ///< of the boundary at `begin`
  const Chunk* before = nullptr;    ///< the chunk that ends there
  bool is_last = false;             ///< the text ends with it
};

/// Of a window, from its beginning on; offsets are of its text.
struct WindowChunks {
  std::vector<Chunk> chunks;
  Packer::Certain certain;             ///< those that the text has, too
  std::size_t needed_from = SIZE_MAX;  ///< the next window has the text from here on, and what the certain chunks need
};

/// In a window that is not the last, nothing may be decided by its last kLookAhead bytes.
inline constexpr std::size_t kLookAhead = 64;

/// Where the last line begins that has visible text, behind `begin` and before `end`; `begin` where there is none.
std::size_t LastLineBegin(std::string_view text, std::size_t begin, std::size_t end);

/// Splits a text that comes in parts window by window. A window without a certain chunk is split again when it has twice the
/// size. Memory: twice the longest window, which is 256 bytes for each token of the cap, or 16 KiB, or two times the longest
/// stretch that cannot be split by itself.
absl::Status SplitByWindows(const ReadText& read, const TakeChunk& take, std::size_t max_tokens,
                            absl::FunctionRef<absl::StatusOr<WindowChunks>(const Window&)> split);

}  // namespace ragpipe::text::internal
